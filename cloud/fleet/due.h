/* What happens by the clock: targets and shipments whose time has come, and the next step of what takes long.
 */
#ifndef TANDEM_CLOUD_DUE_H
#define TANDEM_CLOUD_DUE_H

#include "cloud/fleet/base/fleet.h"

/* Call about once a second, and again at once while fleet->busy says that work was left. */
TDM_MUST_USE int due_tick(struct fleet *fleet);

#endif
