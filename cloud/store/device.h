/* The store: devices. */
#ifndef TANDEM_CLOUD_STORE_DEVICE_H
#define TANDEM_CLOUD_STORE_DEVICE_H

#include "cloud/store/store.h"

/* Devices. add sets id and counts it for its template, which was added before; update writes what the device
 * is, describe what people say of it and the key of its version, pulse what ends struct device. */
TDM_MUST_USE int store_device_add(struct store *store, struct device *device);
TDM_MUST_USE int store_device_get(struct store *store, int64_t id, struct device *device);
struct presence;
/* With its connection, as store_presence_get has it; presence->connection is 0 where it has none. */
TDM_MUST_USE int store_device_and_presence(struct store *store, int64_t id, struct device *device,
                                           struct presence *presence);
TDM_MUST_USE int store_device_update(struct store *store, const struct device *device);
TDM_MUST_USE int store_device_pulse(struct store *store, const struct device *device);
TDM_MUST_USE int store_device_describe(struct store *store, const struct device *device);
/* Writes the hash of its token, and whether anybody has that. */
TDM_MUST_USE int store_device_token(struct store *store, const struct device *device);
TDM_MUST_USE int store_device_delete(struct store *store, const struct device *device);
/* The login tokens of the devices after this id, in order; by pages, since there may be a million. */
struct device_token {
    int64_t device;
    uint8_t hash[RECORD_DIGEST_BYTES];
};
TDM_MUST_USE int store_device_tokens(struct store *store, int64_t after, size_t limit,
                                     struct device_token **tokens, size_t *count);
/* How many a template has. */
TDM_MUST_USE int store_devices_count(struct store *store, int64_t organization, const char *template,
                                     int64_t *count);

/* A part of the list, in an order that the id completes. Of after (NULL: from the start) only the fields of
 * the order and the id are looked at. A part that is picked out has one name or one version key, or one
 * template, and comes in order of ids. */
enum device_order { DEVICE_ORDER_ID, DEVICE_ORDER_NAME, DEVICE_ORDER_VERSION, DEVICE_ORDER_SEEN };
enum device_pick { DEVICE_PICK_ALL, DEVICE_PICK_TEMPLATE, DEVICE_PICK_NAME, DEVICE_PICK_VERSION };
struct device_page {
    int64_t organization;
    enum device_pick pick;
    const char *picked;      /* its template, name or version key */
    enum device_order order; /* DEVICE_ORDER_SEEN is store_devices_seen's */
    bool descending;
    const struct device *after;
    size_t limit;
};
TDM_MUST_USE int store_devices_page(struct store *store, const struct device_page *page,
                                    struct device **devices, size_t *count);

/* When devices were seen last: of those with ids above after, up to through, whose moment lies between two,
 * in no order. No index has that, since every check-in would write it. */
struct device_seen {
    int64_t time;
    int64_t id;
};
struct device_seen_range {
    int64_t organization;
    const char *template; /* NULL: all */
    int64_t after, through;
    struct device_seen above, below;
};
TDM_MUST_USE int store_devices_seen(struct store *store, const struct device_seen_range *range,
                                    struct device_seen **list, size_t *count);
/* Those of these ids that are there, in no order; STORE_DEVICES_SOME at most. */
#define STORE_DEVICES_SOME 100
TDM_MUST_USE int store_devices_some(struct store *store, const struct device_seen *ids, size_t id_count,
                                    struct device **devices, size_t *count);
/* The highest id that there is, 0 without devices. */
TDM_MUST_USE int store_device_last(struct store *store, int64_t *id);

/* A way through all devices of a template, in order of their ids, some at a time. */
struct device_walk {
    int64_t organization;
    const char *template;
    int64_t after; /* the device that was taken last, 0 at the start */
    bool end;      /* there are no more */
};
/* Each of the next devices, limit at most, goes to take, whose first failure ends it. Of the device only what
 * rules, filters and time zones go by is read; the rest is zero. take may use the store for anything else. */
typedef int device_take_fn(void *ctx, const struct device *device);
TDM_MUST_USE int store_devices_walk(struct store *store, struct device_walk *walk, size_t limit,
                                    device_take_fn *take, void *ctx);

#endif
