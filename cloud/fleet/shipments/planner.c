#include "cloud/fleet/shipments/planner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cloud/fleet/firmware/form.h"
#include "cloud/fleet/firmware/ticket.h"
#include "cloud/fleet/rules/words.h"
#include "cloud/fleet/shipments/dossier.h"
#include "cloud/fleet/shipments/target.h"
#include "cloud/text.h"
#include "tandem/reason.h"

/* All that one device's decisions share. */
struct plan {
    struct fleet *fleet;
    struct dossier *dossier;
    enum planner_trigger trigger;
    bool elsewhere;     /* another server has the device: here, a target can end, and nothing more */
    int64_t due;        /* the shipment whose target's time came, or 0; its others have their own turn */
    struct scene scene; /* of the target under consideration */
    struct shipment newer;
    bool newer_wants;
    bool newer_installed;
};

/* Attempts that other shipments spent in vain to bring the device this image, in the period that counts. One
 * that brought it there owes nothing: whoever ships it again after another firmware means to. */
static int count_other_attempts(const struct dossier *dossier, struct candidate *candidate)
{
    int64_t period = candidate->limits->period_ms;
    int result = STORE_OK;
    for (size_t i = 0; i < dossier->count && result == STORE_OK; i++) {
        const struct target *other = &dossier->targets[i];
        struct scene scene;
        int64_t end = other->attempt_start + period;
        if (other->shipment == candidate->shipment->id || other->attempts == 0 || end <= candidate->now ||
            other->status == TARGET_SUCCESS)
            continue;
        result = dossier_scene(dossier, other, &scene);
        if (result != STORE_OK ||
            memcmp(scene.firmware.digest, candidate->firmware->digest, RECORD_DIGEST_BYTES) != 0)
            continue;
        candidate->other_attempts += other->attempts;
        if (candidate->other_attempts_end == 0 || end < candidate->other_attempts_end)
            candidate->other_attempts_end = end;
    }
    return result;
}

bool planner_spends(const struct verdict *verdict)
{
    return verdict->kind == VERDICT_OFFER || verdict->kind == VERDICT_TURN;
}

int planner_judge_attempts(const struct dossier *dossier, struct candidate *candidate,
                           struct verdict *verdict)
{
    if (!planner_spends(verdict))
        return STORE_OK;
    int result = count_other_attempts(dossier, candidate);
    if (result == STORE_OK && candidate->other_attempts > 0)
        *verdict = rules_judge(candidate);
    return result;
}

static int plan_judge(struct plan *plan, const struct target *target, struct verdict *verdict)
{
    struct fleet *fleet = plan->fleet;
    bool is_due = target->shipment == plan->due && target->due != 0 && target->due <= fleet->now;
    bool online = plan->dossier->presence.connection != 0;
    struct candidate candidate = {
        .device = &plan->dossier->device,
        .shipment = &plan->scene.shipment,
        .firmware = &plan->scene.firmware,
        .target = target,
        .limits = &plan->scene.limits,
        .now = fleet->now,
        .zone = plan->scene.shipment.slot == SLOT_ANY ? NULL : fleet_zone(fleet, &plan->dossier->device),
        .online = online,
        .checked_in = online && (plan->dossier->device.said & SAID_CHECK_IN) != 0,
        .reconnected = plan->trigger == PLANNER_CHECK_IN || is_due,
        .newer = plan->newer_wants ? &plan->newer : NULL,
        .newer_installed = plan->newer_installed,
    };
    int result = store_rejection_get(fleet->store, plan->dossier->device.id, plan->scene.firmware.digest,
                                     &candidate.rejected_reason);
    candidate.rejected = result == STORE_OK;
    if (result != STORE_OK && result != STORE_NOT_FOUND)
        return result;
    *verdict = rules_judge(&candidate);
    return planner_judge_attempts(plan->dossier, &candidate, verdict);
}

