#include "cloud/fleet/planner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cloud/fleet/ticket.h"
#include "cloud/text.h"
#include "tandem/reason.h"

/* All that one device's decisions share. */
struct plan {
    struct fleet *fleet;
    struct device device;
    struct target *targets; /* newest shipment first */
    size_t count;
    bool reconnected;
    /* Of the target under consideration: */
    struct shipment shipment;
    struct firmware firmware;
    struct shipment newer;
    bool newer_wants;
    bool newer_installed;
};

static int plan_open(struct plan *plan, struct fleet *fleet, int64_t device, bool reconnected)
{
    *plan = (struct plan){.fleet = fleet, .reconnected = reconnected};
    int result = store_device_get(fleet->store, device, &plan->device);
    if (result == STORE_OK)
        result = store_targets_of_device(fleet->store, device, &plan->targets, &plan->count);
    return result;
}

static void plan_close(struct plan *plan)
{
    free(plan->targets);
}

/* Reads what belongs to a target. */
static int plan_load(struct plan *plan, const struct target *target)
{
    int result = store_shipment_get(plan->fleet->store, target->shipment, &plan->shipment);
    if (result == STORE_OK)
        result = store_firmware_get(plan->fleet->store, plan->shipment.firmware, &plan->firmware);
    return result;
}

static int plan_judge(struct plan *plan, const struct target *target, struct verdict *verdict)
{
    struct fleet *fleet = plan->fleet;
    struct presence presence = fleet_presence(fleet, plan->device.id);
    struct candidate candidate = {
        .device = &plan->device,
        .shipment = &plan->shipment,
        .firmware = &plan->firmware,
        .target = target,
        .limits = &fleet->limits,
        .now = fleet->now,
        .online = presence.connection != 0,
        .checked_in = presence.checked_in,
        .reconnected = plan->reconnected,
        .newer = plan->newer_wants ? &plan->newer : NULL,
        .newer_installed = plan->newer_installed,
    };
    int result =
        store_rejection_get(fleet->store, plan->device.id, plan->firmware.digest, &candidate.rejected_reason);
    candidate.rejected = result == STORE_OK;
    if (result != STORE_OK && result != STORE_NOT_FOUND)
        return result;
    *verdict = rules_judge(&candidate);
    return STORE_OK;
}

/* What an older shipment has to know of this one, once it was looked at. */
static void plan_pass(struct plan *plan, const struct target *target)
{
    if (plan->shipment.state == SHIPMENT_CANCELLED)
        return;
    if (target->status == TARGET_SUCCESS || target->status == TARGET_ALREADY_THERE) {
        plan->newer_installed = true;
    } else if (plan->shipment.state == SHIPMENT_LIVE && !target->ended && !plan->newer_wants) {
        plan->newer = plan->shipment;
        plan->newer_wants = true;
    }
}

static int write_offer(struct plan *plan, const struct presence *presence, struct effect *effect)
{
    struct fleet *fleet = plan->fleet;
    struct ticket ticket = {plan->device.id, plan->firmware.id, fleet->now + TICKET_LIFETIME_MS};
    char token[TICKET_MAX];
    char id[TEXT_ID_MAX];
    char url[RECORD_ORIGIN + TICKET_MAX + 64];
    ticket_write(&ticket, fleet->ticket_key, token);
    snprintf(url, sizeof url, "%s/firmware/%s?token=%s",
             fleet->public_url != NULL ? fleet->public_url : presence->origin,
             text_id('f', plan->firmware.id, id), token);
    json_t *json =
        json_pack("{s:s, s:I, s:s, s:s, s:s}", "url", url, "size", (json_int_t)plan->firmware.size, "type",
                  plan->firmware.type, "ver", plan->firmware.version, "build", plan->firmware.build);
    size_t bytes = json_dumpb(json, effect->text, sizeof effect->text - 1, JSON_COMPACT);
    json_decref(json);
    if (bytes == 0 || bytes >= sizeof effect->text)
        return STORE_FAILED;
    effect->text[bytes] = '\0';
    return STORE_OK;
}

/* Takes an older shipment's unfinished update out of the way. */
static int displace(struct plan *plan, int64_t winner)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct target target = plan->targets[i];
        if (target.shipment == winner || target.ended || target.status == TARGET_WAITING ||
            target.attempts == 0)
            continue;
        status_displaced(&target, plan->fleet->now);
        int result = planner_save(plan->fleet, &plan->targets[i], &target);
        if (result != STORE_OK)
            return result;
        plan->targets[i] = target;
    }
    return STORE_OK;
}

