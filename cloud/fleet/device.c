#include "cloud/fleet/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/hourly.h"
#include "cloud/fleet/notice.h"
#include "cloud/fleet/planner.h"
#include "cloud/fleet/shipment.h"
#include "cloud/fleet/version.h"
#include "cloud/text.h"
#include "tandem/reason.h"

int device_add(struct fleet *fleet, struct device *device, char token[SECRET_TOKEN_MAX])
{
    device->created = fleet->now;
    device->counter = -1;
    secret_token(token);
    secret_hash(token, device->token_hash);
    int result = store_template_add(fleet->store, device->organization, device->template);
    if (result == STORE_OK)
        result = store_device_add(fleet->store, device);
    if (result == STORE_OK)
        result = shipment_take_in(fleet, device);
    if (result == STORE_OK)
        result = fleet_note(fleet, device->id, "log", "added with template %s", device->template);
    if (result == STORE_OK)
        memcpy(fleet_effect(fleet, EFFECT_TOKEN_ADDED, device->id)->token_hash, device->token_hash,
               sizeof device->token_hash);
    return result;
}

/* A target that went with its device counts no more. */
static int take_out(struct fleet *fleet, const struct target *target)
{
    struct wave less = {.shipment = target->shipment, .number = target->wave, .size = -1};
    status_count(target, -1, &less);
    int result = store_wave_count(fleet->store, &less);
    return result == STORE_OK ? shipment_settle(fleet, target->shipment) : result;
}

int device_delete(struct fleet *fleet, int64_t id)
{
    struct device device;
    struct target *targets;
    size_t count;
    int result = store_device_get(fleet->store, id, &device);
    if (result != STORE_OK)
        return result;
    result = store_targets_of_device(fleet->store, id, &targets, &count);
    if (result == STORE_OK && device.checked_in != 0)
        result = store_field_count(fleet->store, &device, -1);
    if (result == STORE_OK)
        result = store_device_delete(fleet->store, id);
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = take_out(fleet, &targets[i]);
    free(targets);
    if (result == STORE_OK)
        memcpy(fleet_effect(fleet, EFFECT_TOKEN_REMOVED, id)->token_hash, device.token_hash,
               sizeof device.token_hash);
    return result;
}

int device_connected(struct fleet *fleet, int64_t id, uint64_t connection, const char *origin)
{
    struct device device;
    int result = store_device_get(fleet->store, id, &device);
    if (result != STORE_OK)
        return result;
    struct presence presence = fleet_presence(fleet, id);
    if (presence.connection != 0 && presence.node != fleet->node) {
        struct effect *effect = fleet_effect(fleet, EFFECT_TAKEN_OVER, id);
        effect->node = presence.node;
        effect->connection = presence.connection;
    }
    presence = (struct presence){.node = fleet->node, .connection = connection};
    snprintf(presence.origin, sizeof presence.origin, "%s", origin);
    result = store_presence_set(fleet->store, id, &presence);
    if (result != STORE_OK)
        return result;
    device.last_seen = fleet->now;
    result = store_device_update(fleet->store, &device);
    if (result == STORE_OK)
        notice_device(fleet, &device, "online");
    return result == STORE_OK ? fleet_note(fleet, id, "online", "connected") : result;
}

int device_disconnected(struct fleet *fleet, int64_t id, uint64_t connection, const char *why)
{
    struct device device;
    int result = store_presence_remove(fleet->store, id, fleet->node, connection);
    if (result == STORE_NOT_FOUND)
        return STORE_OK; /* a newer connection took its place, or the device was deleted */
    if (result == STORE_OK)
        result = store_device_get(fleet->store, id, &device);
    if (result != STORE_OK)
        return result;
    device.last_seen = fleet->now;
    result = store_device_update(fleet->store, &device);
    if (result == STORE_OK)
        notice_device(fleet, &device, "offline");
    return result == STORE_OK ? fleet_note(fleet, id, "offline", "%s", why) : result;
}

/* --- Targets of one device that an event may move: offered before, and not ended --- */

struct scene {
    const struct device *device;
    struct shipment shipment;
    struct firmware firmware;
    struct status_limits limits; /* the shipment's */
};

typedef int target_fn(struct fleet *fleet, const struct scene *scene, struct target *target,
                      const void *argument);

/* A success can still be lost while the shipment is open: its waves soak. */
static bool may_move(const struct device *device, const struct target *target)
{
    bool soaks = target->status == TARGET_SUCCESS && target->shipment == device->shipment;
    return target->attempts > 0 && (!target->ended || soaks);
}

