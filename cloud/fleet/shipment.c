#include "cloud/fleet/shipment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/fleet/gate.h"
#include "cloud/fleet/notice.h"
#include "cloud/fleet/planning.h"
#include "cloud/fleet/rules.h"
#include "cloud/fleet/sweep.h"

#define NAMES_READ    100 /* newest shipments among whose names a free one is looked for */
#define NUMBER_MAX    10000
#define STEPS_AT_ONCE 2 /* of planning, before a new shipment is answered for */

/* --- Creation --- */

void shipment_order_init(struct shipment_order *order, const struct status_limits *limits)
{
    *order = (struct shipment_order){
        .shipment = {.attempts = limits->attempts, .period_ms = limits->period_ms},
        .waves = {{.success_percent = 90, .minimum = 10}},
        .wave_count = 1,
    };
}

/* Among the newest shipments, the highest number that follows day's name: 1 where it stands alone, 0 for
 * none. A name that is tried and taken costs an id. */
static int newest_number(struct fleet *fleet, int64_t organization, const char *day, int *number)
{
    struct shipment *newest;
    size_t count;
    size_t length = strlen(day);
    int result = store_shipments_page(fleet->store, organization, -1, 0, NAMES_READ, &newest, &count);
    *number = 0;
    if (result != STORE_OK)
        return result;
    for (size_t i = 0; i < count; i++) {
        int n = 1;
        if (strncmp(newest[i].name, day, length) == 0 &&
            (newest[i].name[length] == '\0' || sscanf(newest[i].name + length, " (%d)", &n) == 1) &&
            n > *number)
            *number = n;
    }
    free(newest);
    return STORE_OK;
}

/* "New Shipping Nov 22, 2026", and from the second on of a day " (2)". */
static int add_with_default_name(struct fleet *fleet, struct shipment *shipment)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(fleet->now / 1000);
    struct tm day;
    char name[sizeof shipment->name];
    int number;
    gmtime_r(&seconds, &day);
    snprintf(name, sizeof name, "New Shipping %.3s %02d, %d", months + 3 * day.tm_mon, day.tm_mday,
             day.tm_year + 1900);
    int result = newest_number(fleet, shipment->organization, name, &number);
    if (result != STORE_OK)
        return result;
    do {
        number++;
        if (number == 1)
            snprintf(shipment->name, sizeof shipment->name, "%s", name);
        else
            snprintf(shipment->name, sizeof shipment->name, "%.40s (%d)", name, number);
        result = store_shipment_add(fleet->store, shipment);
    } while (result == STORE_CONFLICT && number < NUMBER_MAX);
    return result;
}

static int add_waves(struct fleet *fleet, struct shipment_order *order)
{
    int result = STORE_OK;
    for (size_t i = 0; i < order->wave_count && result == STORE_OK; i++) {
        order->waves[i].shipment = order->shipment.id;
        order->waves[i].number = (int64_t)i + 1;
        order->waves[i].opened = i == 0 ? fleet->now : 0;
        result = store_wave_add(fleet->store, &order->waves[i]);
    }
    return result;
}

/* As much of the planning as fits into one answer; ticks do the rest. */
static int plan(struct fleet *fleet, struct shipment_order *order)
{
    bool more = true;
    int result = STORE_OK;
    if (order->device_count > 0)
        return planning_list(fleet, &order->shipment, order->devices, order->device_count);
    for (int i = 0; i < STEPS_AT_ONCE && more && result == STORE_OK; i++)
        result = planning_step(fleet, &more);
    fleet->busy = fleet->busy || more;
    return result;
}

int shipment_create(struct fleet *fleet, struct shipment_order *order)
{
    struct shipment *shipment = &order->shipment;
    shipment->state = SHIPMENT_LIVE;
    shipment->created = fleet->now;
    shipment->wave = 1;
    shipment->sweep = -1;
    shipment->planner = fleet->node;
    shipment->all_devices = order->device_count == 0 && shipment->filter[0] == '\0';
    int result = shipment->name[0] == '\0' ? add_with_default_name(fleet, shipment)
                                           : store_shipment_add(fleet->store, shipment);
    if (result == STORE_OK)
        result = add_waves(fleet, order);
    if (result == STORE_OK)
        result = notice_shipment(fleet, shipment, true);
    if (result == STORE_OK)
        result = plan(fleet, order);
    if (result == STORE_OK)
        result = sweep_step(fleet);
    return result == STORE_OK ? store_shipment_get(fleet->store, shipment->id, shipment) : result;
}

/* --- Gates --- */

/* A change that people see. */
static int save(struct fleet *fleet, const struct shipment *shipment, bool changed)
{
    int result = store_shipment_update(fleet->store, shipment);
    return result == STORE_OK ? notice_shipment(fleet, shipment, changed) : result;
}

