/* The store: times that lie ahead, after the clock was set back. */
#ifndef TANDEM_CLOUD_STORE_CLOCK_H
#define TANDEM_CLOUD_STORE_CLOCK_H

#include "cloud/store/store.h"

/* What waits for a time behind now is due now; of updates under way what is measured begins now, and their
 * time limit is over after limit_ms at the latest. */
TDM_MUST_USE int store_clock_set_back(struct store *store, int64_t now, int64_t limit_ms);

#endif
