/* What changes while people watch: a small JSON object for each change, that leaves as an effect and reaches
 * the consoles as a server-sent event; and what webhooks are told of, which is kept with the change itself
 * until it is delivered (docs/API.md). Runs on the store's thread; results are enum store_result. */
#ifndef TANDEM_CLOUD_NOTICE_H
#define TANDEM_CLOUD_NOTICE_H

#include "cloud/fleet/base/fleet.h"

/* change: "online", "offline" or "check-in". */
void notice_device(struct fleet *fleet, const struct device *device, const char *change);
TDM_MUST_USE int notice_target(struct fleet *fleet, const struct target *target);
/* changed: its state did, which is what webhooks are told. */
TDM_MUST_USE int notice_shipment(struct fleet *fleet, const struct shipment *shipment, bool changed);

/* Whether webhooks can be told of this. */
bool notice_event_exists(const char *event);
/* Has something sent to this webhook, to try it. */
TDM_MUST_USE int notice_test(struct fleet *fleet, const struct webhook *webhook);

#endif