static int finish(struct fleet *fleet, struct shipment *shipment, const char *why)
{
    shipment->state = SHIPMENT_FINISHED;
    shipment->ended = fleet->now;
    shipment->due = 0;
    snprintf(shipment->why, sizeof shipment->why, "%s", why);
    int result = store_chart_keep_shipment(fleet->store, shipment->id, fleet->now);
    return result == STORE_OK ? save(fleet, shipment, true) : result;
}

static int judge(struct fleet *fleet, struct wave *wave, enum gate_verdict *verdict, int64_t *due, char *why)
{
    int64_t reached = wave->reached;
    *verdict = gate_judge(wave, fleet->now, due, why, RECORD_WHY);
    return wave->reached == reached ? STORE_OK : store_wave_update(fleet->store, wave);
}

static bool all_over(const struct wave *waves, size_t count)
{
    int64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!gate_is_over(&waves[i]))
            return false;
        size += waves[i].size;
    }
    return size > 0;
}

static int open_wave(struct fleet *fleet, struct shipment *shipment, struct wave *wave)
{
    shipment->wave = wave->number;
    shipment->sweep = 0;
    fleet->busy = true;
    wave->opened = fleet->now;
    return store_wave_update(fleet->store, wave);
}

/* Goes through the waves up to the open one, and opens the next as long as gates let it. *stop: one stops the
 * shipment; *due: when time will change something. */
static int pass_gates(struct fleet *fleet, struct shipment *shipment, struct wave *waves, size_t count,
                      bool *stop)
{
    for (size_t i = 0; i < count; i++) {
        enum gate_verdict verdict;
        int64_t due;
        int result = judge(fleet, &waves[i], &verdict, &due, shipment->why);
        if (result != STORE_OK)
            return result;
        if (due != 0 && (shipment->due == 0 || due < shipment->due))
            shipment->due = due;
        bool open = waves[i].number == shipment->wave;
        /* The last one has nothing behind it: when it is over, the shipment ends with what it reached. */
        *stop = verdict == GATE_STOP && !(i + 1 == count && gate_is_over(&waves[i]));
        if (*stop || (open && (verdict != GATE_ADVANCE || i + 1 == count)))
            break;
        if (open)
            result = open_wave(fleet, shipment, &waves[i + 1]);
        if (result != STORE_OK)
            return result;
    }
    if (!*stop)
        shipment->why[0] = '\0';
    return STORE_OK;
}

/* It stops by itself: connected devices that waited for it may have the offer of an older one. */
static void out_of_the_way(struct fleet *fleet, struct shipment *shipment)
{
    shipment->sweep = 0;
    fleet->busy = true;
}

static int settle(struct fleet *fleet, struct shipment *shipment, struct wave *waves, size_t count)
{
    bool stop = false;
    int64_t due;
    char why[RECORD_WHY];
    struct shipment before = *shipment;
    int result = STORE_OK;
    shipment->due = shipment->expires;
    if (shipment->state == SHIPMENT_LIVE)
        result = pass_gates(fleet, shipment, waves, count, &stop);
    if (result != STORE_OK)
        return result;
    if (stop) {
        shipment->state = SHIPMENT_PAUSED;
        out_of_the_way(fleet, shipment);
    }
    bool soaks = gate_judge(&waves[count - 1], fleet->now, &due, why, sizeof why) == GATE_WAIT;
    if (all_over(waves, count) && !soaks)
        return finish(fleet, shipment, "");
    return memcmp(&before, shipment, sizeof before) == 0
               ? STORE_OK
               : save(fleet, shipment, before.state != shipment->state);
}

int shipment_settle(struct fleet *fleet, int64_t id)
{
    struct shipment shipment;
    struct wave *waves;
    size_t count;
    int result = store_shipment_get(fleet->store, id, &shipment);
    if (result != STORE_OK || !shipment.planned || shipment.state == SHIPMENT_CANCELLED ||
        shipment.state == SHIPMENT_FINISHED)
        return result;
    if (rules_expired(&shipment, fleet->now)) {
        out_of_the_way(fleet, &shipment);
        return finish(fleet, &shipment, "it expired");
    }
    result = store_waves(fleet->store, id, &waves, &count);
    if (result == STORE_OK && count > 0)
        result = settle(fleet, &shipment, waves, count);
    free(waves);
    return result;
}

int shipment_opened(struct fleet *fleet, int64_t id)
{
    struct shipment shipment;
    int result = store_shipment_get(fleet->store, id, &shipment);
    if (result != STORE_OK)
        return result;
    shipment.sweep = 0;
    fleet->busy = true;
    result = store_shipment_update(fleet->store, &shipment);
    return result == STORE_OK ? shipment_settle(fleet, id) : result;
}

/* --- Actions --- */

