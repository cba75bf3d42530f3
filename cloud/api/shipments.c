/* Shipments: created, listed, shown with their targets, paused, advanced, reverted, deleted. */
#include "cloud/api/api.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/api/order.h"
#include "cloud/fleet/rules/words.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/text.h"

#define ROWS_STEP  1000 /* read at once where few may be wanted */
#define ROWS_STEPS 20

/* --- Answers --- */

static int render_one(struct fleet *fleet, const struct shipment *shipment, json_t **json)
{
    struct firmware firmware;
    struct progress progress = {0};
    struct wave *waves;
    size_t count;
    int result = store_firmware_get(fleet->store, shipment->firmware, &firmware);
    if (result == STORE_OK)
        result = store_shipment_progress(fleet->store, shipment->id, &progress);
    if (result == STORE_OK)
        result = store_waves(fleet->store, shipment->id, &waves, &count);
    if (result != STORE_OK)
        return result;
    json_t *rendered = NULL;
    result = api_render_firmware(fleet, &firmware, &rendered);
    if (result == STORE_OK)
        *json = render_shipment(shipment, rendered, &progress, waves, count);
    free(waves);
    return result;
}

static int append_target(struct fleet *fleet, const struct target *target, enum shipment_state state,
                         json_t *list)
{
    struct device device;
    struct verdict verdict = {0};
    int result = store_device_get(fleet->store, target->device, &device);
    if (result == STORE_OK && !target->ended)
        result = planner_explain(fleet, target, &verdict);
    if (result == STORE_OK)
        json_array_append_new(list, render_target(target, state, &device, verdict.text));
    return result;
}

/* One read of rows behind *after into list, those with this status (-1: any) up to limit of them. *after gets
 * the last one looked at, 0 at the end. */
static int read_rows(struct fleet *fleet, const struct shipment *shipment, int status, size_t limit,
                     json_t *list, int64_t *after)
{
    struct target *targets;
    size_t count;
    size_t at_once = status < 0 ? limit : ROWS_STEP;
    int result = store_targets_page(fleet->store, shipment->id, *after, at_once, &targets, &count);
    for (size_t i = 0; i < count && result == STORE_OK && json_array_size(list) < limit; i++) {
        *after = targets[i].device;
        if (status < 0 || targets[i].status == (enum target_status)status)
            result = append_target(fleet, &targets[i], shipment->state, list);
    }
    if (count < at_once && (count == 0 || *after == targets[count - 1].device))
        *after = 0;
    free(targets);
    return result;
}

/* A page of the shipment's rows into object, with the cursor behind it. Looks at so many rows at most:
 * nobody's question keeps the others waiting. */
static int render_rows(struct fleet *fleet, const struct shipment *shipment, int status, int64_t after,
                       size_t limit, json_t *object, const char *next)
{
    json_t *list = json_array();
    int result = STORE_OK;
    for (int reads = 0; reads < ROWS_STEPS && result == STORE_OK; reads++) {
        result = read_rows(fleet, shipment, status, limit, list, &after);
        if (after == 0 || json_array_size(list) == limit)
            break;
    }
    json_object_set_new(object, "devices", list);
    json_object_set_new(object, next, render_cursor('d', after));
    return result;
}

static int answer_whole(struct api_call *call, struct fleet *fleet, const struct shipment *shipment)
{
    int result = render_one(fleet, shipment, &call->answer);
    return result == STORE_OK ? render_rows(fleet, shipment, -1, 0, API_PAGE, call->answer, "devices_next")
                              : result;
}

/* --- Creation --- */

int api_shipment_create(struct api_call *call, struct fleet *fleet)
{
    struct order_request request;
    int result = order_read(call, fleet, &request);
    if (result == STORE_OK) {
        result = shipment_create(fleet, &request.order);
        if (result == STORE_CONFLICT)
            (void)api_refuse(call, 409, "name in use",
                             "there is a shipment named \"%s\" already; choose another name",
                             request.order.shipment.name);
    }
    order_clear(&request);
    return result == STORE_OK ? answer_whole(call, fleet, &request.order.shipment) : result;
}

/* --- Lists --- */

static bool take_state(struct api_call *call, int *state)
{
    const char *text = api_parameter(call, "state");
    *state = -1;
    for (int i = SHIPMENT_LIVE; text != NULL && i <= SHIPMENT_CANCELLED && *state < 0; i++) {
        if (strcmp(text, shipment_state_slug((enum shipment_state)i)) == 0)
            *state = i;
    }
    if (text == NULL || *state >= 0)
        return true;
    (void)api_refuse(call, 400, "malformed request", "state must be live, paused, finished or cancelled");
    return false;
}

int api_shipment_list(struct api_call *call, struct fleet *fleet)
{
    struct shipment *shipments;
    size_t count;
    size_t limit;
    int64_t before;
    int state;
    if (!api_limit(call, &limit) || !api_cursor(call, 's', &before) || !take_state(call, &state))
        return STORE_CONFLICT;
    int result = store_shipments_page(fleet->store, call->caller.organization, state, before, limit,
                                      &shipments, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        json_t *one = NULL;
        result = render_one(fleet, &shipments[i], &one);
        if (one != NULL)
            json_array_append_new(list, one);
    }
    call->answer = json_pack("{s:o, s:o}", "shipments", list, "next",
                             render_cursor('s', count == limit ? shipments[count - 1].id : 0));
    free(shipments);
    return result;
}

