/* The store: images that devices rejected. */
#ifndef TANDEM_CLOUD_STORE_REJECTION_H
#define TANDEM_CLOUD_STORE_REJECTION_H

#include "cloud/store/store.h"

/* Images that a device rolled back from for good, by the head of their digest. */
TDM_MUST_USE int store_rejection_add(struct store *store, int64_t device,
                                     const uint8_t head[RECORD_SHORT_BYTES], uint8_t reason, int64_t now);
/* Whether any device did. */
TDM_MUST_USE int store_rejections_exist(struct store *store, const uint8_t head[RECORD_SHORT_BYTES],
                                        bool *exist);
/* STORE_OK and *reason, or STORE_NOT_FOUND. */
TDM_MUST_USE int store_rejection_get(struct store *store, int64_t device,
                                     const uint8_t head[RECORD_SHORT_BYTES], uint8_t *reason);

#endif
