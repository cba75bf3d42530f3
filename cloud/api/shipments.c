/* Shipments: created, listed, shown with their targets, paused, advanced, reverted, deleted. */
#include "cloud/api/api.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/api/order.h"
#include "cloud/fleet/rules/words.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/text.h"

#define ROWS_LOOK_AT 20000 /* in a request for those in a status, */
#define ROWS_TURN    1000  /* so many in each turn */
#define ROWS_SHOWN   100   /* with all that is said of a row, in a turn */

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

/* Rows of a shipment, turn by turn. */
struct rows {
    struct api_steps steps; /* first: the call frees it */
    int status;             /* those in it, -1: all */
    int64_t after;          /* the last one that was looked at */
    size_t limit;
    size_t looked_at;
    bool end; /* no other stands behind it */
    json_t *list;
};

static void free_rows(struct api_steps *base)
{
    struct rows *rows = (struct rows *)base;
    json_decref(rows->list);
    free(rows);
}

static bool is_full(const struct rows *rows)
{
    return json_array_size(rows->list) == rows->limit || rows->looked_at >= ROWS_LOOK_AT;
}

/* Looks at some rows, and shows some of them. */
static int look_at_rows(struct fleet *fleet, const struct shipment *shipment, struct rows *rows)
{
    struct target *targets;
    size_t count, i = 0, shown = 0;
    size_t left = rows->limit - json_array_size(rows->list);
    size_t at_once = rows->status >= 0 ? ROWS_TURN : left < ROWS_SHOWN ? left : ROWS_SHOWN;
    int result = store_targets_page(fleet->store, shipment->id, rows->after, at_once, &targets, &count);
    for (; i < count && result == STORE_OK && shown < ROWS_SHOWN && !is_full(rows); i++) {
        if (rows->status < 0 || targets[i].status == (enum target_status)rows->status) {
            result = append_target(fleet, &targets[i], shipment->state, rows->list);
            shown++;
        }
        if (result == STORE_OK) {
            rows->after = targets[i].device;
            rows->looked_at++;
        }
    }
    rows->end = result == STORE_OK && count < at_once && i == count;
    free(targets);
    return result;
}

static void show_rows(const struct rows *rows, json_t *object, const char *next)
{
    json_object_set(object, "devices", rows->list);
    json_object_set_new(object, next, render_cursor('d', rows->end ? 0 : rows->after));
}

static int answer_whole(struct api_call *call, struct fleet *fleet, const struct shipment *shipment)
{
    struct rows rows = {.status = -1, .limit = API_PAGE, .list = json_array()};
    int result = render_one(fleet, shipment, &call->answer);
    if (result == STORE_OK)
        result = look_at_rows(fleet, shipment, &rows);
    if (result == STORE_OK)
        show_rows(&rows, call->answer, "devices_next");
    json_decref(rows.list);
    return result;
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

static int begin_rows(struct api_call *call)
{
    struct rows asked = {.steps.free = free_rows};
    if (!api_limit(call, &asked.limit) || !api_cursor(call, 'd', &asked.after) ||
        !take_status(call, &asked.status))
        return STORE_CONFLICT;
    struct rows *rows = malloc(sizeof *rows);
    if (rows == NULL)
        abort();
    *rows = asked;
    rows->list = json_array();
    call->steps = &rows->steps;
    return STORE_OK;
}

int api_shipment_devices(struct api_call *call, struct fleet *fleet)
{
    struct shipment shipment;
    int result = store_shipment_get(fleet->store, call->id, &shipment);
    if (result == STORE_OK && call->steps == NULL)
        result = begin_rows(call);
    if (result != STORE_OK)
        return result;
    struct rows *rows = (struct rows *)call->steps;
    if (!rows->end && !is_full(rows))
        result = look_at_rows(fleet, &shipment, rows);
    if (result != STORE_OK || (!rows->end && !is_full(rows)))
        return result == STORE_OK ? DESK_MORE : result;
    call->answer = json_object();
    show_rows(rows, call->answer, "next");
    return STORE_OK;
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
                                            "firmware of its type; name the firmware to go back to%s",
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
