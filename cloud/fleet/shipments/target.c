#include "cloud/fleet/shipments/target.h"

#include <stdio.h>
#include <string.h>

#include "cloud/fleet/base/notice.h"
#include "cloud/fleet/rules/words.h"
#include "cloud/fleet/shipments/waves.h"
#include "cloud/text.h"
#include "tandem/reason.h"

/* What the change does to the counters of the wave. False: nothing. */
static bool count_change(const struct target *before, const struct target *target, struct wave *more)
{
    static const struct wave nothing;
    *more = nothing;
    status_count(before, -1, more);
    status_count(target, 1, more);
    bool changes = memcmp(more, &nothing, sizeof nothing) != 0;
    more->shipment = target->shipment;
    more->number = target->wave;
    return changes;
}

/* A changed status is told in the device's timeline; a failure is also found among what failed lately. */
static int note_status(struct dossier *dossier, const struct target *target)
{
    struct fleet *fleet = dossier->fleet;
    char id[TEXT_ID_MAX];
    bool why = target->reason != TDM_REASON_NONE;
    struct event step = {.kind = "status", .shipment = target->shipment, .reason = target->reason};
    snprintf(step.code, sizeof step.code, "%s", status_slug(target->status));
    int result = fleet_step(fleet, &dossier->device, &step, "shipment %s: %s%s%s%s%s",
                            text_id('s', target->shipment, id), status_slug(target->status), why ? " (" : "",
                            why ? tdm_reason_slug(target->reason) : "", why ? "): " : "",
                            why ? tdm_reason_text(target->reason) : "");
    return result == STORE_OK && status_is_failure(target->status)
               ? store_failure_add(fleet->store, target, fleet->now)
               : result;
}

int target_save(struct dossier *dossier, const struct target *before, const struct target *target)
{
    struct fleet *fleet = dossier->fleet;
    if (memcmp(before, target, sizeof *target) == 0)
        return STORE_OK;
    int result = store_target_update(fleet->store, target);
    /* By the line that says what is offered, or why it did not go out. */
    bool told = target->status == TARGET_REQUEST_SENT || target->status == TARGET_PROCESS_STARTED;
    if (result == STORE_OK && !told && (before->status != target->status || before->reason != target->reason))
        result = note_status(dossier, target);
    struct wave more;
    bool counts = count_change(before, target, &more);
    if (result == STORE_OK && counts)
        result = store_wave_count(fleet->store, &more);
    if (result == STORE_OK)
        result = notice_target(fleet, target);
    return result == STORE_OK && counts ? shipment_settle(fleet, target->shipment) : result;
}

/* A success can still be lost while the shipment is open: its waves soak. */
static bool may_move(const struct device *device, const struct target *target)
{
    bool soaks = target->status == TARGET_SUCCESS && target->shipment == device->shipment;
    return target->attempts > 0 && (!target->ended || soaks);
}

static int change_one(struct dossier *dossier, struct target *target, target_change_fn *change,
                      const void *argument)
{
    struct scene scene;
    struct target before = *target;
    int result = dossier_scene(dossier, target, &scene);
    if (result == STORE_OK)
        result = change(dossier->fleet, &scene, target, argument);
    return result == STORE_OK ? target_save(dossier, &before, target) : result;
}

int target_change_all(struct dossier *dossier, target_change_fn *change, const void *argument)
{
    int result = STORE_OK;
    for (size_t i = 0; i < dossier->count && result == STORE_OK; i++) {
        if (may_move(&dossier->device, &dossier->targets[i]))
            result = change_one(dossier, &dossier->targets[i], change, argument);
    }
    return result;
}

int target_change_current(struct dossier *dossier, target_change_fn *change, const void *argument)
{
    struct target *target = dossier_target(dossier, dossier->device.shipment);
    bool may = target != NULL && may_move(&dossier->device, target);
    return may ? change_one(dossier, target, change, argument) : STORE_OK;
}

void target_lost(const struct fleet *fleet, const struct scene *scene, struct target *target, uint8_t reason)
{
    enum shipment_state state = scene->shipment.state;
    if (state == SHIPMENT_LIVE || state == SHIPMENT_PAUSED)
        status_ended(target, TARGET_ROLLBACK, reason, fleet->now);
}
