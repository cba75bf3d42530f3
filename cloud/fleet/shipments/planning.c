#include "cloud/fleet/shipments/planning.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/rules/rules.h"
#include "cloud/fleet/rules/split.h"
#include "cloud/fleet/shipments/waves.h"

#define PLANNING_TOGETHER 162 /* targets in a write */

/* fleet->planning points to two: as it is, and as it was before the last step. */
struct planning {
    struct shipment shipment;
    struct firmware firmware;
    struct filter filter; /* of the shipment */
    struct split split;
    bool counting;
    bool listed;     /* by people */
    int64_t last;    /* device; the next step goes on behind it */
    int64_t steps;   /* that were written; the shipment's row must say the same */
    int64_t first;   /* of them: it begins by clearing what was there */
    bool rejections; /* some device rolled back from this image */
    struct wave more[WAVES_MAX];
    /* Planned in this step, and not yet written: */
    struct target targets[PLANNING_TOGETHER];
    size_t target_count;
};

static void clear_counters(struct planning *planning)
{
    memset(planning->more, 0, sizeof planning->more);
    for (size_t i = 0; i < WAVES_MAX; i++) {
        planning->more[i].shipment = planning->shipment.id;
        planning->more[i].number = (int64_t)i + 1;
    }
}

static int open_planning(struct fleet *fleet, const struct shipment *shipment, struct planning *planning)
{
    struct wave *waves;
    size_t count;
    char why[128];
    *planning = (struct planning){.shipment = *shipment, .steps = shipment->steps, .first = shipment->steps};
    int result = store_firmware_get(fleet->store, shipment->firmware, &planning->firmware);
    if (result == STORE_OK)
        result = store_rejections_exist(fleet->store, planning->firmware.digest, &planning->rejections);
    if (result == STORE_OK)
        result = store_waves(fleet->store, shipment->id, &waves, &count);
    if (result != STORE_OK)
        return result;
    if (!split_init(&planning->split, waves, count, split_seed(&planning->firmware)) ||
        !filter_parse(&planning->filter, shipment->filter, why, sizeof why))
        result = STORE_FAILED;
    free(waves);
    planning->counting = shipment->filter[0] != '\0' || split_needs_counting(&planning->split);
    clear_counters(planning);
    return result;
}

/* --- One device --- */

/* What the rules say before anything was offered. */
static int judge(struct fleet *fleet, struct planning *planning, const struct device *device,
                 struct target *target)
{
    struct shipment shipment = planning->shipment;
    shipment.planned = true;
    struct candidate candidate = {
        .device = device,
        .shipment = &shipment,
        .firmware = &planning->firmware,
        .target = target,
        .limits = &fleet->limits,
        .now = fleet->now,
    };
    if (planning->rejections) {
        int result = store_rejection_get(fleet->store, device->id, planning->firmware.digest,
                                         &candidate.rejected_reason);
        candidate.rejected = result == STORE_OK;
        if (result != STORE_OK && result != STORE_NOT_FOUND)
            return result;
    }
    struct verdict verdict = rules_judge(&candidate);
    if (verdict.kind == VERDICT_END)
        status_ended(target, verdict.status, verdict.reason, fleet->now);
    else if (verdict.kind == VERDICT_CONSENT)
        status_awaiting(target, fleet->now);
    return STORE_OK;
}

static int plan_target(struct fleet *fleet, struct planning *planning, const struct device *device,
                       int64_t wave, struct target *target)
{
    *target = (struct target){
        .shipment = planning->shipment.id, .device = device->id, .bytes = -1, .size = -1, .wave = wave};
    return judge(fleet, planning, device, target);
}

static void count_target(struct planning *planning, const struct target *target)
{
    planning->more[target->wave - 1].size++;
    status_count(target, 1, &planning->more[target->wave - 1]);
}

/* One that people named, or that came later. */
static int add_target(struct fleet *fleet, struct planning *planning, const struct device *device,
                      int64_t wave)
{
    struct target target;
    int result = plan_target(fleet, planning, device, wave, &target);
    if (result == STORE_OK)
        result = store_target_add(fleet->store, &target);
    if (result == STORE_OK)
        count_target(planning, &target);
    return result == STORE_CONFLICT ? STORE_OK : result; /* named twice */
}

static int write_targets(struct fleet *fleet, struct planning *planning)
{
    size_t count = planning->target_count;
    planning->target_count = 0;
    return store_targets_add(fleet->store, planning->targets, count);
}

/* One of all: it comes once, and is written with others. */
static int gather_target(struct fleet *fleet, struct planning *planning, const struct device *device,
                         int64_t wave)
{
    struct target *target = &planning->targets[planning->target_count];
    int result = plan_target(fleet, planning, device, wave, target);
    if (result != STORE_OK)
        return result;
    count_target(planning, target);
    return ++planning->target_count == PLANNING_TOGETHER ? write_targets(fleet, planning) : STORE_OK;
}

static int write_counters(struct fleet *fleet, struct planning *planning)
{
    int result = STORE_OK;
    for (size_t i = 0; i < planning->split.count && result == STORE_OK; i++) {
        if (planning->more[i].size > 0)
            result = store_wave_count(fleet->store, &planning->more[i]);
    }
    clear_counters(planning);
    return result;
}

/* --- Step by step --- */

void planning_drop(struct fleet *fleet)
{
    free(fleet->planning);
    fleet->planning = NULL;
}

