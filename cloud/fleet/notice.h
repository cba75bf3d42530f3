/* What changes while people watch: a small JSON object for each change, that leaves as an effect and reaches
 * the consoles as a server-sent event (docs/API.md). Runs on the store's thread; results are enum
 * store_result. */
#ifndef TANDEM_CLOUD_NOTICE_H
#define TANDEM_CLOUD_NOTICE_H

#include "cloud/fleet/fleet.h"

/* change: "online", "offline" or "check-in". */
void notice_device(struct fleet *fleet, const struct device *device, const char *change);
TDM_MUST_USE int notice_target(struct fleet *fleet, const struct target *target);
TDM_MUST_USE int notice_shipment(struct fleet *fleet, const struct shipment *shipment);

#endif
