/* Connected devices, which need not wait for their next check-in: what a shipment changes for them is looked
 * at step by step, in the order of their ids. A shipment says with its member sweep how far that is. */
#ifndef TANDEM_CLOUD_SWEEP_H
#define TANDEM_CLOUD_SWEEP_H

#include "cloud/fleet/base/fleet.h"

/* The next step. Sets fleet->busy if more may be left. */
TDM_MUST_USE int sweep_step(struct fleet *fleet);

/* Devices of the organization without a zone of their own stand elsewhere now: shipments that prefer a time
 * of the day look at those that are connected again. */
TDM_MUST_USE int sweep_zone_changed(struct fleet *fleet, int64_t organization);

#endif
