/* The store: what failed lately. */
#ifndef TANDEM_CLOUD_STORE_FAILURE_H
#define TANDEM_CLOUD_STORE_FAILURE_H

#include "cloud/store/store.h"

/* Notes that a target failed, in the organization of its shipment; the newest STORE_FAILURES_KEPT of each are
 * kept. */
#define STORE_FAILURES_KEPT 1000
TDM_MUST_USE int store_failure_add(struct store *store, const struct target *target, int64_t now);
/* Newest first, but for those whose shipment or device is gone. */
TDM_MUST_USE int store_failures(struct store *store, int64_t organization, struct page page,
                                struct failure **failures, size_t *count);

#endif
