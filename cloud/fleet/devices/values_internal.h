/* What the sources of values.h share. */
#ifndef TANDEM_CLOUD_VALUES_INTERNAL_H
#define TANDEM_CLOUD_VALUES_INTERNAL_H

#include "cloud/fleet/devices/values.h"

/* A message under way. */
struct message {
    struct fleet *fleet;
    int64_t device;
    const char *topic;
    const char *payload; /* not terminated; may hold NULs */
    size_t bytes;
};

/* Tells the device's developer what is wrong, and the timeline. */
TDM_MUST_USE int values__complain(const struct message *message, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Keeps a value as one of that time; complains if it is too long, or one too many. */
TDM_MUST_USE int values__set_at(const struct message *message, enum value_kind kind, const char *name,
                                int64_t time, const void *data, size_t bytes);

/* batch_ds: the values of many datastreams. */
TDM_MUST_USE int values__take_batch(const struct message *message, const char *rest);

/* ds/NAME/timestamped_batch: values of one datastream and their times, of which the newest is kept. */
TDM_MUST_USE int values__take_timed_batch(const struct message *message, const char *name);

#endif