static int load_scene(struct fleet *fleet, const struct target *target, struct scene *scene)
{
    int result = store_shipment_get(fleet->store, target->shipment, &scene->shipment);
    if (result == STORE_OK)
        result = store_firmware_get(fleet->store, scene->shipment.firmware, &scene->firmware);
    scene->limits = planner_limits(fleet, &scene->shipment);
    return result;
}

/* Calls change for each such target with what belongs to it, and saves what it changed. */
static int for_targets(struct fleet *fleet, const struct device *device, target_fn *change,
                       const void *argument)
{
    struct target *targets;
    size_t count;
    int result = store_targets_of_device(fleet->store, device->id, &targets, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        struct scene scene = {.device = device};
        struct target target = targets[i];
        if (!may_move(device, &target))
            continue;
        result = load_scene(fleet, &target, &scene);
        if (result == STORE_OK)
            result = change(fleet, &scene, &target, argument);
        if (result == STORE_OK)
            result = planner_save(fleet, &targets[i], &target);
    }
    free(targets);
    return result;
}

/* The same for the shipment whose offer the device got last. */
struct current_change {
    target_fn *change;
    const void *argument;
};

static int if_current(struct fleet *fleet, const struct scene *scene, struct target *target,
                      const void *argument)
{
    const struct current_change *current = argument;
    if (target->shipment != scene->device->shipment)
        return STORE_OK;
    return current->change(fleet, scene, target, current->argument);
}

static int for_current(struct fleet *fleet, const struct device *device, target_fn *change,
                       const void *argument)
{
    struct current_change current = {change, argument};
    return for_targets(fleet, device, if_current, &current);
}

/* --- Check-in --- */

static bool after_transfer(const struct target *target)
{
    return target->stage >= TARGET_STAGE_VERIFYING;
}

/* An update that succeeded is gone again while its shipment is open: that counts as a rollback. */
static void lost(struct fleet *fleet, const struct scene *scene, struct target *target, uint8_t reason)
{
    enum shipment_state state = scene->shipment.state;
    if (state == SHIPMENT_LIVE || state == SHIPMENT_PAUSED)
        status_ended(target, TARGET_ROLLBACK, reason, fleet->now);
}

/* What a check-in says about an update: there, back again, or still under way. A device with our extension
 * tells the last two apart itself, in a report that follows. */
static int judge_check_in(struct fleet *fleet, const struct scene *scene, struct target *target,
                          const void *argument)
{
    (void)argument;
    bool reports = scene->device->reports;
    bool ran_it = target->stage == TARGET_STAGE_TRIAL || target->stage == TARGET_STAGE_SETTLING;
    bool there = rules_already_there(scene->device, &scene->firmware);
    if (there && !target->ended) {
        if (!ran_it)
            status_reached(target, reports, &scene->limits, fleet->now);
        if (!reports && fleet->limits.settle_ms == 0)
            status_ended(target, TARGET_SUCCESS, TDM_REASON_NONE, fleet->now);
    } else if (!there && !reports && (ran_it || target->ended)) {
        if (target->ended)
            lost(fleet, scene, target, TDM_REASON_NONE);
        else
            status_rolled_back(target, TDM_REASON_NONE, &scene->limits, fleet->now);
        return store_rejection_add(fleet->store, scene->device->id, scene->firmware.digest, TDM_REASON_NONE,
                                   fleet->now);
    } else if (target->stage != TARGET_STAGE_NONE && status_under_way(target)) {
        status_held(target, &scene->limits, fleet->now);
    }
    return STORE_OK;
}

/* reported: a deviceReport came in this connection already, so what it said is of this start of the device.
 */
static void take_check_in(struct fleet *fleet, struct device *device, const struct check_in *check_in,
                          bool reported)
{
    device->last_seen = fleet->now;
    device->foreign = check_in->template[0] != '\0' && strcmp(check_in->template, device->template) != 0;
    if (device->foreign)
        return;
    bool changed = strcmp(device->version, check_in->version) != 0 ||
                   strcmp(device->build, check_in->build) != 0 || strcmp(device->type, check_in->type) != 0;
    if (changed && !reported) {
        device->digest_known = false; /* that was another firmware's */
        device->state = DEVICE_UNKNOWN;
    }
    device->checked_in = fleet->now;
    memcpy(device->type, check_in->type, sizeof device->type);
    memcpy(device->version, check_in->version, sizeof device->version);
    memcpy(device->build, check_in->build, sizeof device->build);
    memcpy(device->library, check_in->library, sizeof device->library);
}

