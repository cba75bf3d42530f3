#include "cloud/fleet/base/notice.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cloud/fleet/rules/words.h"
#include "cloud/text.h"
#include "tandem/reason.h"

#define WEBHOOKS_ASKED 100 /* of an organization */

/* Whether anybody may be looking. */
static bool is_watched(const struct fleet *fleet)
{
    return atomic_load_explicit(&fleet->watched, memory_order_relaxed);
}

/* Takes the JSON. One that does not fit is not sent: whoever watches asks for the record anyway. */
static void give(struct fleet *fleet, int64_t organization, const char *type, json_t *json)
{
    char text[FLEET_OFFER_MAX];
    size_t bytes = json_dumpb(json, text, sizeof text, JSON_COMPACT);
    struct effect *effect =
        fleet_effect_text(fleet, EFFECT_NOTICE, 0, text, bytes <= sizeof text ? bytes : 0);
    effect->organization = organization;
    snprintf(effect->topic, sizeof effect->topic, "%s", type);
    json_decref(json);
}

static json_t *id_of(char letter, int64_t id)
{
    char text[TEXT_ID_MAX];
    return json_string(text_id(letter, id, text));
}

void notice_device(struct fleet *fleet, const struct device *device, const char *change)
{
    if (is_watched(fleet))
        give(fleet, device->organization, "device",
             json_pack("{s:o, s:s, s:s, s:s}", "id", id_of('d', device->id), "change", change, "name",
                       device->name, "version", device->version));
}

/* --- Webhooks --- */

/* X(event): what they are told of, beside "test". */
#define EVENTS(X)                                                                                            \
    X("shipment.live")                                                                                       \
    X("shipment.paused")                                                                                     \
    X("shipment.finished")                                                                                   \
    X("shipment.cancelled")                                                                                  \
    X("target.ended")

bool notice_event_exists(const char *event)
{
    static const char *const events[] = {
#define EVENT(event) event,
        EVENTS(EVENT)
#undef EVENT
    };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (strcmp(events[i], event) == 0)
            return true;
    }
    return false;
}

static int add_delivery(struct fleet *fleet, const struct webhook *webhook, const char *event,
                        const json_t *data)
{
    char when[TEXT_TIME_MAX];
    struct delivery delivery = {.webhook = webhook->id, .created = fleet->now, .due = fleet->now};
    json_t *body = json_pack("{s:s, s:s, s:o, s:O}", "event", event, "time", text_time(fleet->now, when),
                             "organization", id_of('o', webhook->organization), "data", data);
    size_t bytes = json_dumpb(body, delivery.payload, sizeof delivery.payload - 1, JSON_COMPACT);
    json_decref(body);
    if (bytes >= sizeof delivery.payload)
        return STORE_OK; /* cannot be: what is told has bounds */
    delivery.payload[bytes] = '\0';
    snprintf(delivery.event, sizeof delivery.event, "%s", event);
    return store_delivery_add(fleet->store, &delivery);
}

static bool wants(const struct webhook *webhook, const char *event)
{
    char word[48];
    snprintf(word, sizeof word, " %s ", event);
    return !webhook->disabled && (webhook->events[0] == '\0' || strstr(webhook->events, word) != NULL);
}

/* One for each webhook that wants it. */
static int tell(struct fleet *fleet, int64_t organization, const char *event, const json_t *data)
{
    struct webhook *webhooks;
    size_t count;
    int result =
        store_webhooks(fleet->store, organization, (struct page){.limit = WEBHOOKS_ASKED}, &webhooks, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        if (wants(&webhooks[i], event))
            result = add_delivery(fleet, &webhooks[i], event, data);
    }
    free(webhooks);
    return result;
}

int notice_test(struct fleet *fleet, const struct webhook *webhook)
{
    json_t *data = json_object();
    int result = add_delivery(fleet, webhook, "test", data);
    json_decref(data);
    return result;
}

/* --- Shipments and their targets --- */

static json_t *render_progress(const struct progress *progress)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "target", (json_int_t)progress->target, "updated",
                     (json_int_t)progress->updated, "failed", (json_int_t)progress->failed, "rest",
                     (json_int_t)(progress->target - progress->updated - progress->failed));
}

int notice_target(struct fleet *fleet, const struct target *target)
{
    struct shipment shipment;
    struct progress progress = {0};
    if (!is_watched(fleet) && !target->ended)
        return STORE_OK;
    int result = store_shipment_get(fleet->store, target->shipment, &shipment);
    if (result == STORE_OK)
        result = store_shipment_progress(fleet->store, target->shipment, &progress);
    if (result != STORE_OK)
        return result;
    json_t *json = json_pack(
        "{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:o}", "shipment", id_of('s', target->shipment), "device",
        id_of('d', target->device), "status", status_slug(target->status), "reason",
        tdm_reason_slug(target->reason), "stage",
        target->stage == TARGET_STAGE_NONE ? json_null() : json_string(status_stage_slug(target->stage)),
        "bytes", target->bytes < 0 ? json_null() : json_integer(target->bytes), "size",
        target->size < 0 ? json_null() : json_integer(target->size), "ended", target->ended, "progress",
        render_progress(&progress));
    if (target->ended)
        result = tell(fleet, shipment.organization, "target.ended", json);
    if (is_watched(fleet))
        give(fleet, shipment.organization, "target", json);
    else
        json_decref(json);
    return result;
}

int notice_shipment(struct fleet *fleet, const struct shipment *shipment, bool changed)
{
    struct progress progress = {0};
    char event[40];
    if (!is_watched(fleet) && !changed)
        return STORE_OK;
    int result = store_shipment_progress(fleet->store, shipment->id, &progress);
    if (result != STORE_OK)
        return result;
    json_t *json =
        json_pack("{s:o, s:s, s:s, s:o}", "id", id_of('s', shipment->id), "name", shipment->name, "state",
                  shipment_state_slug(shipment->state), "progress", render_progress(&progress));
    snprintf(event, sizeof event, "shipment.%s", shipment_state_slug(shipment->state));
    if (changed)
        result = tell(fleet, shipment->organization, event, json);
    if (is_watched(fleet))
        give(fleet, shipment->organization, "shipment", json);
    else
        json_decref(json);
    return result;
}