/* What an older shipment has to know of this one, once it was looked at. */
static void plan_pass(struct plan *plan, const struct target *target)
{
    const struct shipment *shipment = &plan->scene.shipment;
    if (shipment->state == SHIPMENT_CANCELLED)
        return;
    bool open = shipment->state == SHIPMENT_LIVE && !rules_expired(shipment, plan->fleet->now);
    if (target->status == TARGET_SUCCESS || target->status == TARGET_ALREADY_THERE) {
        plan->newer_installed = true;
    } else if (open && !target->ended && !plan->newer_wants) {
        plan->newer = *shipment;
        plan->newer_wants = true;
    }
}

/* Its text, and how long that is; more than FLEET_OFFER_MAX does not fit. */
static int write_offer(struct plan *plan, const struct form_choice *choice, char to[FLEET_OFFER_MAX + 1])
{
    struct fleet *fleet = plan->fleet;
    const struct firmware *firmware = &plan->scene.firmware;
    struct ticket ticket = {plan->dossier->device.id, firmware->id, fleet->now + TICKET_LIFETIME_MS,
                            choice->form};
    char token[TICKET_MAX];
    char id[TEXT_ID_MAX];
    char url[RECORD_ORIGIN + TICKET_MAX + 64];
    char quoted_url[TEXT_JSON_MAX(sizeof url)];
    char type[TEXT_JSON_MAX(RECORD_TEXT)];
    char version[TEXT_JSON_MAX(RECORD_TEXT)];
    char build[TEXT_JSON_MAX(RECORD_TEXT)];
    ticket_write(&ticket, &fleet->tickets, token);
    snprintf(url, sizeof url, "%s/firmware/%s?token=%s",
             fleet->public_url != NULL ? fleet->public_url : plan->dossier->presence.origin,
             text_id('f', firmware->id, id), token);
    return snprintf(
        to, FLEET_OFFER_MAX + 1, "{\"url\":%s,\"size\":%" PRId64 ",\"type\":%s,\"ver\":%s,\"build\":%s}",
        text_json(url, quoted_url, sizeof quoted_url), choice->bytes,
        text_json(firmware->type, type, sizeof type), text_json(firmware->version, version, sizeof version),
        text_json(firmware->build, build, sizeof build));
}

/* Takes an older shipment's unfinished update out of the way. */
static int displace(struct dossier *dossier, int64_t winner)
{
    int result = STORE_OK;
    for (size_t i = 0; i < dossier->count && result == STORE_OK; i++) {
        struct target *target = &dossier->targets[i];
        struct target before = *target;
        if (target->shipment == winner || target->ended || target->status == TARGET_WAITING ||
            target->attempts == 0)
            continue;
        status_displaced(target, dossier->fleet->now);
        result = target_save(dossier, &before, target);
    }
    return result;
}

static void note_form(const struct form_choice *choice, int64_t plain_bytes, struct target *target,
                      struct effect *effect)
{
    target->form = choice->kind;
    target->sent_bytes = choice->bytes;
    target->plain_bytes = plain_bytes;
    if (target->encoded != ENCODED_NEVER)
        target->encoded = choice->form != 0 ? ENCODED_LAST : ENCODED_NOT;
    effect->form = target->form;
    effect->sent_bytes = target->sent_bytes;
    effect->plain_bytes = target->plain_bytes;
}

static void describe_form(const struct target *target, char *to, size_t capacity)
{
    to[0] = '\0';
    if (target->form == FORM_COMPRESSED || target->form == FORM_DELTA)
        snprintf(to, capacity, ", %s: %lld bytes instead of %lld", status_form_slug(target->form),
                 (long long)target->sent_bytes, (long long)target->plain_bytes);
}