static int make_offer(struct plan *plan, struct target *target)
{
    struct fleet *fleet = plan->fleet;
    struct presence presence = fleet_presence(fleet, plan->device.id);
    struct effect *effect = fleet_effect(fleet, EFFECT_OFFER, plan->device.id);
    effect->shipment = target->shipment;
    effect->node = presence.node;
    effect->connection = presence.connection;
    int result = write_offer(plan, &presence, effect);
    if (result == STORE_OK && plan->device.shipment != target->shipment) {
        result = displace(plan, target->shipment);
        plan->device.shipment = target->shipment;
        if (result == STORE_OK)
            result = store_device_update(fleet->store, &plan->device);
    }
    if (result != STORE_OK)
        return result;
    status_offered(target, &fleet->limits, fleet->now);
    return fleet_note(fleet, plan->device.id, "offered", "shipment \"%s\": %s %s%s%s, attempt %d%s",
                      plan->shipment.name, plan->firmware.type, plan->firmware.version,
                      plan->firmware.build[0] != '\0' ? ", build " : "", plan->firmware.build,
                      (int)target->attempts, target->repeats > 0 ? " (repeated)" : "");
}

static int carry_out(struct plan *plan, const struct verdict *verdict, struct target *target, bool *offered)
{
    switch (verdict->kind) {
    case VERDICT_OFFER:
        *offered = true;
        return make_offer(plan, target);
    case VERDICT_LIMIT:
        if (target->status != TARGET_DOWNLOAD_LIMIT_REACHED)
            status_limit_reached(target, &plan->fleet->limits, plan->fleet->now);
        return STORE_OK;
    case VERDICT_END:
        status_ended(target, verdict->status, verdict->reason, plan->fleet->now);
        return STORE_OK;
    default:
        return STORE_OK;
    }
}

static int plan_target(struct plan *plan, struct target *target, bool *offered)
{
    int result = plan_load(plan, target);
    if (result != STORE_OK)
        return result;
    struct target before = *target;
    if (!target->ended && plan->shipment.state == SHIPMENT_LIVE) {
        struct verdict verdict;
        result = plan_judge(plan, target, &verdict);
        if (result == STORE_OK)
            result = carry_out(plan, &verdict, target, offered);
        /* A due time that came is spent, unless a new one was set. */
        if (target->due != 0 && target->due <= plan->fleet->now)
            target->due = 0;
        if (result == STORE_OK)
            result = planner_save(plan->fleet, &before, target);
    }
    plan_pass(plan, target);
    return result;
}

int planner_run(struct fleet *fleet, int64_t device, enum planner_trigger trigger)
{
    struct plan plan;
    bool offered = false;
    int result = plan_open(&plan, fleet, device, trigger != PLANNER_CHANGE);
    for (size_t i = 0; i < plan.count && result == STORE_OK && !offered; i++)
        result = plan_target(&plan, &plan.targets[i], &offered);
    plan_close(&plan);
    return result;
}

int planner_run_shipment(struct fleet *fleet, int64_t shipment)
{
    struct target *targets;
    size_t count;
    int result = store_targets_of_shipment(fleet->store, shipment, &targets, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = planner_run(fleet, targets[i].device, PLANNER_CHANGE);
    free(targets);
    return result == STORE_OK ? planner_finish(fleet, shipment) : result;
}

int planner_explain(struct fleet *fleet, const struct target *target, struct verdict *verdict)
{
    struct plan plan;
    int result = plan_open(&plan, fleet, target->device, false);
    for (size_t i = 0; i < plan.count && result == STORE_OK; i++) {
        result = plan_load(&plan, &plan.targets[i]);
        if (plan.targets[i].shipment == target->shipment)
            break;
        plan_pass(&plan, &plan.targets[i]);
    }
    if (result == STORE_OK)
        result = plan_judge(&plan, target, verdict);
    plan_close(&plan);
    return result;
}

int planner_finish(struct fleet *fleet, int64_t id)
{
    struct shipment shipment;
    struct progress progress = {0};
    int result = store_shipment_get(fleet->store, id, &shipment);
    if (result == STORE_OK)
        result = store_shipment_progress(fleet->store, id, &progress);
    if (result != STORE_OK || shipment.state == SHIPMENT_CANCELLED || shipment.state == SHIPMENT_FINISHED ||
        progress.target == 0 || progress.updated + progress.failed < progress.target)
        return result;
    shipment.state = SHIPMENT_FINISHED;
    shipment.ended = fleet->now;
    return store_shipment_update(fleet->store, &shipment);
}

int planner_save(struct fleet *fleet, const struct target *before, const struct target *target)
{
    if (memcmp(before, target, sizeof *target) == 0)
        return STORE_OK;
    int result = store_target_update(fleet->store, target);
    if (result == STORE_OK && (before->status != target->status || before->reason != target->reason)) {
        char id[TEXT_ID_MAX];
        bool why = target->reason != TDM_REASON_NONE;
        result = fleet_note(fleet, target->device, "status", "shipment %s: %s%s%s%s%s",
                            text_id('s', target->shipment, id), status_slug(target->status), why ? " (" : "",
                            why ? tdm_reason_slug(target->reason) : "", why ? "): " : "",
                            why ? tdm_reason_text(target->reason) : "");
    }
    if (result == STORE_OK && target->ended && !before->ended)
        result = planner_finish(fleet, target->shipment);
    return result;
}