/* What changed between before and now moves the device in the counters of the field, and in the order of
 * versions. */
static int count_version(struct fleet *fleet, const struct device *before, struct device *now)
{
    bool counted = before->checked_in != 0;
    if (now->checked_in == 0 ||
        (counted && strcmp(before->type, now->type) == 0 && strcmp(before->version, now->version) == 0))
        return STORE_OK;
    int result = STORE_OK;
    if (counted)
        result = store_field_count(fleet->store, before, -1);
    if (result == STORE_OK)
        result = store_field_count(fleet->store, now, 1);
    version_key(now->version, now->version_key);
    return result == STORE_OK ? store_device_describe(fleet->store, now) : result;
}

/* The device's last offer waits for a report before it is repeated. */
static bool is_held(struct fleet *fleet, const struct device *device)
{
    struct target target;
    return store_target_get(fleet->store, device->shipment, device->id, &target) == STORE_OK &&
           target.stage != TARGET_STAGE_NONE && status_under_way(&target) && target.due > fleet->now;
}

int device_checked_in(struct fleet *fleet, int64_t id, uint64_t connection, const struct check_in *check_in)
{
    struct device device;
    struct presence presence = fleet_presence(fleet, id);
    if (presence.node != fleet->node || presence.connection != connection)
        return STORE_OK;
    int result = store_device_get(fleet->store, id, &device);
    if (result != STORE_OK)
        return result;
    struct device before = device;
    take_check_in(fleet, &device, check_in, presence.reported);
    result = count_version(fleet, &before, &device);
    if (result != STORE_OK)
        return result;
    presence.checked_in = true;
    result = store_presence_set(fleet->store, id, &presence);
    if (result == STORE_OK)
        result = store_device_update(fleet->store, &device);
    if (result != STORE_OK)
        return result;
    if (device.foreign)
        return fleet_note(fleet, id, "check-in", "refused: it names template %s, the device belongs to %s",
                          check_in->template, device.template);
    result = fleet_note(fleet, id, "check-in", "%s %s%s%s", device.type, device.version,
                        device.build[0] != '\0' ? ", build " : "", device.build);
    if (result == STORE_OK)
        result = for_targets(fleet, &device, judge_check_in, NULL);
    if (result != STORE_OK)
        return result;
    return planner_run(fleet, id, is_held(fleet, &device) ? PLANNER_CHANGE : PLANNER_CHECK_IN);
}

/* --- Reports --- */

static int apply_stage(struct fleet *fleet, const struct scene *scene, struct target *target,
                       const void *argument)
{
    const struct report *report = argument;
    (void)scene;
    status_stage(target, report->stage, report->bytes, report->size, report->wire_bytes, &fleet->limits,
                 fleet->now);
    return STORE_OK;
}

static int apply_failure(struct fleet *fleet, const struct scene *scene, struct target *target,
                         const void *argument)
{
    const struct report *report = argument;
    if (report->wire_bytes >= 0 && !target->ended)
        target->wire_bytes = report->wire_bytes;
    status_failed(target, report->reason, &scene->limits, fleet->now);
    return STORE_OK;
}

static bool is_about(const struct report *report, const struct firmware *firmware)
{
    return report->about_known && memcmp(report->about, firmware->digest, RECORD_SHORT_BYTES) == 0;
}

/* A deviceReport about an update that was offered: confirmed, on trial, or rolled back. */
static int apply_device(struct fleet *fleet, const struct scene *scene, struct target *target,
                        const void *argument)
{
    const struct report *report = argument;
    const struct device *device = scene->device;
    bool runs_it =
        device->digest_known && memcmp(device->digest, scene->firmware.digest, RECORD_DIGEST_BYTES) == 0;
    bool back = !runs_it && is_about(report, &scene->firmware) && status_is_rollback(report->reason);
    if (runs_it && device->state == DEVICE_CONFIRMED && !target->ended) {
        status_ended(target, TARGET_SUCCESS, TDM_REASON_NONE, fleet->now);
    } else if (runs_it) {
        status_stage(target, TARGET_STAGE_TRIAL, -1, -1, -1, &fleet->limits, fleet->now);
    } else if (back && target->ended) {
        lost(fleet, scene, target, report->reason);
    } else if (back) {
        /* The device repeats its last reason at each start: one that may be tried again counts once. */
        if (status_rejects_image(report->reason) || after_transfer(target))
            status_rolled_back(target, report->reason, &scene->limits, fleet->now);
    }
    return STORE_OK;
}

