/* What an event looks at and changes of one device: read once, changed in memory, written once at its end.
 * Runs on the store's thread, inside its transaction; results are enum store_result.
 *
 *     struct dossier dossier;
 *     int result = dossier_open(&dossier, fleet, id);
 *     if (result == STORE_OK)
 *         result = ...                                change dossier.device, target_change_all(...), ...
 *     return dossier_close(&dossier, result); */
#ifndef TANDEM_CLOUD_DOSSIER_H
#define TANDEM_CLOUD_DOSSIER_H

#include "cloud/fleet/base/fleet.h"

struct dossier {
    struct fleet *fleet;
    struct device device;
    struct presence presence; /* .connection is 0 when it has none */
    struct target *targets;   /* newest shipment first */
    size_t count;
    struct device stored; /* as the store has it */
};

/* STORE_NOT_FOUND: there is no such device. */
TDM_MUST_USE int dossier_open(struct dossier *dossier, struct fleet *fleet, int64_t device);
/* With STORE_OK so far, writes what was changed of the device. Returns the first failure. */
TDM_MUST_USE int dossier_close(struct dossier *dossier, int result);

/* The target of a shipment, NULL if there is none. */
struct target *dossier_target(const struct dossier *dossier, int64_t shipment);

/* What belongs to a target. */
struct scene {
    const struct device *device;
    struct shipment shipment;
    struct firmware firmware;
    struct status_limits limits; /* the shipment's */
};
TDM_MUST_USE int dossier_scene(const struct dossier *dossier, const struct target *target,
                               struct scene *scene);

#endif
