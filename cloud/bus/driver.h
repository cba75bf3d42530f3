/* A kind of bus. Private to cloud/bus. */
#ifndef TANDEM_CLOUD_BUS_DRIVER_H
#define TANDEM_CLOUD_BUS_DRIVER_H

#include "cloud/bus/bus.h"

struct bus_driver {
    bool (*send)(struct bus *bus, int64_t node, const uint8_t *data, size_t bytes);
    bool (*is_up)(const struct bus *bus);
    void (*close)(struct bus *bus); /* and frees it */
};

/* The first member of each kind's own structure. */
struct bus {
    const struct bus_driver *driver;
};

struct bus *bus__open_nats(const char *url, int64_t node, struct event_base *base, bus_message_fn *on_message,
                           void *ctx, char *why, size_t capacity);

#endif
