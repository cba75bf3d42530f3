/* One device: added, shown with its timeline, changed, deleted. */
#include "cloud/api/api.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/devices/device.h"
#include "cloud/fleet/devices/values.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/text.h"
#include "tandem/reason.h"

#define TAGS_MAX      8
#define TAG_BYTES_MAX 24

/* --- What people say of a device --- */

static bool is_tag(const char *tag)
{
    size_t bytes = strlen(tag);
    for (size_t i = 0; i < bytes; i++) {
        if (!isalnum((unsigned char)tag[i]) && strchr("-_.", tag[i]) == NULL)
            return false;
    }
    return bytes >= 1 && bytes <= TAG_BYTES_MAX;
}

static bool take_tags(struct api_call *call, const json_t *list, char to[RECORD_TAGS])
{
    size_t count = json_array_size(list);
    size_t length = 0;
    bool ok = json_is_array(list) && count <= TAGS_MAX;
    to[0] = '\0';
    for (size_t i = 0; i < count && ok; i++) {
        const char *tag = json_string_value(json_array_get(list, i));
        ok = tag != NULL && is_tag(tag);
        if (ok)
            length += (size_t)snprintf(to + length, RECORD_TAGS - length, "%s%s", i > 0 ? "," : "", tag);
    }
    if (!ok)
        (void)api_refuse(call, 400, "malformed request",
                         "tags must be a list of at most %d texts of letters, digits, - _ and ., %d at most",
                         TAGS_MAX, TAG_BYTES_MAX);
    return ok;
}

/* Members that are absent stay as they are. */
static bool take_fields(struct api_call *call, struct fleet *fleet, const json_t *body, struct device *device)
{
    const json_t *tags = json_object_get(body, "tags");
    if (json_object_get(body, "name") != NULL &&
        !api_text(call, body, "name", device->name, sizeof device->name, RECORD_NAME_LETTERS))
        return false;
    return (tags == NULL || take_tags(call, tags, device->tags)) &&
           api_zone(call, fleet, body, "timezone", device->zone) &&
           api_zone(call, fleet, body, "location_timezone", device->location_zone);
}

/* The token that the device has, or else a new one. */
static bool take_token(struct api_call *call, const json_t *body, char to[SECRET_TOKEN_ANY_MAX])
{
    if (json_object_get(body, "token") == NULL) {
        secret_token(to);
        return true;
    }
    if (!api_text(call, body, "token", to, SECRET_TOKEN_ANY_MAX, SECRET_TOKEN_ANY_MAX - 1))
        return false;
    if (!secret_token_fits(to))
        (void)api_refuse(call, 422, "no token",
                         "a token of a device has %d to %d letters, digits, - and _; without the member "
                         "`token` the server makes one",
                         SECRET_TOKEN_MAX - 1, SECRET_TOKEN_ANY_MAX - 1);
    return secret_token_fits(to);
}

int api_device_create(struct api_call *call, struct fleet *fleet)
{
    char token[SECRET_TOKEN_ANY_MAX];
    struct device device = {.organization = call->caller.organization};
    static const char *const members[] = {"template",          "name",  "tags", "timezone",
                                          "location_timezone", "token", NULL};
    json_t *body = api_body(call, members);
    bool ok = body != NULL && take_token(call, body, token) &&
              api_text(call, body, "template", device.template, sizeof device.template, RECORD_TEXT - 1) &&
              take_fields(call, fleet, body, &device);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    if (device.template[0] == '\0')
        return api_refuse(call, 400, "malformed request",
                          "template is missing: the id of the product's template");
    int result = device_add(fleet, &device, token);
    if (result == STORE_CONFLICT)
        return api_refuse(call, 409, "token in use",
                          "another device has this token: delete that one first, or give it a new token");
    if (result != STORE_OK)
        return result;
    call->answer = render_new_device(&device, token);
    return STORE_OK;
}

int api_device_change(struct api_call *call, struct fleet *fleet)
{
    struct device device;
    static const char *const members[] = {"name", "tags", "timezone", "location_timezone", NULL};
    int result = store_device_get(fleet->store, call->id, &device);
    if (result != STORE_OK)
        return result;
    json_t *body = api_body(call, members);
    bool ok = body != NULL && take_fields(call, fleet, body, &device);
    bool renamed = ok && json_object_get(body, "name") != NULL;
    bool moved = ok && (json_object_get(body, "timezone") != NULL ||
                        json_object_get(body, "location_timezone") != NULL);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    call->answer = render_device(&device);
    result = store_device_describe(fleet->store, &device);
    if (result == STORE_OK && moved)
        result = planner_run(fleet, device.id, PLANNER_CHANGE); /* it is another time there */
    return result == STORE_OK && renamed ? values_renamed(fleet, device.id, device.name) : result;
}

/* --- One device --- */

static json_t *render_event(const struct event *event, const char *shipment_name)
{
    bool why = event->reason != TDM_REASON_NONE;
    return json_pack("{s:o, s:s, s:s, s:o, s:s?, s:o, s:o}", "time", render_time(event->time), "event",
                     event->kind, "text", event->text, "shipment", render_cursor('s', event->shipment),
                     "shipment_name", shipment_name, "code",
                     event->code[0] != '\0' ? json_string(event->code) : json_null(), "reason",
                     why ? json_string(tdm_reason_slug(event->reason)) : json_null());
}

/* A timeline outlives the shipments that it tells of: those that are gone have no name. */
static int render_timeline(struct fleet *fleet, const struct event *events, size_t count, json_t *to)
{
    struct shipment shipment = {0};
    bool there = false;
    for (size_t i = 0; i < count; i++) {
        if (events[i].shipment != 0 && events[i].shipment != shipment.id) {
            int result = store_shipment_get(fleet->store, events[i].shipment, &shipment);
            if (result != STORE_OK && result != STORE_NOT_FOUND)
                return result;
            there = result == STORE_OK;
            shipment.id = events[i].shipment;
        }
        const char *name = there && events[i].shipment != 0 ? shipment.name : NULL;
        json_array_append_new(to, render_event(&events[i], name));
    }
    return STORE_OK;
}

int api_device_show(struct api_call *call, struct fleet *fleet)
{
    struct device device;
    struct event *events;
    size_t count;
    int result = store_device_get(fleet->store, call->id, &device);
    if (result == STORE_OK)
        result = store_events(fleet->store, call->id, &events, &count);
    if (result != STORE_OK)
        return result;
    json_t *timeline = json_array();
    result = render_timeline(fleet, events, count, timeline);
    free(events);
    call->answer = render_device(&device);
    json_object_set_new(call->answer, "timeline", timeline);
    return result;
}

int api_device_delete(struct api_call *call, struct fleet *fleet)
{
    return device_delete(fleet, call->id);
}
