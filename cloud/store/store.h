/* The store: everything that must outlive a kill -9, behind typed calls.
 *
 * One thread owns a store and calls it (fleet/desk.h); every call works inside the transaction that the owner
 * opened with store_begin. Nothing is promised to anyone before store_commit returned STORE_OK.
 *
 * Lists are given as one allocated array that the caller frees; it is NULL when the count is 0. */
#ifndef TANDEM_CLOUD_STORE_H
#define TANDEM_CLOUD_STORE_H

#include "cloud/store/records.h"
#include "tandem/error.h"

enum store_result {
    STORE_OK = 0,
    STORE_NOT_FOUND = -1,
    STORE_CONFLICT = -2, /* something with this name, hash or id is there already */
    STORE_FULL = -3,     /* the disk is full */
    STORE_FAILED = -4,   /* anything else; it was logged */
};

struct store;

/* Opens or creates the database at path (":memory:" for tests). On failure *store is NULL and why says what
 * happened. */
TDM_MUST_USE int store_open(struct store **store, const char *path, char *why, size_t capacity);
void store_close(struct store *store);

TDM_MUST_USE int store_begin(struct store *store);
TDM_MUST_USE int store_commit(struct store *store);
void store_rollback(struct store *store);
/* A step inside a transaction, which can be taken back alone. */
TDM_MUST_USE int store_step_begin(struct store *store);
void store_step_end(struct store *store, bool keep);

/* Small values of the server itself: its signing key. */
TDM_MUST_USE int store_setting_get(struct store *store, const char *key, void *value, size_t bytes);
TDM_MUST_USE int store_setting_set(struct store *store, const char *key, const void *value, size_t bytes);

/* API tokens, by hash. */
TDM_MUST_USE int store_token_add(struct store *store, const uint8_t hash[RECORD_DIGEST_BYTES],
                                 const char *name, int64_t now);
TDM_MUST_USE int store_tokens(struct store *store, uint8_t (**hashes)[RECORD_DIGEST_BYTES], size_t *count);

/* Templates: one exists once a device was added with it. */
TDM_MUST_USE int store_template_add(struct store *store, const char *template);
TDM_MUST_USE int store_template_exists(struct store *store, const char *template);

/* Devices. add sets id; update writes everything but id, token hash and creation. */
TDM_MUST_USE int store_device_add(struct store *store, struct device *device);
TDM_MUST_USE int store_device_get(struct store *store, int64_t id, struct device *device);
TDM_MUST_USE int store_device_update(struct store *store, const struct device *device);
TDM_MUST_USE int store_device_delete(struct store *store, int64_t id);
/* template NULL: all. In order of id. */
TDM_MUST_USE int store_devices(struct store *store, const char *template, struct device **devices,
                               size_t *count);

/* A device's timeline: the newest STORE_EVENTS_KEPT are kept, oldest first. */
#define STORE_EVENTS_KEPT 200
TDM_MUST_USE int store_event_add(struct store *store, int64_t device, const struct event *event);
TDM_MUST_USE int store_events(struct store *store, int64_t device, struct event **events, size_t *count);

/* Images that a device rolled back from for good, by the head of their digest. */
TDM_MUST_USE int store_rejection_add(struct store *store, int64_t device,
                                     const uint8_t head[RECORD_SHORT_BYTES], uint8_t reason, int64_t now);
/* STORE_OK and *reason, or STORE_NOT_FOUND. */
TDM_MUST_USE int store_rejection_get(struct store *store, int64_t device,
                                     const uint8_t head[RECORD_SHORT_BYTES], uint8_t *reason);

/* Firmware. */
TDM_MUST_USE int store_firmware_add(struct store *store, struct firmware *firmware);
TDM_MUST_USE int store_firmware_get(struct store *store, int64_t id, struct firmware *firmware);
TDM_MUST_USE int store_firmware_find(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES],
                                     struct firmware *firmware);
TDM_MUST_USE int store_firmware_delete(struct store *store, int64_t id);
TDM_MUST_USE int store_firmwares(struct store *store, struct firmware **firmware, size_t *count);

/* Shipments. update writes state and end. The list is newest first. */
TDM_MUST_USE int store_shipment_add(struct store *store, struct shipment *shipment);
TDM_MUST_USE int store_shipment_get(struct store *store, int64_t id, struct shipment *shipment);
TDM_MUST_USE int store_shipment_update(struct store *store, const struct shipment *shipment);
TDM_MUST_USE int store_shipments(struct store *store, struct shipment **shipments, size_t *count);
TDM_MUST_USE int store_shipment_progress(struct store *store, int64_t shipment, struct progress *progress);

/* Targets. */
TDM_MUST_USE int store_target_add(struct store *store, const struct target *target);
TDM_MUST_USE int store_target_get(struct store *store, int64_t shipment, int64_t device,
                                  struct target *target);
TDM_MUST_USE int store_target_update(struct store *store, const struct target *target);
/* Of one shipment in order of device, or of one device with the newest shipment first. */
TDM_MUST_USE int store_targets_of_shipment(struct store *store, int64_t shipment, struct target **targets,
                                           size_t *count);
TDM_MUST_USE int store_targets_of_device(struct store *store, int64_t device, struct target **targets,
                                         size_t *count);
/* At most limit targets whose due time has come, the earliest first. */
TDM_MUST_USE int store_targets_due(struct store *store, int64_t now, size_t limit, struct target **targets,
                                   size_t *count);

#endif
