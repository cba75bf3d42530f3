#include "cloud/fleet/base/fleet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct presence fleet_presence(const struct fleet *fleet, int64_t device)
{
    /* A failure to read it fails the whole step (store_step_end). */
    struct presence presence;
    bool found = store_presence_get(fleet->store, device, &presence) == STORE_OK;
    return found ? presence : (struct presence){0};
}

/* In one piece, as large as it has to be: there is one for each offer. */
struct effect *fleet_effect_text(struct fleet *fleet, enum effect_kind kind, int64_t device, const void *text,
                                 size_t bytes)
{
    struct effect *effect = calloc(1, sizeof *effect + bytes + 1);
    if (effect == NULL)
        abort();
    effect->kind = kind;
    effect->device = device;
    effect->text = memcpy(effect + 1, text, bytes);
    effect->bytes = bytes;
    effect->next = fleet->effects;
    fleet->effects = effect;
    return effect;
}

struct effect *fleet_effect(struct fleet *fleet, enum effect_kind kind, int64_t device)
{
    return fleet_effect_text(fleet, kind, device, "", 0);
}

int fleet_publish(struct fleet *fleet, int64_t device, const char *topic, uint8_t qos, const void *payload,
                  size_t bytes)
{
    struct presence presence = fleet_presence(fleet, device);
    if (presence.connection == 0)
        return STORE_NOT_FOUND;
    struct effect *effect = fleet_effect_text(fleet, EFFECT_PUBLISH, device, bytes > 0 ? payload : "",
                                              bytes < FLEET_OFFER_MAX ? bytes : FLEET_OFFER_MAX);
    effect->node = presence.node;
    effect->connection = presence.connection;
    effect->qos = qos;
    snprintf(effect->topic, sizeof effect->topic, "%s", topic);
    return STORE_OK;
}

int fleet_step(struct fleet *fleet, struct device *device, const struct event *step, const char *format, ...)
{
    struct event event = *step;
    event.time = fleet->now;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event.text, sizeof event.text, format, arguments);
    va_end(arguments);
    return store_event_add(fleet->store, device, &event);
}

int fleet_note(struct fleet *fleet, int64_t device, const char *kind, const char *format, ...)
{
    struct device noted;
    struct event event = {.time = fleet->now};
    snprintf(event.kind, sizeof event.kind, "%s", kind);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event.text, sizeof event.text, format, arguments);
    va_end(arguments);
    int result = store_device_get(fleet->store, device, &noted);
    if (result == STORE_OK)
        result = store_event_add(fleet->store, &noted, &event);
    return result == STORE_OK ? store_device_pulse(fleet->store, &noted) : result;
}

void fleet_metadata(void *ctx, int64_t device, const char *name, char *to, size_t capacity)
{
    const struct fleet *fleet = ctx;
    struct value value;
    to[0] = '\0';
    if (store_value_get(fleet->store, device, VALUE_METADATA, name, &value) != STORE_OK ||
        value.bytes >= capacity)
        return;
    memcpy(to, value.data, value.bytes);
    to[value.bytes] = '\0';
}

/* NULL: it has none. */
static const struct zone *organization_zone(struct fleet *fleet, int64_t id)
{
    struct organization organization;
    if (store_organization_get(fleet->store, id, &organization) != STORE_OK || organization.zone[0] == '\0')
        return NULL;
    return zone_find(&fleet->zones, organization.zone);
}

const struct zone *fleet_zone(struct fleet *fleet, const struct device *device)
{
    char name[RECORD_TEXT];
    const struct zone *zone = NULL;
    if (device->location_zone[0] != '\0')
        zone = zone_find(&fleet->zones, device->location_zone);
    if (zone == NULL && device->zone[0] != '\0')
        zone = zone_find(&fleet->zones, device->zone);
    if (zone == NULL) {
        fleet_metadata(fleet, device->id, FLEET_META_ZONE, name, sizeof name);
        zone = name[0] == '\0' ? NULL : zone_find(&fleet->zones, name);
    }
    if (zone == NULL)
        zone = organization_zone(fleet, device->organization);
    if (zone == NULL)
        zone = zone_find(&fleet->zones, fleet->zone);
    return zone != NULL ? zone : zone_find(&fleet->zones, "UTC");
}

void fleet_clear(struct fleet *fleet)
{
    free(fleet->planning);
    fleet->planning = NULL;
    secret_signer_clear(&fleet->tickets);
    zones_clear(&fleet->zones);
}

struct status_limits fleet_limits(const struct fleet *fleet, const struct shipment *shipment)
{
    struct status_limits limits = fleet->limits;
    limits.attempts = shipment->attempts;
    limits.period_ms = shipment->period_ms;
    return limits;
}
