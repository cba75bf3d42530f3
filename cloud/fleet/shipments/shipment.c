#include "cloud/fleet/shipments/shipment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/fleet/base/notice.h"
#include "cloud/fleet/rules/rules.h"
#include "cloud/fleet/shipments/planning.h"
#include "cloud/fleet/shipments/sweep.h"
#include "cloud/fleet/shipments/waves.h"

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

/* --- Actions --- */

static int change_state(struct fleet *fleet, struct shipment *shipment, enum shipment_action action)
{
    enum shipment_state from = shipment->state;
    if (action == SHIPMENT_PAUSE && from == SHIPMENT_LIVE) {
        shipment->state = SHIPMENT_PAUSED;
    } else if (action == SHIPMENT_RESUME && from == SHIPMENT_PAUSED) {
        shipment->state = SHIPMENT_LIVE;
        return shipment_forgive(fleet, shipment, false);
    } else if (action == SHIPMENT_ADVANCE && from == SHIPMENT_LIVE && shipment->planned) {
        return shipment_forgive(fleet, shipment, true);
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
    result = shipment_save(fleet, shipment, action != SHIPMENT_ADVANCE);
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
        result = shipment_save(fleet, shipment, true);
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