static int take_device_report(struct fleet *fleet, struct device *device, const struct report *report)
{
    device->reports = true;
    device->state = report->state;
    device->counter = report->counter;
    memcpy(device->hardware, report->hardware, sizeof device->hardware);
    device->digest_known = report->digest_known;
    memcpy(device->digest, report->digest, sizeof device->digest);
    int result = store_device_update(fleet->store, device);
    if (result == STORE_OK && report->about_known && status_rejects_image(report->reason))
        result = store_rejection_add(fleet->store, device->id, report->about, report->reason, fleet->now);
    return result;
}

static int note_device_report(struct fleet *fleet, const struct device *device, const struct report *report)
{
    static const char *const events[] = {"started", "ended the update", "confirmed", "trial"};
    static const char *const states[] = {"state unknown", "confirmed", "on trial"};
    char digest[2 * RECORD_SHORT_BYTES + 1] = "unknown";
    if (device->digest_known)
        text_hex(device->digest, RECORD_SHORT_BYTES, digest);
    return fleet_note(fleet, device->id, "report", "device %s: %s, image %s%s%s", events[report->event],
                      states[report->state], digest, report->reason != TDM_REASON_NONE ? ", " : "",
                      report->reason != TDM_REASON_NONE ? tdm_reason_text(report->reason) : "");
}

static int device_report(struct fleet *fleet, struct device *device, const struct report *report)
{
    struct presence presence = fleet_presence(fleet, device->id);
    int result = STORE_OK;
    if (presence.connection != 0 && !presence.reported) {
        presence.reported = true;
        result = store_presence_set(fleet->store, device->id, &presence);
    }
    if (result == STORE_OK)
        result = take_device_report(fleet, device, report);
    if (result == STORE_OK)
        result = note_device_report(fleet, device, report);
    if (result == STORE_OK && report->event == REPORT_REFUSED)
        result = for_current(fleet, device, apply_failure, report);
    else if (result == STORE_OK)
        result = for_targets(fleet, device, apply_device, report);
    return result == STORE_OK ? planner_run(fleet, device->id, PLANNER_CHANGE) : result;
}

/* Progress within a stage is not worth a line; the first report of each stage is. */
static int note_stage(struct fleet *fleet, const struct device *device, const struct report *report)
{
    struct target target;
    if (report->kind == REPORT_STAGE && device->shipment != 0) {
        int result = store_target_get(fleet->store, device->shipment, device->id, &target);
        if (result == STORE_OK && target.stage == report->stage)
            return STORE_OK;
    }
    bool failed = report->kind == REPORT_FAILED;
    return fleet_note(fleet, device->id, "report", "%s%s%s", report->name, failed ? ": " : "",
                      failed ? tdm_reason_text(report->reason) : "");
}

int device_reported(struct fleet *fleet, int64_t id, const struct report *report)
{
    struct device device;
    int result = store_device_get(fleet->store, id, &device);
    if (result != STORE_OK)
        return result;
    if (report->kind == REPORT_DEVICE)
        return device_report(fleet, &device, report);
    result = note_stage(fleet, &device, report);
    if (result == STORE_OK && report->kind == REPORT_STAGE)
        result = for_current(fleet, &device, apply_stage, report);
    if (result == STORE_OK && report->kind == REPORT_FAILED) {
        result = for_current(fleet, &device, apply_failure, report);
        if (result == STORE_OK)
            result = planner_run(fleet, id, PLANNER_CHANGE); /* another shipment may have its turn */
    }
    return result;
}

int device_logged(struct fleet *fleet, int64_t id, const char *text)
{
    int result = fleet_note(fleet, id, "log", "%s", text);
    return result == STORE_CONFLICT ? STORE_OK : result; /* deleted meanwhile */
}

/* --- Offers and downloads --- */

int device_offer_sent(struct fleet *fleet, int64_t id, int64_t shipment)
{
    struct target before;
    int result = store_target_get(fleet->store, shipment, id, &before);
    if (result != STORE_OK)
        return result == STORE_NOT_FOUND ? STORE_OK : result;
    struct target target = before;
    status_sent(&target, fleet->now);
    return planner_save(fleet, &before, &target);
}

struct download {
    int64_t firmware;
    bool complete;
};

