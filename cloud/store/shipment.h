/* The store: shipments and their targets. */
#ifndef TANDEM_CLOUD_STORE_SHIPMENT_H
#define TANDEM_CLOUD_STORE_SHIPMENT_H

#include "cloud/store/store.h"

/* update writes state and end. The list is newest first. */
TDM_MUST_USE int store_shipment_add(struct store *store, struct shipment *shipment);
TDM_MUST_USE int store_shipment_get(struct store *store, int64_t id, struct shipment *shipment);
TDM_MUST_USE int store_shipment_update(struct store *store, const struct shipment *shipment);
TDM_MUST_USE int store_shipments(struct store *store, struct shipment **shipments, size_t *count);
TDM_MUST_USE int store_shipment_progress(struct store *store, int64_t shipment, struct progress *progress);

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
