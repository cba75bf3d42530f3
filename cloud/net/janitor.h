/* Has files removed that no firmware needs any more (firmware/removal.h of the fleet): one at a time, by the
 * porter. */
#ifndef TANDEM_CLOUD_JANITOR_H
#define TANDEM_CLOUD_JANITOR_H

#include "cloud/files/porter.h"
#include "cloud/fleet/desk.h"

struct janitor;

struct janitor *janitor_start(struct event_base *base, struct desk *desk, struct porter *porter);
/* Begins nothing more; before porter and desk stop. */
void janitor_stop(struct janitor *janitor);
/* After they have. */
void janitor_free(struct janitor *janitor);

#endif