static int make_offer(struct plan *plan, const struct form_choice *choice, struct target *target)
{
    char form[80];
    char text[FLEET_OFFER_MAX + 1];
    struct fleet *fleet = plan->fleet;
    int bytes = write_offer(plan, choice, text);
    if (bytes > FLEET_OFFER_MAX)
        return STORE_FAILED;
    struct effect *effect =
        fleet_effect_text(fleet, EFFECT_OFFER, plan->dossier->device.id, text, (size_t)bytes);
    effect->shipment = target->shipment;
    effect->node = plan->dossier->presence.node;
    effect->connection = plan->dossier->presence.connection;
    int result = STORE_OK;
    if (plan->dossier->device.shipment != target->shipment) {
        result = displace(plan->dossier, target->shipment);
        plan->dossier->device.shipment = target->shipment;
    }
    if (result != STORE_OK)
        return result;
    target->turn = 0;
    note_form(choice, plan->scene.firmware.plain_size, target, effect);
    describe_form(target, form, sizeof form);
    status_offered(target, &plan->scene.limits, fleet->now);
    struct event step = {.kind = "offered", .shipment = target->shipment};
    snprintf(step.code, sizeof step.code, "%s", target->repeats > 0 ? "repeated" : "offered");
    return fleet_step(fleet, &plan->dossier->device, &step, "shipment \"%s\": %s %s%s%s, attempt %d%s%s",
                      plan->scene.shipment.name, plan->scene.firmware.type, plan->scene.firmware.version,
                      plan->scene.firmware.build[0] != '\0' ? ", build " : "", plan->scene.firmware.build,
                      (int)target->attempts, target->repeats > 0 ? " (repeated)" : "", form);
}

/* Takes the next turn that the rate allows; one that is now is an offer. */
static int take_turn(struct plan *plan, const struct form_choice *choice, struct target *target,
                     bool *offered)
{
    int64_t now = plan->fleet->now;
    int64_t turn = plan->scene.shipment.turn > now ? plan->scene.shipment.turn : now;
    plan->scene.shipment.turn = turn + rules_interval(&plan->scene.shipment, choice->bytes);
    int result = store_shipment_update(plan->fleet->store, &plan->scene.shipment);
    if (result == STORE_OK && turn == now) {
        *offered = true;
        return make_offer(plan, choice, target);
    }
    target->turn = turn;
    target->due = turn;
    return result;
}

/* The device may have its offer, or its turn for one. What is being made for it is waited for first, but not
 * by an update that goes on. */
static int proceed(struct plan *plan, bool turn, struct target *target, bool *offered)
{
    struct form_choice choice;
    struct fleet *fleet = plan->fleet;
    bool goes_on = status_is_repeat(target, &plan->scene.limits, fleet->now);
    int result = form_choose(fleet, &plan->dossier->device, &plan->scene.firmware, target,
                             goes_on ? FORM_NOW : FORM_ASK, &choice);
    if (result != STORE_OK)
        return result;
    if (choice.until != 0) {
        target->due = choice.until;
        return STORE_OK;
    }
    if (turn)
        return take_turn(plan, &choice, target, offered);
    *offered = true;
    return make_offer(plan, &choice, target);
}

static int carry_out(struct plan *plan, const struct verdict *verdict, struct target *target, bool *offered)
{
    switch (verdict->kind) {
    case VERDICT_OFFER:
    case VERDICT_TURN:
        return proceed(plan, verdict->kind == VERDICT_TURN, target, offered);
    case VERDICT_LIMIT:
        if (target->status != TARGET_DOWNLOAD_LIMIT_REACHED || target->due <= plan->fleet->now)
            status_limit_reached(target, &plan->scene.limits, verdict->due, plan->fleet->now);
        return STORE_OK;
    case VERDICT_CONSENT:
        status_awaiting(target, plan->fleet->now);
        return STORE_OK;
    case VERDICT_END:
        status_ended(target, verdict->status, verdict->reason, plan->fleet->now);
        return STORE_OK;
    case VERDICT_WAIT:
        if (verdict->due != 0)
            target->due = verdict->due;
        return STORE_OK;
    }
    return STORE_OK;
}

static int plan_target(struct plan *plan, struct target *target, bool *offered)
{
    int result = dossier_scene(plan->dossier, target, &plan->scene);
    if (result != STORE_OK)
        return result;
    struct target before = *target;
    if (!target->ended && plan->scene.shipment.state == SHIPMENT_LIVE) {
        struct verdict verdict;
        result = plan_judge(plan, target, &verdict);
        if (result == STORE_OK && (!plan->elsewhere || verdict.kind == VERDICT_END))
            result = carry_out(plan, &verdict, target, offered);
        /* A due time that came is spent, unless a new one was set. It is left to the tick by what changed
         * meanwhile, and where an update is under way: that has a time limit. */
        if (!plan->elsewhere && target->due != 0 && target->due <= plan->fleet->now &&
            (plan->trigger != PLANNER_CHANGE || plan->due != 0) && !status_under_way(target))
            target->due = 0;
        if (result == STORE_OK)
            result = target_save(plan->dossier, &before, target);
    }
    plan_pass(plan, target);
    return result;
}

