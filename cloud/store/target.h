/* The store: targets, each a device in a shipment. */
#ifndef TANDEM_CLOUD_STORE_TARGET_H
#define TANDEM_CLOUD_STORE_TARGET_H

#include "cloud/store/store.h"

TDM_MUST_USE int store_target_add(struct store *store, const struct target *target);
/* The same for many that are new to their shipment: nothing was offered yet, so of each only status, reason,
 * ended, wave and updated are written. */
TDM_MUST_USE int store_targets_add(struct store *store, const struct target *targets, size_t count);
TDM_MUST_USE int store_target_get(struct store *store, int64_t shipment, int64_t device,
                                  struct target *target);
TDM_MUST_USE int store_target_update(struct store *store, const struct target *target);
/* Of one shipment in order of device, behind after. */
TDM_MUST_USE int store_targets_page(struct store *store, int64_t shipment, int64_t after, size_t limit,
                                    struct target **targets, size_t *count);
/* How far the next limit of a shipment behind after reach, and how many they are. */
TDM_MUST_USE int store_targets_next(struct store *store, int64_t shipment, int64_t after, int64_t limit,
                                    int64_t *last, int64_t *count);
/* Removes some of a shipment, those with the lowest ids behind *after, which gets the last one. *more: there
 * may be others. */
#define STORE_TARGETS_REMOVED 1000
TDM_MUST_USE int store_targets_remove(struct store *store, int64_t shipment, int64_t *after, bool *more);
/* The same with what a report says of each device: its id, name and version. */
struct target_line {
    struct target target;
    char name[RECORD_NAME];
    char version[RECORD_TEXT];
};
TDM_MUST_USE int store_target_lines(struct store *store, int64_t shipment, int64_t after, size_t limit,
                                    struct target_line **lines, size_t *count);
/* Of one device with the newest shipment first. */
TDM_MUST_USE int store_targets_of_device(struct store *store, int64_t device, struct target **targets,
                                         size_t *count);
/* At most limit targets whose due time has come and whose device no other server than node has, the earliest
 * first. */
TDM_MUST_USE int store_targets_due(struct store *store, int64_t node, int64_t now, size_t limit,
                                   struct target **targets, size_t *count);

#endif
