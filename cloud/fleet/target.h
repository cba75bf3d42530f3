/* A changed target, and all that follows from the change. */
#ifndef TANDEM_CLOUD_TARGET_H
#define TANDEM_CLOUD_TARGET_H

#include "cloud/fleet/dossier.h"

/* Writes a changed target; notes a changed status in the device's timeline, counts it in its wave, and lets
 * the shipment's gates judge what changed. before is the target as it was read. */
TDM_MUST_USE int target_save(struct dossier *dossier, const struct target *before,
                             const struct target *target);

#endif
