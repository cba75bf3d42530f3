#include "cloud/fleet/shipments/dossier.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int dossier_open(struct dossier *dossier, struct fleet *fleet, int64_t device)
{
    *dossier = (struct dossier){.fleet = fleet};
    int result = store_device_and_presence(fleet->store, device, &dossier->device, &dossier->presence);
    if (result == STORE_OK)
        result = store_targets_of_device(fleet->store, device, &dossier->targets, &dossier->count);
    dossier->stored = dossier->device;
    return result;
}

/* Its pulse, and seldom more. */
static int write_device(struct store *store, const struct device *device, const struct device *stored)
{
    size_t pulse = offsetof(struct device, last_seen);
    int result = STORE_OK;
    if (memcmp(device, stored, pulse) != 0)
        result = store_device_update(store, device);
    bool beats =
        memcmp((const char *)device + pulse, (const char *)stored + pulse, sizeof *device - pulse) != 0;
    return result == STORE_OK && beats ? store_device_pulse(store, device) : result;
}

int dossier_close(struct dossier *dossier, int result)
{
    free(dossier->targets);
    return result == STORE_OK ? write_device(dossier->fleet->store, &dossier->device, &dossier->stored)
                              : result;
}

struct target *dossier_target(const struct dossier *dossier, int64_t shipment)
{
    for (size_t i = 0; i < dossier->count; i++) {
        if (dossier->targets[i].shipment == shipment)
            return &dossier->targets[i];
    }
    return NULL;
}

int dossier_scene(const struct dossier *dossier, const struct target *target, struct scene *scene)
{
    struct fleet *fleet = dossier->fleet;
    scene->device = &dossier->device;
    int result = store_shipment_get(fleet->store, target->shipment, &scene->shipment);
    if (result == STORE_OK)
        result = store_firmware_get(fleet->store, scene->shipment.firmware, &scene->firmware);
    if (result == STORE_OK)
        scene->limits = fleet_limits(fleet, &scene->shipment);
    return result;
}
