/* Questions about one device: why is it not updated, and may it be. */
#include "cloud/api/api.h"

#include <stdio.h>
#include <stdlib.h>

#include "cloud/fleet/devices/device.h"
#include "cloud/fleet/rules/status.h"
#include "cloud/fleet/rules/words.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/text.h"

static bool is_open(const struct shipment *shipment)
{
    return shipment->state == SHIPMENT_LIVE || shipment->state == SHIPMENT_PAUSED;
}

/* What one shipment says of the device. */
static int explain(struct fleet *fleet, const struct shipment *shipment, int64_t device, json_t *list)
{
    struct target target;
    char id[TEXT_ID_MAX];
    struct verdict verdict = {.rule = "not-selected"};
    const char *text = "the shipment is for other devices";
    int result = store_target_get(fleet->store, shipment->id, device, &target);
    bool targeted = result == STORE_OK;
    if (targeted)
        result = planner_explain(fleet, &target, &verdict);
    else if (result == STORE_NOT_FOUND)
        result = STORE_OK;
    if (result != STORE_OK)
        return result;
    if (targeted)
        text = verdict.kind == VERDICT_OFFER ? "nothing stands in the way: its offer is about to go out"
                                             : verdict.text;
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:b}", "id", text_id('s', shipment->id, id), "name",
                        shipment->name, "state", shipment_state_slug(shipment->state), "status",
                        targeted ? json_string(status_slug(target.status)) : json_null(), "rule",
                        verdict.rule != NULL ? json_string(verdict.rule) : json_null(), "text", text, "later",
                        verdict.later));
    return STORE_OK;
}

/* The newest shipment that includes the device says what matters most. */
static const char *headline(const json_t *list)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        if (!json_is_null(json_object_get(entry, "status")))
            return json_string_value(json_object_get(entry, "text"));
    }
    return json_array_size(list) > 0 ? "every live shipment of its template is for other devices"
                                     : "there is no live shipment for its template";
}

/* The newest shipment that included the device is over. If it failed there, that is the answer. */
static int recall(struct fleet *fleet, const struct shipment *shipments, size_t count, int64_t device,
                  char *text, size_t capacity)
{
    struct target target;
    struct verdict verdict;
    int result = STORE_NOT_FOUND;
    size_t i = 0;
    while (i < count &&
           (result = store_target_get(fleet->store, shipments[i].id, device, &target)) == STORE_NOT_FOUND)
        i++;
    if (result != STORE_OK || !target.ended || !status_is_failure(target.status))
        return result == STORE_NOT_FOUND ? STORE_OK : result;
    result = planner_explain(fleet, &target, &verdict);
    if (result == STORE_OK)
        snprintf(text, capacity, "%s (%s, which is over; there is no live shipment for its template)",
                 verdict.text, shipments[i].name);
    return result;
}

int api_device_why(struct api_call *call, struct fleet *fleet)
{
    struct device device;
    struct shipment *shipments;
    size_t count;
    char id[TEXT_ID_MAX];
    char past[sizeof((struct verdict *)NULL)->text + RECORD_NAME + 64] = "";
    int result = store_device_get(fleet->store, call->id, &device);
    if (result == STORE_OK)
        result = store_shipments_of_template(fleet->store, device.organization, device.template, &shipments,
                                             &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        if (is_open(&shipments[i]))
            result = explain(fleet, &shipments[i], device.id, list);
    }
    if (result == STORE_OK && json_array_size(list) == 0)
        result = recall(fleet, shipments, count, device.id, past, sizeof past);
    free(shipments);
    call->answer = json_pack("{s:s, s:s, s:o}", "id", text_id('d', device.id, id), "text",
                             past[0] != '\0' ? past : headline(list), "shipments", list);
    return result;
}

static bool take_shipment(struct api_call *call, int64_t *shipment)
{
    static const char *const members[] = {"shipment", NULL};
    char text[TEXT_ID_MAX];
    *shipment = 0;
    if (call->body_bytes == 0)
        return true;
    json_t *body = api_body(call, members);
    bool ok = body != NULL && api_text(call, body, "shipment", text, sizeof text, TEXT_ID_MAX - 1);
    json_decref(body);
    if (!ok || text[0] == '\0')
        return ok;
    *shipment = text_id_parse('s', text);
    if (*shipment == 0)
        (void)api_refuse(call, 422, "unknown shipment", "there is no shipment %s", text);
    return *shipment != 0;
}

/* The owner's yes or no. */
static int answer(struct api_call *call, struct fleet *fleet, bool agrees)
{
    int64_t shipment;
    int64_t answered[DEVICE_CONSENTS_MAX];
    size_t count;
    if (!take_shipment(call, &shipment))
        return STORE_CONFLICT;
    int result = device_consent(fleet, call->id, shipment, agrees, answered, &count);
    if (result != STORE_OK)
        return result;
    if (count == 0)
        return api_refuse(call, 409, "nothing to answer",
                          "no live shipment waits for the consent of this device's owner");
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_cursor('s', answered[i]));
    call->answer = json_pack("{s:o}", "shipments", list);
    return STORE_OK;
}

int api_device_consent(struct api_call *call, struct fleet *fleet)
{
    return answer(call, fleet, true);
}

int api_device_decline(struct api_call *call, struct fleet *fleet)
{
    return answer(call, fleet, false);
}
