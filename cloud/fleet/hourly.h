/* What happens once an hour: points of charts are kept, and firmware that is no longer wanted goes; new
 * shipments get a point every minute. */
#ifndef TANDEM_CLOUD_HOURLY_H
#define TANDEM_CLOUD_HOURLY_H

#include "cloud/fleet/base/fleet.h"

TDM_MUST_USE int hourly_tick(struct fleet *fleet);

#endif