/* The operator goes on: what stopped a gate is forgiven; by force also where nothing stopped it. */
static int forgive(struct fleet *fleet, struct shipment *shipment, bool force)
{
    struct wave *waves;
    size_t count;
    int result = store_waves(fleet->store, shipment->id, &waves, &count);
    for (size_t i = 0; i < count && result == STORE_OK && waves[i].number <= shipment->wave; i++) {
        if (shipment->why[0] == '\0' && !force)
            continue;
        gate_forgive(&waves[i]);
        result = store_wave_update(fleet->store, &waves[i]);
    }
    if (result == STORE_OK && force && shipment->wave < (int64_t)count)
        result = open_wave(fleet, shipment, &waves[shipment->wave]);
    else if (result == STORE_OK && force)
        result = STORE_CONFLICT; /* there is no next one */
    free(waves);
    shipment->why[0] = '\0';
    return result;
}

static int change_state(struct fleet *fleet, struct shipment *shipment, enum shipment_action action)
{
    enum shipment_state from = shipment->state;
    if (action == SHIPMENT_PAUSE && from == SHIPMENT_LIVE) {
        shipment->state = SHIPMENT_PAUSED;
    } else if (action == SHIPMENT_RESUME && from == SHIPMENT_PAUSED) {
        shipment->state = SHIPMENT_LIVE;
        return forgive(fleet, shipment, false);
    } else if (action == SHIPMENT_ADVANCE && from == SHIPMENT_LIVE && shipment->planned) {
        return forgive(fleet, shipment, true);
    } else if (action == SHIPMENT_CANCEL && (from == SHIPMENT_LIVE || from == SHIPMENT_PAUSED)) {
        shipment->state = SHIPMENT_CANCELLED;
        shipment->ended = fleet->now;
        shipment->due = 0;
    } else {
        return STORE_CONFLICT;
    }
    return STORE_OK;
}

int shipment_act(struct fleet *fleet, int64_t id, enum shipment_action action, struct shipment *shipment)
{
    int result = store_shipment_get(fleet->store, id, shipment);
    if (result == STORE_OK)
        result = change_state(fleet, shipment, action);
    if (result != STORE_OK)
        return result;
    /* Devices that waited for this one to go on, or to get out of the way. */
    shipment->sweep = shipment->planned ? 0 : -1;
    result = save(fleet, shipment, action != SHIPMENT_ADVANCE);
    if (result == STORE_OK)
        result = shipment_settle(fleet, id);
    if (result == STORE_OK)
        result = sweep_step(fleet);
    return result == STORE_OK ? store_shipment_get(fleet->store, id, shipment) : result;
}

/* --- Late joiners --- */

static int take_into(struct fleet *fleet, struct shipment *shipment, const struct device *device)
{
    int result = STORE_OK;
    if (shipment->state == SHIPMENT_FINISHED) {
        shipment->state = SHIPMENT_LIVE;
        shipment->ended = 0;
        result = save(fleet, shipment, true);
    }
    if (result == STORE_OK)
        result = planning_late(fleet, shipment, device);
    return result == STORE_OK ? shipment_settle(fleet, shipment->id) : result;
}

static bool takes_late(const struct fleet *fleet, const struct shipment *shipment, bool newest)
{
    bool open = shipment->state == SHIPMENT_LIVE || shipment->state == SHIPMENT_PAUSED;
    return shipment->planned && !rules_expired(shipment, fleet->now) && (open || newest);
}

int shipment_take_in(struct fleet *fleet, const struct device *device)
{
    struct shipment *shipments;
    size_t count;
    bool newest = true;
    int result =
        store_shipments_of_template(fleet->store, device->organization, device->template, &shipments, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        struct shipment *shipment = &shipments[i];
        if (!shipment->all_devices || shipment->state == SHIPMENT_CANCELLED)
            continue;
        if (takes_late(fleet, shipment, newest))
            result = take_into(fleet, shipment, device);
        newest = false;
    }
    free(shipments);
    return result;
}

/* --- Time --- */

int shipment_tick(struct fleet *fleet)
{
    struct shipment *shipments;
    size_t count;
    bool more = false;
    int result = store_shipments_due(fleet->store, fleet->now, &shipments, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = shipment_settle(fleet, shipments[i].id);
    free(shipments);
    if (result == STORE_OK)
        result = planning_step(fleet, &more);
    fleet->busy = fleet->busy || more;
    return result == STORE_OK ? sweep_step(fleet) : result;
}

const char *shipment_state_slug(enum shipment_state state)
{
    static const char *const slugs[] = {
#define SHIPMENT_STATE_SLUG(name, slug) slug,
        SHIPMENT_STATES(SHIPMENT_STATE_SLUG)
#undef SHIPMENT_STATE_SLUG
    };
    return slugs[state];
}

const char *shipment_condition_slug(enum shipment_condition condition)
{
    static const char *const slugs[] = {
#define SHIPMENT_CONDITION_SLUG(name, slug, text) slug,
        SHIPMENT_CONDITIONS(SHIPMENT_CONDITION_SLUG)
#undef SHIPMENT_CONDITION_SLUG
    };
    return slugs[condition];
}
