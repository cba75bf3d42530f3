/* What the co-processor and the primary MCU report of an update. */
#include "cloud/fleet/devices/device.h"

#include <stdio.h>

#include <string.h>

#include "cloud/fleet/shipments/dossier.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/fleet/shipments/target.h"
#include "cloud/text.h"
#include "tandem/reason.h"

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

static bool after_transfer(const struct target *target)
{
    return target->stage >= TARGET_STAGE_VERIFYING;
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
        target_lost(fleet, scene, target, report->reason);
    } else if (back) {
        /* The device repeats its last reason at each start: one that may be tried again counts once. */
        if (status_rejects_image(report->reason) || after_transfer(target))
            status_rolled_back(target, report->reason, &scene->limits, fleet->now);
    }
    return STORE_OK;
}

static int take_device_report(struct dossier *dossier, const struct report *report)
{
    struct device *device = &dossier->device;
    struct fleet *fleet = dossier->fleet;
    if (dossier->presence.connection != 0)
        device->said |= SAID_REPORT;
    device->reports = true;
    device->state = report->state;
    device->counter = report->counter;
    if (report->event == REPORT_STARTED)
        device->decodes = report->decodes;
    memcpy(device->hardware, report->hardware, sizeof device->hardware);
    device->digest_known = report->digest_known;
    memcpy(device->digest, report->digest, sizeof device->digest);
    if (report->about_known && status_rejects_image(report->reason))
        return store_rejection_add(fleet->store, device->id, report->about, report->reason, fleet->now);
    return STORE_OK;
}

static int note_device_report(struct fleet *fleet, struct device *device, const struct report *report)
{
    static const char *const events[] = {"started", "ended the update", "confirmed", "trial"};
    static const char *const codes[] = {"started", "refused", "confirmed", "trial"};
    static const char *const states[] = {"state unknown", "confirmed", "on trial"};
    char digest[2 * RECORD_SHORT_BYTES + 1] = "unknown";
    if (device->digest_known)
        text_hex(device->digest, RECORD_SHORT_BYTES, digest);
    struct event step = {.kind = "report", .shipment = device->shipment, .reason = report->reason};
    bool on_trial = report->event == REPORT_STARTED && report->state == DEVICE_TRIAL;
    snprintf(step.code, sizeof step.code, "%s", codes[on_trial ? REPORT_TRIAL : report->event]);
    return fleet_step(fleet, device, &step, "device %s: %s, image %s%s%s", events[report->event],
                      states[report->state], digest, report->reason != TDM_REASON_NONE ? ", " : "",
                      report->reason != TDM_REASON_NONE ? tdm_reason_text(report->reason) : "");
}

static int device_report(struct dossier *dossier, const struct report *report)
{
    int result = take_device_report(dossier, report);
    if (result == STORE_OK)
        result = note_device_report(dossier->fleet, &dossier->device, report);
    if (result == STORE_OK && report->event == REPORT_REFUSED)
        result = target_change_current(dossier, apply_failure, report);
    else if (result == STORE_OK)
        result = target_change_all(dossier, apply_device, report);
    return result == STORE_OK ? planner_decide(dossier, PLANNER_CHANGE) : result;
}

/* Progress within a stage is not worth a line; the first report of each stage is. */
static int note_stage(struct dossier *dossier, const struct report *report)
{
    const struct target *target = dossier_target(dossier, dossier->device.shipment);
    bool failed = report->kind == REPORT_FAILED;
    if (report->kind == REPORT_STAGE && target != NULL && target->stage == report->stage)
        return STORE_OK;
    struct event step = {.kind = "report", .shipment = dossier->device.shipment, .reason = report->reason};
    snprintf(step.code, sizeof step.code, "%.16s", report->name);
    return fleet_step(dossier->fleet, &dossier->device, &step, "%s%s%s", report->name, failed ? ": " : "",
                      failed ? tdm_reason_text(report->reason) : "");
}

static int take_report(struct dossier *dossier, const struct report *report)
{
    if (report->kind == REPORT_DEVICE)
        return device_report(dossier, report);
    int result = note_stage(dossier, report);
    if (result == STORE_OK && report->kind == REPORT_STAGE)
        result = target_change_current(dossier, apply_stage, report);
    if (result == STORE_OK && report->kind == REPORT_FAILED) {
        result = target_change_current(dossier, apply_failure, report);
        if (result == STORE_OK)
            result = planner_decide(dossier, PLANNER_CHANGE); /* another shipment may have its turn */
    }
    return result;
}

int device_reported(struct fleet *fleet, int64_t id, const struct report *report)
{
    struct dossier dossier;
    int result = dossier_open(&dossier, fleet, id);
    if (result == STORE_OK)
        result = take_report(&dossier, report);
    return dossier_close(&dossier, result);
}
