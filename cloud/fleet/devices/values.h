/* What Blynk's device API has beside updates: values, metadata, events, time and location (docs/PROTOCOL.md,
 * section 7). Runs on the store's thread; results are enum store_result. */
#ifndef TANDEM_CLOUD_VALUES_H
#define TANDEM_CLOUD_VALUES_H

#include "cloud/fleet/base/fleet.h"

#define VALUES_MAX         128 /* of a device */
#define VALUES_NAME_MAX    128 /* bytes */
#define VALUES_META_DEVICE "Device Name"

/* Takes a message of the device, and answers a request. What makes no sense is told to the device
 * (downlink/diag) and noted in its timeline. */
TDM_MUST_USE int values_message(struct fleet *fleet, int64_t device, const char *topic, const void *payload,
                                size_t bytes);

/* The device has another name: it is told, as of any metadata, if it is there. */
TDM_MUST_USE int values_renamed(struct fleet *fleet, int64_t device, const char *name);

/* Sets a datastream's or metadata's value from our side, and sends it to the device if it is there.
 * STORE_CONFLICT: the name is not one, or the device has too many values. */
TDM_MUST_USE int values_set(struct fleet *fleet, int64_t device, enum value_kind kind, const char *name,
                            const void *data, size_t bytes);

/* 1 to VALUES_NAME_MAX bytes of UTF-8 without control characters and what topics give a meaning. */
bool values_name_valid(const char *name);

#endif