/* Another server has the device: what waits for nothing else is due at once, and that server finds it. So an
 * offer is made where it can be sent, and none is spent on a message that gets lost. */
static int leave_to_other(struct dossier *dossier)
{
    for (size_t i = 0; i < dossier->count; i++) {
        struct target *target = &dossier->targets[i];
        struct target before = *target;
        /* What waits for a form is due before that wait is over, too. */
        bool later = target->due != 0 && (target->reason != TDM_REASON_NONE ||
                                          target->due > dossier->fleet->now + dossier->fleet->forms.wait_ms);
        if (target->ended || later || status_under_way(target))
            continue;
        target->due = dossier->fleet->now;
        return target_save(dossier, &before, target);
    }
    return STORE_OK;
}

static int decide(struct plan *plan)
{
    struct dossier *dossier = plan->dossier;
    bool offered = false;
    int result = STORE_OK;
    plan->elsewhere = dossier->presence.connection != 0 && dossier->presence.node != dossier->fleet->node;
    for (size_t i = 0; i < dossier->count && result == STORE_OK && !offered; i++)
        result = plan_target(plan, &dossier->targets[i], &offered);
    return result == STORE_OK && plan->elsewhere ? leave_to_other(dossier) : result;
}

int planner_decide(struct dossier *dossier, enum planner_trigger trigger)
{
    struct plan plan = {.fleet = dossier->fleet, .dossier = dossier, .trigger = trigger};
    return decide(&plan);
}

int planner_decide_due(struct dossier *dossier, int64_t shipment)
{
    struct plan plan = {
        .fleet = dossier->fleet, .dossier = dossier, .trigger = PLANNER_CHANGE, .due = shipment};
    return decide(&plan);
}

int planner_run(struct fleet *fleet, int64_t device, enum planner_trigger trigger)
{
    struct dossier dossier;
    int result = dossier_open(&dossier, fleet, device);
    if (result == STORE_OK)
        result = planner_decide(&dossier, trigger);
    return dossier_close(&dossier, result);
}

/* Nothing stands in the way but what is being made. */
static int explain_form(const struct plan *plan, const struct target *target, struct verdict *verdict)
{
    struct form_choice choice;
    char time[TEXT_TIME_MAX];
    int result =
        form_choose(plan->fleet, &plan->dossier->device, &plan->scene.firmware, target, FORM_LOOK, &choice);
    if (result != STORE_OK || choice.until == 0)
        return result;
    verdict->kind = VERDICT_WAIT;
    verdict->rule = "delta";
    verdict->later = true;
    snprintf(verdict->text, sizeof verdict->text,
             "a smaller form of the firmware is being made; it is offered by %s in any case",
             text_time(choice.until, time));
    return STORE_OK;
}

int planner_explain(struct fleet *fleet, const struct target *target, struct verdict *verdict)
{
    struct dossier dossier;
    struct plan plan = {.fleet = fleet, .dossier = &dossier, .trigger = PLANNER_CHANGE};
    int result = dossier_open(&dossier, fleet, target->device);
    for (size_t i = 0; i < dossier.count && result == STORE_OK; i++) {
        result = dossier_scene(&dossier, &dossier.targets[i], &plan.scene);
        if (dossier.targets[i].shipment == target->shipment)
            break;
        plan_pass(&plan, &dossier.targets[i]);
    }
    if (result == STORE_OK)
        result = plan_judge(&plan, target, verdict);
    if (result == STORE_OK && verdict->kind == VERDICT_OFFER)
        result = explain_form(&plan, target, verdict);
    return dossier_close(&dossier, result);
}
