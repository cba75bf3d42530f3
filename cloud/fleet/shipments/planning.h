/* Planning: gives every device of a new shipment its target and its wave, and ends at once the targets that
 * a rule ends (the device runs this firmware, is of another type, ...).
 *
 * A fleet can have a million devices, so this goes step by step, some thousand devices each, with other work
 * in between; the shipment offers nothing before the last step. A server that dies on the way, or whose
 * transaction fails, leaves a shipment that is planned from the start again. Runs on the store's thread;
 * results are enum store_result. */
#ifndef TANDEM_CLOUD_PLANNING_H
#define TANDEM_CLOUD_PLANNING_H

#include "cloud/fleet/base/fleet.h"

#define PLANNING_STEP 2000 /* devices */

/* The next step of the shipment that is being planned, or of the next one that is to be. *more: there is one
 * after it. */
TDM_MUST_USE int planning_step(struct fleet *fleet, bool *more);

/* Plans a shipment for these devices at once. */
TDM_MUST_USE int planning_list(struct fleet *fleet, struct shipment *shipment, const int64_t *devices,
                               size_t count);
/* Adds a device that came later, to the last wave. */
TDM_MUST_USE int planning_late(struct fleet *fleet, const struct shipment *shipment,
                               const struct device *device);

/* Forgets what is in memory. */
void planning_drop(struct fleet *fleet);

#endif
