/* The store: how much there is of everything, over all organizations. */
#ifndef TANDEM_CLOUD_STORE_COUNTS_H
#define TANDEM_CLOUD_STORE_COUNTS_H

#include "cloud/store/store.h"

struct store_counts {
    int64_t devices;
    int64_t online;
    int64_t firmware;
    int64_t shipments[4]; /* by enum shipment_state */
    int64_t targets;      /* of live and paused shipments */
    int64_t updated;
    int64_t failed;
    int64_t forms; /* made and kept, and their bytes */
    int64_t forms_bytes;
};

/* Of one organization. */
struct store_figures {
    int64_t devices;
    int64_t online;
    int64_t firmware;
    int64_t shipments[4];
};
TDM_MUST_USE int store_count_of(struct store *store, int64_t organization, struct store_figures *figures);

TDM_MUST_USE int store_count(struct store *store, struct store_counts *counts);

#endif
