/* The desk's jobs that share a transaction. On its thread. */
#ifndef TANDEM_CLOUD_BATCH_H
#define TANDEM_CLOUD_BATCH_H

#include "cloud/fleet/desk.h"

#define BATCH_LEFT_OUT 2 /* result of a job that yields, and did not begin */

/* Runs them (a list by next) in one transaction, and commits it. Where other servers were in the way, or one
 * failed that has no step of its own, each runs again by itself. Each gets its result, and the effects of
 * what was committed. */
void batch_run(struct fleet *fleet, struct desk_job *jobs);

void batch_free_effects(struct effect *effects);

#endif