static int apply_download(struct fleet *fleet, const struct scene *scene, struct target *target,
                          const void *argument)
{
    const struct download *download = argument;
    const struct firmware *firmware = &scene->firmware;
    if (firmware->id == download->firmware && download->complete)
        status_downloaded(target, &fleet->limits, fleet->now);
    else if (firmware->id == download->firmware)
        status_requested(target, &fleet->limits, fleet->now);
    return STORE_OK;
}

int device_download(struct fleet *fleet, int64_t id, int64_t firmware, bool complete)
{
    struct device device;
    struct download download = {firmware, complete};
    int result = store_device_get(fleet->store, id, &device);
    if (result != STORE_OK)
        return result == STORE_NOT_FOUND ? STORE_OK : result;
    result = for_current(fleet, &device, apply_download, &download);
    if (result == STORE_OK)
        result = fleet_note(fleet, id, "download",
                            complete ? "the firmware was sent whole" : "the firmware was asked for");
    return result;
}

/* --- Consent --- */

/* *waits: the shipment asks for consent, and the target has none yet. */
static int consent_to(struct fleet *fleet, const struct target *before, bool *waits)
{
    struct shipment shipment;
    struct target target = *before;
    int result = store_shipment_get(fleet->store, before->shipment, &shipment);
    bool open = shipment.state == SHIPMENT_LIVE || shipment.state == SHIPMENT_PAUSED;
    *waits = result == STORE_OK && open && shipment.user_controlled && !target.ended && target.consent == 0;
    if (!*waits)
        return result;
    status_consented(&target, fleet->now);
    result = planner_save(fleet, before, &target);
    return result == STORE_OK ? fleet_note(fleet, before->device, "log",
                                           "its owner agreed to shipment \"%s\"", shipment.name)
                              : result;
}

int device_consent(struct fleet *fleet, int64_t id, int64_t shipment, int64_t agreed[DEVICE_CONSENTS_MAX],
                   size_t *count)
{
    struct device device;
    struct target *targets;
    size_t target_count;
    *count = 0;
    int result = store_device_get(fleet->store, id, &device);
    if (result == STORE_OK)
        result = store_targets_of_device(fleet->store, id, &targets, &target_count);
    if (result != STORE_OK)
        return result;
    for (size_t i = 0; i < target_count && *count < DEVICE_CONSENTS_MAX && result == STORE_OK; i++) {
        bool waits = false;
        if (shipment == 0 || targets[i].shipment == shipment)
            result = consent_to(fleet, &targets[i], &waits);
        if (waits)
            agreed[(*count)++] = targets[i].shipment;
    }
    free(targets);
    return result == STORE_OK && *count > 0 ? planner_run(fleet, id, PLANNER_CHANGE) : result;
}

/* --- Time --- */

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
static void overdue_idle(struct fleet *fleet, const struct status_limits *limits, struct target *target)
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

static int target_due(struct fleet *fleet, const struct target *due)
{
    struct device device;
    struct shipment shipment;
    struct firmware firmware;
    struct target target = *due;
    int result = store_device_get(fleet->store, due->device, &device);
    if (result == STORE_OK)
        result = store_shipment_get(fleet->store, due->shipment, &shipment);
    if (result == STORE_OK)
        result = store_firmware_get(fleet->store, shipment.firmware, &firmware);
    if (result != STORE_OK)
        return result;
    struct status_limits limits = planner_limits(fleet, &shipment);
    bool online = device.presence != DEVICE_OFFLINE;
    if (settled(fleet, &device, &firmware, &target)) {
        /* saved below */
    } else if (!online || shipment.state != SHIPMENT_LIVE) {
        overdue_idle(fleet, &limits, &target);
    } else if (target.stage == TARGET_STAGE_TRIAL) {
        status_failed(&target, TDM_REASON_NO_ANSWER, &limits, fleet->now);
    }
    result = planner_save(fleet, due, &target);
    return result == STORE_OK ? planner_run(fleet, device.id, PLANNER_DUE) : result;
}

int device_tick(struct fleet *fleet)
{
    struct target *targets;
    size_t count;
    int result = store_targets_due(fleet->store, fleet->node, fleet->now, DUE_STEP, &targets, &count);
    fleet->busy = count == DUE_STEP;
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = target_due(fleet, &targets[i]);
    free(targets);
    if (result == STORE_OK)
        result = shipment_tick(fleet);
    return result == STORE_OK ? hourly_tick(fleet) : result;
}
