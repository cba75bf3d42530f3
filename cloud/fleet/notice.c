#include "cloud/fleet/notice.h"

#include <stdatomic.h>
#include <stdio.h>

#include <jansson.h>

#include "cloud/fleet/shipment.h"
#include "cloud/text.h"
#include "tandem/reason.h"

static bool watched(const struct fleet *fleet)
{
    return atomic_load_explicit(&fleet->watched, memory_order_relaxed);
}

/* Takes the JSON. One that does not fit is not sent: whoever watches asks for the record anyway. */
static void give(struct fleet *fleet, int64_t organization, const char *type, json_t *json)
{
    struct effect *effect = fleet_effect(fleet, EFFECT_NOTICE, 0);
    effect->organization = organization;
    snprintf(effect->topic, sizeof effect->topic, "%s", type);
    effect->bytes = json_dumpb(json, effect->text, sizeof effect->text, JSON_COMPACT);
    if (effect->bytes > sizeof effect->text)
        effect->bytes = 0;
    json_decref(json);
}

static json_t *id_of(char letter, int64_t id)
{
    char text[TEXT_ID_MAX];
    return json_string(text_id(letter, id, text));
}

void notice_device(struct fleet *fleet, const struct device *device, const char *change)
{
    if (watched(fleet))
        give(fleet, device->organization, "device",
             json_pack("{s:o, s:s, s:s, s:s}", "id", id_of('d', device->id), "change", change, "name",
                       device->name, "version", device->version));
}

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
    if (!watched(fleet))
        return STORE_OK;
    int result = store_shipment_get(fleet->store, target->shipment, &shipment);
    if (result == STORE_OK)
        result = store_shipment_progress(fleet->store, target->shipment, &progress);
    if (result != STORE_OK)
        return result;
    give(fleet, shipment.organization, "target",
         json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:o}", "shipment", id_of('s', target->shipment),
                   "device", id_of('d', target->device), "status", status_slug(target->status), "reason",
                   tdm_reason_slug(target->reason), "stage",
                   target->stage == TARGET_STAGE_NONE ? json_null()
                                                      : json_string(status_stage_slug(target->stage)),
                   "bytes", target->bytes < 0 ? json_null() : json_integer(target->bytes), "size",
                   target->size < 0 ? json_null() : json_integer(target->size), "ended", target->ended,
                   "progress", render_progress(&progress)));
    return STORE_OK;
}

int notice_shipment(struct fleet *fleet, const struct shipment *shipment)
{
    struct progress progress = {0};
    if (!watched(fleet))
        return STORE_OK;
    int result = store_shipment_progress(fleet->store, shipment->id, &progress);
    if (result == STORE_OK)
        give(fleet, shipment->organization, "shipment",
             json_pack("{s:o, s:s, s:s, s:o}", "id", id_of('s', shipment->id), "name", shipment->name,
                       "state", shipment_state_slug(shipment->state), "progress",
                       render_progress(&progress)));
    return result;
}
