/* Pins of the MCU and datastreams of the cloud (docs/NCP.md, "Pins and datastreams"). No I/O.
 *
 * The MCU knows pins by number, the cloud knows datastreams by name. A map says which is which; a pin without
 * a row in it is the datastream V<number>. */
#ifndef NCPD_DATASTREAMS_H
#define NCPD_DATASTREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ncpd/config/pin_map.h"

enum {
    PIN_VALUE_MAX = 1024, /* longest value, either way */
    PINS_WAITING = 32,    /* changes that the MCU was not told of yet */
    BATCH_BYTES = 960     /* of one batch_ds: 1024 with its topic and head */
};

/* Publishes on a topic of the cloud, or drops it where there is no connection. */
typedef void publish_fn(void *ctx, const char *topic, const void *payload, size_t bytes);

struct pin_change {
    uint16_t pin;
    uint16_t bytes;
    uint8_t value[PIN_VALUE_MAX];
};

struct datastreams {
    const struct pin_map *map;
    publish_fn *publish;
    void *ctx;
    void *batch;     /* of the group that is open: a JSON object, NULL if none is */
    int64_t time_ms; /* of what is written now, since 1970; 0: as it comes */
    size_t batch_bytes;
    struct pin_change waiting[PINS_WAITING]; /* oldest first */
    int count;
    uint32_t lost; /* changes that gave way to newer ones of other pins */
};

void datastreams_init(struct datastreams *streams, const struct pin_map *map, publish_fn *publish, void *ctx);
/* A new session of the MCU: no group is open, and nothing waits for it. */
void datastreams_reset(struct datastreams *streams);

/* --- Up: what the MCU calls --- */

void datastreams_write(struct datastreams *streams, uint16_t pin, const void *value, size_t bytes);
void datastreams_set_property(struct datastreams *streams, uint16_t pin, const char *property,
                              const void *value, size_t bytes);
void datastreams_sync_all(struct datastreams *streams);
/* pins: numbers as text, a NUL between them. */
void datastreams_sync(struct datastreams *streams, const void *pins, size_t bytes);
/* Writes of a group go out together; with a time, each says that it is of then. time_ms: since 1970, 0 for
 * now. */
void datastreams_begin_group(struct datastreams *streams, int64_t time_ms);
void datastreams_end_group(struct datastreams *streams);

/* --- Down: downlink/ds/NAME --- */

/* Takes a new value for the MCU; the newest of a pin replaces the one that waits. False if no pin has that
 * name, or the value is too long. */
bool datastreams_receive(struct datastreams *streams, const char *name, const void *value, size_t bytes);

/* The change to tell next, NULL if there is none; then that it was told. */
const struct pin_change *datastreams_next(const struct datastreams *streams);
void datastreams_told(struct datastreams *streams);

#endif
