/* The word of a device's owner. */
#include "cloud/fleet/devices/device.h"

#include <stdio.h>

#include "cloud/fleet/shipments/dossier.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/fleet/shipments/target.h"
#include "tandem/reason.h"

/* *waits: the shipment asks for consent, and the target has no answer yet. */
static int answer_to(struct dossier *dossier, struct target *target, bool agrees, bool *waits)
{
    struct fleet *fleet = dossier->fleet;
    struct scene scene;
    struct target before = *target;
    int result = dossier_scene(dossier, target, &scene);
    bool open = scene.shipment.state == SHIPMENT_LIVE || scene.shipment.state == SHIPMENT_PAUSED;
    *waits = result == STORE_OK && open && scene.shipment.user_controlled && !target->ended &&
             target->consent == 0;
    if (!*waits)
        return result;
    if (agrees)
        status_consented(target, fleet->now);
    else
        status_ended(target, TARGET_DECLINED, TDM_REASON_NONE, fleet->now);
    struct event step = {.kind = "log", .shipment = target->shipment};
    snprintf(step.code, sizeof step.code, "%s", agrees ? "agreed" : "declined");
    result = fleet_step(fleet, &dossier->device, &step, "its owner %s shipment \"%s\"",
                        agrees ? "agreed to" : "declined", scene.shipment.name);
    return result == STORE_OK ? target_save(dossier, &before, target) : result;
}

static int answer_all(struct dossier *dossier, int64_t shipment, bool agrees,
                      int64_t answered[DEVICE_CONSENTS_MAX], size_t *count)
{
    int result = STORE_OK;
    for (size_t i = 0; i < dossier->count && *count < DEVICE_CONSENTS_MAX && result == STORE_OK; i++) {
        struct target *target = &dossier->targets[i];
        bool waits = false;
        if (shipment == 0 || target->shipment == shipment)
            result = answer_to(dossier, target, agrees, &waits);
        if (waits)
            answered[(*count)++] = target->shipment;
    }
    return result == STORE_OK && *count > 0 ? planner_decide(dossier, PLANNER_CHANGE) : result;
}

int device_consent(struct fleet *fleet, int64_t id, int64_t shipment, bool agrees,
                   int64_t answered[DEVICE_CONSENTS_MAX], size_t *count)
{
    struct dossier dossier;
    *count = 0;
    int result = dossier_open(&dossier, fleet, id);
    if (result == STORE_OK)
        result = answer_all(&dossier, shipment, agrees, answered, count);
    return dossier_close(&dossier, result);
}
