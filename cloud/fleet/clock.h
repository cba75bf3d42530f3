/* What a clock that is set does to what waits. Set forward, what waits comes early and is looked at. Set back
 * (a wrong time that was put right), it would wait for as long as the clock was wrong: so it is looked at
 * then, and starts to wait anew. */
#ifndef TANDEM_CLOUD_FLEET_CLOCK_H
#define TANDEM_CLOUD_FLEET_CLOCK_H

#include "cloud/durations.h"
#include "cloud/fleet/base/fleet.h"

#define CLOCK_STEP_MS MINUTE_MS /* less is not noticed: nothing waits that much longer for it */

/* Once in each tick; steady_ms: of a clock that nobody sets. */
TDM_MUST_USE int clock_tick(struct fleet *fleet, int64_t steady_ms);

#endif
