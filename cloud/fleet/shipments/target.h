/* The targets of a dossier as its event changes them, and all that follows from a change. */
#ifndef TANDEM_CLOUD_TARGET_H
#define TANDEM_CLOUD_TARGET_H

#include "cloud/fleet/shipments/dossier.h"

/* Writes a changed target; notes a changed status in the device's timeline, counts it in its wave, and lets
 * the shipment's gates judge what changed. before is the target as it was read. */
TDM_MUST_USE int target_save(struct dossier *dossier, const struct target *before,
                             const struct target *target);

typedef int target_change_fn(struct fleet *fleet, const struct scene *scene, struct target *target,
                             const void *argument);
/* Calls change for each target that an event of the device may move (offered before, and not ended), and
 * saves what it changed. */
TDM_MUST_USE int target_change_all(struct dossier *dossier, target_change_fn *change, const void *argument);
/* The same for the shipment whose offer the device got last. */
TDM_MUST_USE int target_change_current(struct dossier *dossier, target_change_fn *change,
                                       const void *argument);

/* An update that succeeded is gone again: while its shipment is open, that counts as a rollback. */
void target_lost(const struct fleet *fleet, const struct scene *scene, struct target *target, uint8_t reason);

#endif
