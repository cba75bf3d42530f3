#include "cloud/fleet/shipments/preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/rules/rules.h"
#include "cloud/fleet/rules/split.h"
#include "cloud/fleet/shipments/dossier.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/fleet/shipments/planning.h"

#define PREVIEW_STEP_EACH 250 /* devices, of which more is read than what they are */

struct preview_run {
    struct shipment shipment;
    struct firmware firmware;
    struct status_limits limits;
    struct filter filter;
    struct split split;
    const int64_t *devices;
    size_t device_count;
    bool counting;
    bool opened;
    size_t at;    /* in devices */
    int64_t last; /* without a list: where the next step goes on */
    bool rejections;
    bool shipped; /* this image, before: attempts of that count */
    struct preview result;
};

struct preview_run *preview_start(const struct shipment_order *order, const struct firmware *firmware)
{
    char why[160];
    struct preview_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        abort();
    run->shipment = order->shipment;
    run->shipment.state = SHIPMENT_LIVE;
    run->shipment.planned = true;
    run->shipment.wave = 1;
    run->firmware = *firmware;
    run->devices = order->devices;
    run->device_count = order->device_count;
    bool ok = filter_parse(&run->filter, order->shipment.filter, why, sizeof why) &&
              split_init(&run->split, order->waves, order->wave_count, split_seed(firmware));
    run->counting = order->shipment.filter[0] != '\0' || split_needs_counting(&run->split);
    if (ok)
        return run;
    preview_free(run);
    return NULL;
}

const struct preview *preview_result(const struct preview_run *run)
{
    return &run->result;
}

void preview_free(struct preview_run *run)
{
    free(run);
}

/* --- One device --- */

/* Nothing but the device's targets is read, and only where they count: there may be a million to ask for. */
static int judge_attempts(struct fleet *fleet, struct candidate *candidate, struct verdict *verdict)
{
    struct dossier dossier = {.fleet = fleet};
    if (!planner_spends(verdict))
        return STORE_OK;
    int result =
        store_targets_of_device(fleet->store, candidate->device->id, &dossier.targets, &dossier.count);
    if (result == STORE_OK)
        result = planner_judge_attempts(&dossier, candidate, verdict);
    free(dossier.targets);
    return result;
}

/* The newest other live shipment that wants the device comes first, as the rules have it; a preview would be
 * newer than all of them. */
static int judge(struct fleet *fleet, struct preview_run *run, const struct device *device,
                 struct target *target, struct verdict *verdict)
{
    struct candidate candidate = {
        .device = device,
        .shipment = &run->shipment,
        .firmware = &run->firmware,
        .target = target,
        .limits = &run->limits,
        .now = fleet->now,
        .online = device->presence != DEVICE_OFFLINE,
        .checked_in = device->presence == DEVICE_CHECKED_IN,
        .zone = run->shipment.slot == SLOT_ANY ? NULL : fleet_zone(fleet, device),
    };
    if (run->rejections) {
        int result =
            store_rejection_get(fleet->store, device->id, run->firmware.digest, &candidate.rejected_reason);
        candidate.rejected = result == STORE_OK;
        if (result != STORE_OK && result != STORE_NOT_FOUND)
            return result;
    }
    *verdict = rules_judge(&candidate);
    return run->shipped ? judge_attempts(fleet, &candidate, verdict) : STORE_OK;
}

/* Reads once what all devices share. */
static int open_run(struct fleet *fleet, struct preview_run *run)
{
    run->limits = fleet_limits(fleet, &run->shipment);
    run->opened = true;
    int result = store_rejections_exist(fleet->store, run->firmware.digest, &run->rejections);
    if (result == STORE_OK)
        result = store_image_shipped(fleet->store, run->shipment.organization, run->firmware.digest,
                                     &run->shipped);
    if (run->counting || result != STORE_OK)
        return result;
    run->split.total = (int64_t)run->device_count;
    if (run->device_count == 0)
        result = store_devices_count(fleet->store, run->shipment.organization, run->shipment.template,
                                     &run->split.total);
    split_ready(&run->split);
    return result;
}