int api_shipment_show(struct api_call *call, struct fleet *fleet)
{
    struct shipment shipment;
    int result = store_shipment_get(fleet->store, call->id, &shipment);
    return result == STORE_OK ? answer_whole(call, fleet, &shipment) : result;
}

static bool take_status(struct api_call *call, int *status)
{
    const char *text = api_parameter(call, "status");
    *status = -1;
    for (int i = TARGET_WAITING; text != NULL && i <= TARGET_DECLINED && *status < 0; i++) {
        if (strcmp(text, status_slug((enum target_status)i)) == 0)
            *status = i;
    }
    if (text == NULL || *status >= 0)
        return true;
    (void)api_refuse(call, 400, "malformed request", "there is no status %.40s; docs/API.md lists them",
                     text);
    return false;
}

int api_shipment_devices(struct api_call *call, struct fleet *fleet)
{
    struct shipment shipment;
    size_t limit;
    int64_t after;
    int status;
    int result = store_shipment_get(fleet->store, call->id, &shipment);
    if (result != STORE_OK)
        return result;
    if (!api_limit(call, &limit) || !api_cursor(call, 'd', &after) || !take_status(call, &status))
        return STORE_CONFLICT;
    call->answer = json_object();
    return render_rows(fleet, &shipment, status, after, limit, call->answer, "next");
}

/* --- Actions --- */

static int act(struct api_call *call, struct fleet *fleet, enum shipment_action action, const char *verb)
{
    struct shipment shipment;
    int result = shipment_act(fleet, call->id, action, &shipment);
    if (result == STORE_CONFLICT && action == SHIPMENT_ADVANCE)
        return api_refuse(
            call, 409, "not in this state",
            "there is no next wave to open: the shipment must be live, and not at its last one");
    if (result == STORE_CONFLICT)
        return api_refuse(call, 409, "not in this state", "a %s shipment cannot be %s",
                          shipment_state_slug(shipment.state), verb);
    return result == STORE_OK ? answer_whole(call, fleet, &shipment) : result;
}

int api_shipment_pause(struct api_call *call, struct fleet *fleet)
{
    return act(call, fleet, SHIPMENT_PAUSE, "paused");
}

int api_shipment_resume(struct api_call *call, struct fleet *fleet)
{
    return act(call, fleet, SHIPMENT_RESUME, "resumed");
}

int api_shipment_cancel(struct api_call *call, struct fleet *fleet)
{
    return act(call, fleet, SHIPMENT_CANCEL, "cancelled");
}

int api_shipment_advance(struct api_call *call, struct fleet *fleet)
{
    return act(call, fleet, SHIPMENT_ADVANCE, "advanced");
}

/* --- Back --- */

/* The firmware that the body names, or that of the shipment before. */
static int previous(struct api_call *call, struct fleet *fleet, const struct shipment *shipment,
                    struct firmware *firmware)
{
    static const char *const members[] = {"firmware", NULL};
    char text[TEXT_ID_MAX] = "";
    if (call->body_bytes > 0) {
        json_t *body = api_body(call, members);
        bool ok = body != NULL && api_text(call, body, "firmware", text, sizeof text, TEXT_ID_MAX - 1);
        json_decref(body);
        if (!ok)
            return STORE_CONFLICT;
    }
    int result = text[0] != '\0' ? store_firmware_get(fleet->store, text_id_parse('f', text), firmware)
                                 : shipment_previous(fleet, shipment, firmware);
    if (result == STORE_OK && firmware->organization != shipment->organization)
        result = STORE_NOT_FOUND;
    if (result == STORE_NOT_FOUND)
        return api_refuse(call, 422, "no previous firmware",
                          text[0] != '\0' ? "there is no firmware %s; upload it first"
                                          : "no shipment before this one has updated devices with another "
                                            "firmware of its type; name one with {\"firmware\": \"f1\"}%s",
                          text);
    return result;
}

int api_shipment_revert(struct api_call *call, struct fleet *fleet)
{
    struct shipment shipment;
    struct shipment_order order;
    struct firmware firmware;
    int result = store_shipment_get(fleet->store, call->id, &shipment);
    if (result == STORE_OK)
        result = previous(call, fleet, &shipment, &firmware);
    if (result == STORE_OK)
        result = shipment_revert(fleet, &shipment, firmware.id, &order);
    return result == STORE_OK ? answer_whole(call, fleet, &order.shipment) : result;
}

int api_shipment_delete(struct api_call *call, struct fleet *fleet)
{
    struct shipment shipment;
    int result = store_shipment_get(fleet->store, call->id, &shipment);
    if (result == STORE_OK && (shipment.state == SHIPMENT_LIVE || shipment.state == SHIPMENT_PAUSED))
        return api_refuse(call, 409, "not in this state", "a %s shipment cannot be deleted; cancel it first",
                          shipment_state_slug(shipment.state));
    bool more = false;
    if (result == STORE_OK)
        result = store_shipment_delete(fleet->store, call->id, api_place(call), &more);
    return result == STORE_OK && more ? DESK_MORE : result;
}
