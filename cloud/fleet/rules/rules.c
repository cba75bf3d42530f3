#include "cloud/fleet/rules/rules.h"

#include <stdio.h>
#include <string.h>

#include "cloud/durations.h"
#include "cloud/fleet/rules/slot.h"
#include "cloud/fleet/rules/version.h"
#include "cloud/fleet/rules/words.h"
#include "cloud/text.h"
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
    const struct target *target = c->target;
    if (!target->ended)
        return;
    end(verdict, target->status, target->reason, status_text(target->status));
    if (target->reason != TDM_REASON_NONE && target->reason != TDM_REASON_SUPERSEDED)
        snprintf(verdict->text, sizeof verdict->text, "%s: %s", status_text(target->status),
                 tdm_reason_text(target->reason));
}

bool rules_expired(const struct shipment *shipment, int64_t now)
{
    return shipment->expires != 0 && shipment->expires <= now;
}

static void live(const struct candidate *c, struct verdict *verdict)
{
    if (c->shipment->state == SHIPMENT_PAUSED)
        wait(verdict, "the shipment is paused");
    else if (c->shipment->state != SHIPMENT_LIVE)
        wait(verdict, "the shipment is over");
    else if (rules_expired(c->shipment, c->now))
        wait(verdict, "the shipment has expired");
    else if (!c->shipment->planned)
        wait(verdict, "the shipment is still being split into waves");
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

/* --- The shipment's condition --- */

static void not_needed(struct verdict *verdict, const char *format, const char *has, const char *brings)
{
    end(verdict, TARGET_NOT_NEEDED, TDM_REASON_NONE, "");
    snprintf(verdict->text, sizeof verdict->text, format, has[0] != '\0' ? has : "unknown", brings);
}

/* True if the condition has nothing to compare: a device tells no library version, a plain file no tag. */
static bool untold(struct verdict *verdict, const char *what, const char *has, const char *brings)
{
    if (has[0] == '\0')
        not_needed(verdict, "the device does not tell its %s%s", what, "");
    else if (brings[0] == '\0')
        not_needed(verdict, "the firmware's tag tells no %s%s", what, "");
    return has[0] == '\0' || brings[0] == '\0';
}

static void lower(struct verdict *verdict, const char *what, const char *has, const char *brings)
{
    char format[120];
    int order = 0;
    bool comparable = version_compare(has, brings, &order);
    snprintf(format, sizeof format, "the device's %s %%s %s %%s", what,
             comparable ? "is not lower than" : "does not compare with");
    if (!untold(verdict, what, has, brings) && (!comparable || order >= 0))
        not_needed(verdict, format, has, brings);
}

static void condition(const struct candidate *c, struct verdict *verdict)
{
    int64_t has, brings;
    const struct device *device = c->device;
    switch (c->shipment->condition) {
    case CONDITION_ANY:
        break;
    case CONDITION_LOWER_VERSION:
        lower(verdict, "version", device->version, c->firmware->version);
        break;
    case CONDITION_LOWER_LIBRARY:
        lower(verdict, "library version", device->library, c->firmware->library);
        break;
    case CONDITION_EARLIER_BUILD:
        if (!version_build_date(device->build, &has) || !version_build_date(c->firmware->build, &brings))
            not_needed(verdict, "the device's build date %s does not compare with %s", device->build,
                       c->firmware->build);
        else if (has >= brings)
            not_needed(verdict, "the device's build date %s is not earlier than %s", device->build,
                       c->firmware->build);
        break;
    case CONDITION_OTHER_BUILD:
        if (strcmp(device->build, c->firmware->build) == 0)
            not_needed(verdict, "the device's build date %s is that of the firmware, %s", device->build,
                       c->firmware->build);
        break;
    }
}

static void wave(const struct candidate *c, struct verdict *verdict)
{
    if (c->target->wave <= c->shipment->wave)
        return;
    wait(verdict, "");
    snprintf(verdict->text, sizeof verdict->text, "the device belongs to wave %lld, wave %lld is open",
             (long long)c->target->wave, (long long)c->shipment->wave);
}

/* --- The right moment. An update that the connection interrupted goes on in spite of it. --- */

static bool goes_on(const struct candidate *c)
{
    return status_is_repeat(c->target, c->limits, c->now);
}

static void consent(const struct candidate *c, struct verdict *verdict)
{
    if (!c->shipment->user_controlled || c->target->consent != 0 || goes_on(c))
        return;
    wait(verdict, status_text(TARGET_AWAITING_USER_ACTION));
    verdict->kind = VERDICT_CONSENT;
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
        return; /* a later rule says more */
    else if (c->target->due > c->now && c->target->reason != TDM_REASON_NONE)
        wait(verdict, tdm_reason_text(c->target->reason));
}

static void preferred_time(const struct candidate *c, struct verdict *verdict)
{
    struct zones none = {0};
    int64_t opens;
    char time[TEXT_TIME_MAX];
    const struct zone *zone = c->zone != NULL ? c->zone : zone_find(&none, "UTC");
    if (c->target->consent != 0 || goes_on(c) || slot_open(c->shipment->slot, zone, c->now, &opens))
        return;
    wait(verdict, "");
    verdict->due = opens;
    snprintf(verdict->text, sizeof verdict->text, "the %s (%s, %s) begins at %s",
             slot_slug(c->shipment->slot), slot_hours(c->shipment->slot), zone_name(zone),
             text_time(opens, time));
}

static void attempts(const struct candidate *c, struct verdict *verdict)
{
    if (status_attempts_left(c->target, c->limits, c->now) > c->other_attempts || goes_on(c))
        return;
    verdict->kind = VERDICT_LIMIT;
    verdict->due = c->other_attempts_end;
    snprintf(verdict->text, sizeof verdict->text,
             "%lld attempts failed%s; the next follows when the period is over",
             (long long)(c->target->attempts + c->other_attempts),
             c->other_attempts > 0 ? ", those of other shipments with this image included" : "");
}

int64_t rules_interval(const struct shipment *shipment, int64_t bytes)
{
    int64_t interval = 0;
    if (shipment->per_minute > 0)
        interval = (MINUTE_MS + shipment->per_minute - 1) / shipment->per_minute;
    if (shipment->bytes_per_second > 0) {
        int64_t leg = (bytes * 1000 + shipment->bytes_per_second - 1) / shipment->bytes_per_second;
        interval = interval > leg ? interval : leg;
    }
    return interval;
}

static void rate(const struct candidate *c, struct verdict *verdict)
{
    char time[TEXT_TIME_MAX];
    if (rules_interval(c->shipment, c->firmware->size) == 0 || goes_on(c))
        return;
    int64_t turn = c->target->turn;
    if (turn != 0 && turn <= c->now && c->now - turn < RULES_TURN_MS)
        return;
    wait(verdict, "the shipment's rate is limited; the device has no turn yet");
    verdict->kind = VERDICT_TURN;
    if (turn <= c->now)
        return;
    verdict->kind = VERDICT_WAIT;
    verdict->due = turn;
    snprintf(verdict->text, sizeof verdict->text, "the shipment's rate is limited; its turn comes at %s",
             text_time(turn, time));
}

/* later: what it waits for comes by itself, or by what the device does. */
static const struct {
    const char *slug;
    rule_fn *rule;
    bool later;
} rules[] = {
    {"ended", not_ended, false},
    {"shipment-not-live", live, false},
    {"never-seen", seen, true},
    {"other-template", template, false},
    {"already-there", not_there, false},
    {"superseded", not_superseded, false},
    {"newer-shipment", newest, false},
    {"rejected-before", not_rejected, false},
    {"type-mismatch", type, false},
    {"wrong-hardware", hardware, false},
    {"condition", condition, false},
    {"wave", wave, true},
    {"consent", consent, true},
    {"offline", online, true},
    {"on-trial", confirmed, true},
    {"busy", idle, true},
    {"time", preferred_time, true},
    {"attempts", attempts, true},
    {"rate", rate, true},
};

struct verdict rules_judge(const struct candidate *candidate)
{
    struct verdict verdict = {.kind = VERDICT_OFFER};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        rules[i].rule(candidate, &verdict);
        if (verdict.kind != VERDICT_OFFER) {
            verdict.rule = rules[i].slug;
            verdict.later = rules[i].later;
            break;
        }
    }
    return verdict;
}
