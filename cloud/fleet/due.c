#include "cloud/fleet/due.h"

#include <stdlib.h>

#include "cloud/fleet/hourly.h"
#include "cloud/fleet/shipments/dossier.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/fleet/shipments/shipment.h"
#include "cloud/fleet/shipments/target.h"
#include "tandem/reason.h"

#define DUE_STEP 200 /* targets in one tick */

/* The settle time or the wait for a confirmation is over. True if that decided the target. */
static bool settled(struct fleet *fleet, const struct device *device, const struct firmware *firmware,
                    struct target *target)
{
    bool ran_it = target->stage == TARGET_STAGE_TRIAL || target->stage == TARGET_STAGE_SETTLING;
    if (!ran_it || !rules_already_there(device, firmware) || device->state == DEVICE_TRIAL)
        return false;
    status_ended(target, TARGET_SUCCESS, TDM_REASON_NONE, fleet->now);
    return true;
}

/* Nobody is there to be offered anything, or nothing may be offered: the target waits for that to change. */
static void wait_idly(struct fleet *fleet, const struct status_limits *limits, struct target *target)
{
    /* A short break does not end an attempt: the next check-in within its time goes on with it. */
    int64_t end = target->attempt_start + fleet->limits.silence_ms;
    if (status_under_way(target) && end > fleet->now)
        target->due = end;
    else
        status_failed(target, TDM_REASON_NO_ANSWER, limits, fleet->now);
    if (target->due <= fleet->now)
        target->due = 0;
}

/* Its attempt had all the time and all the repetitions that there are. */
static bool is_over(const struct fleet *fleet, const struct status_limits *limits,
                    const struct target *target)
{
    return target->stage == TARGET_STAGE_TRIAL ||
           (status_under_way(target) && !status_is_repeat(target, limits, fleet->now));
}

static int look_at(struct dossier *dossier, struct target *target)
{
    struct fleet *fleet = dossier->fleet;
    struct scene scene;
    struct target before = *target;
    int result = dossier_scene(dossier, target, &scene);
    if (result != STORE_OK)
        return result;
    if (settled(fleet, &dossier->device, &scene.firmware, target)) {
        /* saved below */
    } else if (dossier->presence.connection == 0 || scene.shipment.state != SHIPMENT_LIVE ||
               rules_expired(&scene.shipment, fleet->now)) {
        wait_idly(fleet, &scene.limits, target);
    } else if (is_over(fleet, &scene.limits, target)) {
        status_failed(target, TDM_REASON_NO_ANSWER, &scene.limits, fleet->now);
    }
    result = target_save(dossier, &before, target);
    if (result == STORE_OK)
        result = planner_decide_due(dossier, target->shipment);
    /* Under way, and a rule keeps its offer from being repeated. */
    before = *target;
    if (result == STORE_OK && status_under_way(target) && target->due <= fleet->now) {
        wait_idly(fleet, &scene.limits, target);
        result = target_save(dossier, &before, target);
    }
    return result;
}

static int target_due(struct fleet *fleet, const struct target *due)
{
    struct dossier dossier;
    int result = dossier_open(&dossier, fleet, due->device);
    struct target *target = result == STORE_OK ? dossier_target(&dossier, due->shipment) : NULL;
    if (target != NULL)
        result = look_at(&dossier, target);
    return dossier_close(&dossier, result);
}

int due_tick(struct fleet *fleet)
{
    struct target *targets;
    size_t count;
    int result = store_targets_due(fleet->store, fleet->node, fleet->now, DUE_STEP, &targets, &count);
    fleet->busy = count == DUE_STEP || fleet->watch.clearing;
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = target_due(fleet, &targets[i]);
    free(targets);
    if (result == STORE_OK)
        result = shipment_tick(fleet);
    return result == STORE_OK ? hourly_tick(fleet) : result;
}
