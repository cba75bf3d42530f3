/* Carries what waits for webhooks to where they are: signed, a few at a time, again and again with growing
 * pauses, and not for ever. A webhook has one on its way, an organization a few, so that a receiver that is
 * slow keeps nobody else waiting. The event loop's own.
 *
 *     timer --> desk: which are due, and are ours for a minute --> workers: POST --> desk: what came of it
 */
#ifndef TANDEM_CLOUD_COURIER_H
#define TANDEM_CLOUD_COURIER_H

#include "cloud/fleet/desk.h"

struct courier;

/* anywhere: also to addresses that are not of the open internet. */
struct courier *courier_start(struct event_base *base, struct desk *desk, bool anywhere);
/* Breaks off what is under way, before the desk stops; it is due again at once. */
void courier_stop(struct courier *courier);

#endif