/* How many devices a step looks at: fewer where more is read of each. */
static size_t step_of(const struct preview_run *run)
{
    return run->shipped || run->rejections ? PREVIEW_STEP_EACH : PLANNING_STEP;
}

int preview_device(struct fleet *fleet, struct preview_run *run, const struct device *device, bool *included,
                   struct verdict *verdict)
{
    struct target target = {.device = device->id, .wave = 1};
    int result = run->opened ? STORE_OK : open_run(fleet, run);
    const struct filter_meta meta = {fleet_metadata, fleet};
    *included = filter_matches(&run->filter, device, &meta);
    return result == STORE_OK && *included ? judge(fleet, run, device, &target, verdict) : result;
}

static void add_verdict(struct preview *result, int64_t device, const struct verdict *verdict)
{
    size_t i = 0;
    while (i < result->rule_count && result->rules[i].rule != verdict->rule)
        i++;
    struct preview_rule *rule = &result->rules[i];
    if (i == result->rule_count) {
        result->rule_count++;
        rule->rule = verdict->rule;
        rule->later = verdict->later;
        snprintf(rule->text, sizeof rule->text, "%s", verdict->text);
    }
    if (rule->devices < PREVIEW_EXAMPLES_MAX)
        rule->examples[rule->devices] = device;
    rule->devices++;
}

static int take(struct fleet *fleet, struct preview_run *run, const struct device *device)
{
    const struct filter_meta meta = {fleet_metadata, fleet};
    struct verdict verdict;
    if (!filter_matches(&run->filter, device, &meta))
        return STORE_OK;
    if (run->counting) {
        split_count(&run->split, device, &meta);
        return STORE_OK;
    }
    struct target target = {.device = device->id, .wave = split_assign(&run->split, device, &meta)};
    int result = judge(fleet, run, device, &target, &verdict);
    run->result.target++;
    run->result.sizes[target.wave - 1]++;
    if (result == STORE_OK)
        add_verdict(&run->result, device->id, &verdict);
    return result;
}

/* --- All --- */

static int take_listed(struct fleet *fleet, struct preview_run *run, bool *end)
{
    int result = STORE_OK;
    for (size_t i = 0; i < step_of(run) && run->at < run->device_count && result == STORE_OK; i++) {
        struct device device;
        result = store_device_get(fleet->store, run->devices[run->at++], &device);
        if (result == STORE_OK)
            result = take(fleet, run, &device);
        else if (result == STORE_NOT_FOUND)
            result = STORE_OK; /* deleted meanwhile */
    }
    *end = run->at == run->device_count;
    return result;
}

/* What take_next is called with. */
struct taker {
    struct fleet *fleet;
    struct preview_run *run;
};

static int take_next(void *ctx, const struct device *device)
{
    const struct taker *taker = ctx;
    return take(taker->fleet, taker->run, device);
}

static int take_all(struct fleet *fleet, struct preview_run *run, bool *end)
{
    struct taker taker = {fleet, run};
    struct device_walk walk = {
        .organization = run->shipment.organization, .template = run->shipment.template, .after = run->last};
    int result = store_devices_walk(fleet->store, &walk, step_of(run), take_next, &taker);
    run->last = walk.after;
    *end = walk.end;
    return result;
}

int preview_step(struct fleet *fleet, struct preview_run *run, bool *more)
{
    bool end = false;
    int result = run->opened ? STORE_OK : open_run(fleet, run);
    if (result == STORE_OK)
        result = run->device_count > 0 ? take_listed(fleet, run, &end) : take_all(fleet, run, &end);
    *more = !end || run->counting;
    if (end && run->counting) {
        run->counting = false;
        run->at = 0;
        run->last = 0;
        split_ready(&run->split);
    }
    return result;
}
