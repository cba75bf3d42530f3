#include "cloud/fleet/devices/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/base/notice.h"
#include "cloud/fleet/shipments/dossier.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/fleet/shipments/shipment.h"
#include "cloud/fleet/shipments/waves.h"

int device_add(struct fleet *fleet, struct device *device, const char *token)
{
    device->created = fleet->now;
    device->counter = -1;
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

/* Of a device that is about to be deleted, with its presence. */
static int forget_presence(struct fleet *fleet, const struct device *device)
{
    struct presence presence = fleet_presence(fleet, device->id);
    return presence.connection == 0
               ? STORE_OK
               : store_crowd_count(fleet->store, presence.node, fleet->node, device->organization, -1);
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
        result = forget_presence(fleet, &device);
    if (result == STORE_OK)
        result = store_device_delete(fleet->store, &device);
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = take_out(fleet, &targets[i]);
    free(targets);
    return result == STORE_OK ? device_end_token(fleet, &device) : result;
}

/* It is connected here now, and was as before says. */
static int count_arrival(struct fleet *fleet, const struct device *device, const struct presence *before)
{
    if (before->connection != 0 && before->node == fleet->node)
        return STORE_OK;
    int result = store_crowd_count(fleet->store, fleet->node, fleet->node, device->organization, 1);
    if (result == STORE_OK && before->connection != 0)
        result = store_crowd_count(fleet->store, before->node, fleet->node, device->organization, -1);
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
    result = count_arrival(fleet, &device, &presence);
    if (result != STORE_OK)
        return result;
    presence = (struct presence){.node = fleet->node, .connection = connection};
    snprintf(presence.origin, sizeof presence.origin, "%s", origin);
    result = store_presence_set(fleet->store, id, &presence);
    if (result != STORE_OK)
        return result;
    device.last_seen = fleet->now;
    device.said = 0;
    result = fleet_step(fleet, &device, &(struct event){.kind = "online"}, "connected");
    if (result == STORE_OK)
        result = store_device_pulse(fleet->store, &device);
    if (result == STORE_OK)
        notice_device(fleet, &device, "online");
    return result;
}

int device_disconnected(struct fleet *fleet, int64_t id, uint64_t connection, const char *why)
{
    struct device device;
    int result = store_presence_remove(fleet->store, id, fleet->node, connection);
    if (result == STORE_NOT_FOUND)
        return STORE_OK; /* a newer connection took its place, or the device was deleted */
    if (result == STORE_OK)
        result = store_device_get(fleet->store, id, &device);
    if (result == STORE_OK)
        result = store_crowd_count(fleet->store, fleet->node, fleet->node, device.organization, -1);
    if (result != STORE_OK)
        return result;
    device.last_seen = fleet->now;
    result = fleet_step(fleet, &device, &(struct event){.kind = "offline"}, "%s", why);
    if (result == STORE_OK)
        result = store_device_pulse(fleet->store, &device);
    if (result == STORE_OK)
        notice_device(fleet, &device, "offline");
    return result;
}

int device_logged(struct fleet *fleet, int64_t id, const char *text)
{
    return fleet_note(fleet, id, "log", "%s", text);
}
