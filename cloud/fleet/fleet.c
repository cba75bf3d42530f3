#include "cloud/fleet/fleet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct presence *fleet_presence(const struct fleet *fleet, int64_t device)
{
    return idmap_get(&fleet->online, (uint64_t)device);
}

struct effect *fleet_effect(struct fleet *fleet, enum effect_kind kind, int64_t device)
{
    struct effect *effect = calloc(1, sizeof *effect);
    if (effect == NULL)
        abort();
    effect->kind = kind;
    effect->device = device;
    effect->next = fleet->effects;
    fleet->effects = effect;
    return effect;
}

int fleet_note(struct fleet *fleet, int64_t device, const char *kind, const char *format, ...)
{
    struct event event = {.time = fleet->now};
    snprintf(event.kind, sizeof event.kind, "%s", kind);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event.text, sizeof event.text, format, arguments);
    va_end(arguments);
    return store_event_add(fleet->store, device, &event);
}

void fleet_clear(struct fleet *fleet)
{
    size_t at = 0;
    for (struct presence *presence; (presence = idmap_next(&fleet->online, &at)) != NULL;)
        free(presence);
    idmap_free(&fleet->online);
}
