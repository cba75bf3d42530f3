/* The waves of a shipment, one after the other. Runs on the store's thread; results are enum store_result.
 *
 *     wave 1 opens --gate (rules/gate.h)--> wave 2 ... --> finished
 *          |
 *          '-- a gate stops it: paused, with the reason
 *
 * Whoever changes how a target counts calls shipment_settle, which judges the gates. */
#ifndef TANDEM_CLOUD_WAVES_H
#define TANDEM_CLOUD_WAVES_H

#include "cloud/fleet/base/fleet.h"

/* Every device has its target: the first wave begins. */
TDM_MUST_USE int shipment_opened(struct fleet *fleet, int64_t id);
/* Judges the gates: opens the next wave, stops the shipment, or ends it. */
TDM_MUST_USE int shipment_settle(struct fleet *fleet, int64_t id);
/* The operator goes on: what stopped a gate is forgiven; by force also where nothing stopped it, and the next
 * wave opens. STORE_CONFLICT: there is none. */
TDM_MUST_USE int shipment_forgive(struct fleet *fleet, struct shipment *shipment, bool force);

/* Writes a change that people see; changed: of its state. */
TDM_MUST_USE int shipment_save(struct fleet *fleet, const struct shipment *shipment, bool changed);

#endif
