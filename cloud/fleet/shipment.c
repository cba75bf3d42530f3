#include "cloud/fleet/shipment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/fleet/planner.h"

static int add_target(struct fleet *fleet, int64_t shipment, int64_t device)
{
    struct target target = {.shipment = shipment, .device = device, .bytes = -1, .size = -1};
    return store_target_add(fleet->store, &target);
}

static int add_all_targets(struct fleet *fleet, const struct shipment *shipment)
{
    struct device *devices;
    size_t count;
    int result = store_devices(fleet->store, shipment->template, &devices, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = add_target(fleet, shipment->id, devices[i].id);
    free(devices);
    return result;
}

/* "New Shipping Nov 22, 2026", and from the second on of a day " (2)". */
static int add_with_default_name(struct fleet *fleet, struct shipment *shipment)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(fleet->now / 1000);
    struct tm day;
    gmtime_r(&seconds, &day);
    int result = STORE_CONFLICT;
    for (int n = 1; n <= 10000 && result == STORE_CONFLICT; n++) {
        char suffix[16] = "";
        if (n > 1)
            snprintf(suffix, sizeof suffix, " (%d)", n);
        snprintf(shipment->name, sizeof shipment->name, "New Shipping %.3s %02d, %d%s",
                 months + 3 * day.tm_mon, day.tm_mday, day.tm_year + 1900, suffix);
        result = store_shipment_add(fleet->store, shipment);
    }
    return result;
}

int shipment_create(struct fleet *fleet, struct shipment *shipment, const int64_t *devices, size_t count)
{
    shipment->state = SHIPMENT_LIVE;
    shipment->created = fleet->now;
    int result = shipment->name[0] == '\0' ? add_with_default_name(fleet, shipment)
                                           : store_shipment_add(fleet->store, shipment);
    if (result == STORE_OK && shipment->all_devices)
        result = add_all_targets(fleet, shipment);
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = add_target(fleet, shipment->id, devices[i]);
    if (result == STORE_OK)
        result = planner_run_shipment(fleet, shipment->id);
    return result == STORE_OK ? store_shipment_get(fleet->store, shipment->id, shipment) : result;
}

int shipment_act(struct fleet *fleet, int64_t id, enum shipment_action action, struct shipment *shipment)
{
    int result = store_shipment_get(fleet->store, id, shipment);
    if (result != STORE_OK)
        return result;
    enum shipment_state from = shipment->state;
    if (action == SHIPMENT_PAUSE && from == SHIPMENT_LIVE) {
        shipment->state = SHIPMENT_PAUSED;
    } else if (action == SHIPMENT_RESUME && from == SHIPMENT_PAUSED) {
        shipment->state = SHIPMENT_LIVE;
    } else if (action == SHIPMENT_CANCEL && (from == SHIPMENT_LIVE || from == SHIPMENT_PAUSED)) {
        shipment->state = SHIPMENT_CANCELLED;
        shipment->ended = fleet->now;
    } else {
        return STORE_CONFLICT;
    }
    result = store_shipment_update(fleet->store, shipment);
    /* Devices that waited for this one to go on, or to get out of the way. */
    if (result == STORE_OK)
        result = planner_run_shipment(fleet, id);
    return result == STORE_OK ? store_shipment_get(fleet->store, id, shipment) : result;
}

static int take_into(struct fleet *fleet, struct shipment *shipment, const struct device *device)
{
    int result = STORE_OK;
    if (shipment->state == SHIPMENT_FINISHED) {
        shipment->state = SHIPMENT_LIVE;
        shipment->ended = 0;
        result = store_shipment_update(fleet->store, shipment);
    }
    return result == STORE_OK ? add_target(fleet, shipment->id, device->id) : result;
}

int shipment_take_in(struct fleet *fleet, const struct device *device)
{
    struct shipment *shipments;
    size_t count;
    bool newest = true;
    int result = store_shipments(fleet->store, &shipments, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        struct shipment *shipment = &shipments[i];
        if (!shipment->all_devices || shipment->state == SHIPMENT_CANCELLED ||
            strcmp(shipment->template, device->template) != 0)
            continue;
        if (newest || shipment->state != SHIPMENT_FINISHED)
            result = take_into(fleet, shipment, device);
        newest = false;
    }
    free(shipments);
    return result;
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
