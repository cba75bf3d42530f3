/* What a check-in says, and what it says about an update. */
#include "cloud/fleet/devices/device.h"

#include <string.h>

#include "cloud/fleet/rules/version.h"
#include "cloud/fleet/shipments/dossier.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/fleet/shipments/target.h"
#include "tandem/reason.h"

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
            target_lost(fleet, scene, target, TDM_REASON_NONE);
        else
            status_rolled_back(target, TDM_REASON_NONE, &scene->limits, fleet->now);
        return store_rejection_add(fleet->store, scene->device->id, scene->firmware.digest, TDM_REASON_NONE,
                                   fleet->now);
    } else if (target->stage != TARGET_STAGE_NONE && status_under_way(target)) {
        status_held(target, &scene->limits, fleet->now);
    }
    return STORE_OK;
}

/* Whether the device runs something else than it said last. */
static bool is_news(const struct device *device, const struct check_in *check_in)
{
    return device->checked_in == 0 || strcmp(device->version, check_in->version) != 0 ||
           strcmp(device->build, check_in->build) != 0 || strcmp(device->type, check_in->type) != 0;
}

/* What changed moves the device in the counters of the field, and in the order of versions. */
static int count_version(struct fleet *fleet, const struct device *before, struct device *now)
{
    bool counted = before->checked_in != 0;
    if (counted && strcmp(before->type, now->type) == 0 && strcmp(before->version, now->version) == 0)
        return STORE_OK;
    int result = STORE_OK;
    if (counted)
        result = store_field_count(fleet->store, before, -1);
    if (result == STORE_OK)
        result = store_field_count(fleet->store, now, 1);
    version_key(now->version, now->version_key);
    return result == STORE_OK ? store_device_describe(fleet->store, now) : result;
}

/* It runs another firmware than before. A check-in that says the same again is not worth a line. */
static int take_news(struct dossier *dossier, const struct check_in *check_in)
{
    struct device *device = &dossier->device;
    /* What was reported in this connection is of this start of the device. */
    if ((device->said & SAID_REPORT) == 0) {
        device->digest_known = false; /* that was another firmware's */
        device->decodes = 0;
        device->state = DEVICE_UNKNOWN;
    }
    memcpy(device->type, check_in->type, sizeof device->type);
    memcpy(device->version, check_in->version, sizeof device->version);
    memcpy(device->build, check_in->build, sizeof device->build);
    int result = count_version(dossier->fleet, &dossier->stored, device);
    return result == STORE_OK ? fleet_step(dossier->fleet, device, &(struct event){.kind = "check-in"},
                                           "%s %s%s%s", device->type, device->version,
                                           device->build[0] != '\0' ? ", build " : "", device->build)
                              : result;
}

/* The device's last offer waits for a report before it is repeated. */
static bool is_held(const struct dossier *dossier)
{
    const struct target *target = dossier_target(dossier, dossier->device.shipment);
    return target != NULL && target->stage != TARGET_STAGE_NONE && status_under_way(target) &&
           target->due > dossier->fleet->now;
}

static bool is_template_id(const char *text)
{
    return strncmp(text, "TMPL", 4) == 0;
}

/* Some clients in the field say the template's name where others say its id: a name tells nothing. */
static bool names_another_template(const char *own, const char *said)
{
    if (is_template_id(own) && !is_template_id(said))
        return false;
    return said[0] != '\0' && strcmp(said, own) != 0;
}

static int take_check_in(struct dossier *dossier, const struct check_in *check_in)
{
    struct device *device = &dossier->device;
    struct fleet *fleet = dossier->fleet;
    int result = STORE_OK;
    device->said |= SAID_CHECK_IN;
    device->last_seen = fleet->now;
    device->foreign = names_another_template(device->template, check_in->template);
    if (device->foreign)
        return fleet_step(fleet, device, &(struct event){.kind = "check-in"},
                          "refused: it names template %s, the device belongs to %s", check_in->template,
                          device->template);
    memcpy(device->library, check_in->library, sizeof device->library);
    bool news = is_news(device, check_in);
    device->checked_in = fleet->now;
    if (news)
        result = take_news(dossier, check_in);
    if (result == STORE_OK)
        result = target_change_all(dossier, judge_check_in, NULL);
    if (result != STORE_OK)
        return result;
    return planner_decide(dossier, is_held(dossier) ? PLANNER_CHANGE : PLANNER_CHECK_IN);
}

int device_checked_in(struct fleet *fleet, int64_t id, uint64_t connection, const struct check_in *check_in)
{
    struct dossier dossier;
    int result = dossier_open(&dossier, fleet, id);
    bool stands = dossier.presence.node == fleet->node && dossier.presence.connection == connection;
    if (result == STORE_OK && stands)
        result = take_check_in(&dossier, check_in);
    return dossier_close(&dossier, result);
}
