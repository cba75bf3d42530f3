#include "cloud/fleet/rules.h"

#include <stdio.h>
#include <string.h>

#include "tandem/reason.h"

/* A rule says nothing (verdict untouched) or objects. */
typedef void rule_fn(const struct candidate *candidate, struct verdict *verdict);

static void wait(struct verdict *verdict, const char *text)
{
    verdict->kind = VERDICT_WAIT;
    snprintf(verdict->text, sizeof verdict->text, "%s", text);
}

static void end(struct verdict *verdict, enum target_status status, uint8_t reason, const char *text)
{
    verdict->kind = VERDICT_END;
    verdict->status = status;
    verdict->reason = reason;
    snprintf(verdict->text, sizeof verdict->text, "%s", text);
}

static void not_ended(const struct candidate *c, struct verdict *verdict)
{
    if (c->target->ended)
        end(verdict, c->target->status, c->target->reason, status_text(c->target->status));
}

static void live(const struct candidate *c, struct verdict *verdict)
{
    if (c->shipment->state == SHIPMENT_PAUSED)
        wait(verdict, "the shipment is paused");
    else if (c->shipment->state != SHIPMENT_LIVE)
        wait(verdict, "the shipment is over");
}

static void seen(const struct candidate *c, struct verdict *verdict)
{
    if (c->device->checked_in == 0)
        wait(verdict, "the device has never checked in");
}

static void template(const struct candidate *c, struct verdict *verdict)
{
    if (c->device->foreign)
        wait(verdict, "the device checked in with another template; see its timeline");
}

bool rules_already_there(const struct device *device, const struct firmware *firmware)
{
    if (device->checked_in == 0)
        return false;
    if (device->digest_known)
        return memcmp(device->digest, firmware->digest, RECORD_DIGEST_BYTES) == 0;
    return strcmp(device->version, firmware->version) == 0 && strcmp(device->build, firmware->build) == 0 &&
           (device->type[0] == '\0' || strcmp(device->type, firmware->type) == 0);
}

static void not_there(const struct candidate *c, struct verdict *verdict)
{
    if (!rules_already_there(c->device, c->firmware))
        return;
    if (c->target->attempts == 0 && c->device->state != DEVICE_TRIAL)
        end(verdict, TARGET_ALREADY_THERE, TDM_REASON_NONE, status_text(TARGET_ALREADY_THERE));
    else
        wait(verdict, c->device->reports
                          ? "the device runs the new firmware and has not confirmed it yet"
                          : "the device runs the new firmware; it counts once it has kept it for "
                            "the settle time");
}

static void not_superseded(const struct candidate *c, struct verdict *verdict)
{
    if (c->newer_installed)
        end(verdict, TARGET_UPLOAD_FAILURE, TDM_REASON_SUPERSEDED, "a newer shipment updated this device");
}

static void newest(const struct candidate *c, struct verdict *verdict)
{
    if (c->newer == NULL)
        return;
    verdict->kind = VERDICT_WAIT;
    snprintf(verdict->text, sizeof verdict->text, "a newer live shipment comes first: %s", c->newer->name);
}

static void not_rejected(const struct candidate *c, struct verdict *verdict)
{
    if (!c->rejected)
        return;
    end(verdict, TARGET_UPLOAD_FAILURE, TDM_REASON_REJECTED_BEFORE, "");
    snprintf(verdict->text, sizeof verdict->text, "this image was rolled back on this device before: %s",
             tdm_reason_text(c->rejected_reason));
}

static void type(const struct candidate *c, struct verdict *verdict)
{
    if (c->device->type[0] == '\0' || strcmp(c->device->type, c->firmware->type) == 0)
        return;
    end(verdict, TARGET_TYPE_MISMATCH, TDM_REASON_TYPE, "");
    snprintf(verdict->text, sizeof verdict->text, "the device runs firmware type %s, this is for %s",
             c->device->type, c->firmware->type);
}

static void hardware(const struct candidate *c, struct verdict *verdict)
{
    if (!c->firmware->package || c->device->hardware[0] == '\0' ||
        strcmp(c->device->hardware, c->firmware->hardware) == 0)
        return;
    end(verdict, TARGET_UPLOAD_FAILURE, TDM_REASON_HARDWARE, "");
    snprintf(verdict->text, sizeof verdict->text, "the device is a %s, this is for %s", c->device->hardware,
             c->firmware->hardware);
}

static void online(const struct candidate *c, struct verdict *verdict)
{
    if (!c->online)
        wait(verdict, "the device is offline");
    else if (!c->checked_in)
        wait(verdict, "the device is connected and has not said yet what it runs");
}

static void confirmed(const struct candidate *c, struct verdict *verdict)
{
    if (c->device->state == DEVICE_TRIAL)
        wait(verdict, "the device's present firmware is on trial");
}

static void idle(const struct candidate *c, struct verdict *verdict)
{
    if (c->reconnected)
        return;
    if (status_under_way(c->target))
        wait(verdict, "the update is under way");
    else if (c->target->status == TARGET_DOWNLOAD_LIMIT_REACHED)
        return; /* the next rule says more */
    else if (c->target->due > c->now)
        wait(verdict, c->target->reason == TDM_REASON_NONE ? "the next offer follows shortly"
                                                           : tdm_reason_text(c->target->reason));
}

static void attempts(const struct candidate *c, struct verdict *verdict)
{
    if (status_attempts_left(c->target, c->limits, c->now) > 0 ||
        status_is_repeat(c->target, c->limits, c->now))
        return;
    verdict->kind = VERDICT_LIMIT;
    snprintf(verdict->text, sizeof verdict->text,
             "%lld attempts failed; the next follows when the period is over",
             (long long)c->target->attempts);
}

static const struct {
    const char *slug;
    rule_fn *rule;
} rules[] = {
    {"ended", not_ended},
    {"shipment-not-live", live},
    {"never-seen", seen},
    {"other-template", template},
    {"already-there", not_there},
    {"superseded", not_superseded},
    {"newer-shipment", newest},
    {"rejected-before", not_rejected},
    {"type-mismatch", type},
    {"wrong-hardware", hardware},
    {"offline", online},
    {"on-trial", confirmed},
    {"busy", idle},
    {"attempts", attempts},
};

struct verdict rules_judge(const struct candidate *candidate)
{
    struct verdict verdict = {.kind = VERDICT_OFFER};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        rules[i].rule(candidate, &verdict);
        if (verdict.kind != VERDICT_OFFER) {
            verdict.rule = rules[i].slug;
            break;
        }
    }
    return verdict;
}