/* Takes the oldest shipment that waits, from its start. STORE_NOT_FOUND: none does. */
static int begin(struct fleet *fleet)
{
    struct shipment shipment;
    int result = store_shipment_unplanned(fleet->store, fleet->node, &shipment);
    if (result != STORE_OK)
        return result;
    result = store_waves_clear(fleet->store, shipment.id);
    fleet->planning = malloc(2 * sizeof *fleet->planning);
    if (fleet->planning == NULL)
        abort();
    if (result == STORE_OK)
        result = open_planning(fleet, &shipment, fleet->planning);
    fleet->planning->shipment.planner = fleet->node;
    if (result == STORE_OK && !fleet->planning->counting)
        result = store_devices_count(fleet->store, shipment.organization, shipment.template,
                                     &fleet->planning->split.total);
    if (result == STORE_OK && !fleet->planning->counting)
        split_ready(&fleet->planning->split);
    return result;
}

/* What is in memory must go with what is written. Where the last step's transaction failed, it is taken
 * back here too; where anything else happened, planning begins anew. */
static int check(struct fleet *fleet)
{
    struct shipment now;
    struct planning *planning = fleet->planning;
    if (planning == NULL)
        return begin(fleet);
    int result = store_shipment_get(fleet->store, planning->shipment.id, &now);
    if (result == STORE_OK && now.steps == planning->steps - 1 && planning[1].steps == now.steps &&
        now.steps > planning->first)
        planning[0] = planning[1];
    if (result == STORE_OK && now.steps == planning->steps && !now.planned) {
        planning->shipment = now; /* somebody may have paused or cancelled it */
        planning->shipment.planner = fleet->node;
        return STORE_OK;
    }
    planning_drop(fleet);
    return result == STORE_OK || result == STORE_NOT_FOUND ? begin(fleet) : result;
}

static int take(struct fleet *fleet, struct planning *planning, const struct device *device)
{
    const struct filter_meta meta = {fleet_metadata, fleet};
    if (!filter_matches(&planning->filter, device, &meta))
        return STORE_OK;
    if (planning->counting) {
        split_count(&planning->split, device, &meta);
        return STORE_OK;
    }
    int64_t wave = split_assign(&planning->split, device, &meta);
    return planning->listed ? add_target(fleet, planning, device, wave)
                            : gather_target(fleet, planning, device, wave);
}

/* All devices were seen. */
static int finish_round(struct fleet *fleet, struct planning *planning)
{
    planning->last = 0;
    if (planning->counting) {
        planning->counting = false;
        split_ready(&planning->split);
        return store_shipment_update(fleet->store, &planning->shipment);
    }
    planning->shipment.planned = true;
    int result = store_shipment_update(fleet->store, &planning->shipment);
    return result == STORE_OK ? shipment_opened(fleet, planning->shipment.id) : result;
}

static int take_next(void *ctx, const struct device *device)
{
    struct fleet *fleet = ctx;
    return take(fleet, fleet->planning, device);
}

static int step(struct fleet *fleet)
{
    struct planning *planning = fleet->planning;
    struct device_walk walk = {.organization = planning->shipment.organization,
                               .template = planning->shipment.template,
                               .after = planning->last};
    int result = store_devices_walk(fleet->store, &walk, PLANNING_STEP, take_next, fleet);
    planning->last = walk.after;
    if (result == STORE_OK)
        result = write_targets(fleet, planning);
    if (result == STORE_OK)
        result = write_counters(fleet, planning);
    planning->shipment.steps = ++planning->steps;
    if (result != STORE_OK)
        return result;
    return walk.end ? finish_round(fleet, planning)
                    : store_shipment_update(fleet->store, &planning->shipment);
}

int planning_step(struct fleet *fleet, bool *more)
{
    int result = check(fleet);
    if (result == STORE_OK) {
        fleet->planning[1] = fleet->planning[0];
        result = step(fleet);
    }
    *more = result == STORE_OK && !fleet->planning->shipment.planned;
    if (!*more && result != STORE_AGAIN)
        planning_drop(fleet);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

/* --- At once --- */

int planning_list(struct fleet *fleet, struct shipment *shipment, const int64_t *devices, size_t count)
{
    struct planning planning;
    int result = open_planning(fleet, shipment, &planning);
    planning.listed = true;
    for (int round = planning.counting ? 0 : 1; round < 2 && result == STORE_OK; round++) {
        planning.counting = round == 0;
        if (round == 1) {
            planning.split.total = (int64_t)count;
            split_ready(&planning.split);
        }
        for (size_t i = 0; i < count && result == STORE_OK; i++) {
            struct device device;
            result = store_device_get(fleet->store, devices[i], &device);
            if (result == STORE_OK)
                result = take(fleet, &planning, &device);
        }
    }
    if (result == STORE_OK)
        result = write_counters(fleet, &planning);
    shipment->planned = true;
    if (result == STORE_OK)
        result = store_shipment_update(fleet->store, shipment);
    return result == STORE_OK ? shipment_opened(fleet, shipment->id) : result;
}

int planning_late(struct fleet *fleet, const struct shipment *shipment, const struct device *device)
{
    struct planning planning;
    int result = open_planning(fleet, shipment, &planning);
    if (result == STORE_OK)
        result = add_target(fleet, &planning, device, (int64_t)planning.split.count);
    return result == STORE_OK ? write_counters(fleet, &planning) : result;
}
