/* The store: templates, devices, their timelines and rejections. */
#ifndef TANDEM_CLOUD_STORE_DEVICE_H
#define TANDEM_CLOUD_STORE_DEVICE_H

#include "cloud/store/store.h"

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

#endif
