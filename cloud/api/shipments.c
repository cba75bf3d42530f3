#include "cloud/api/api.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/planner.h"
#include "cloud/fleet/shipment.h"
#include "cloud/text.h"

/* --- Answers --- */

static int render_one(struct fleet *fleet, const struct shipment *shipment, json_t **json)
{
    struct firmware firmware;
    struct progress progress = {0};
    int result = store_firmware_get(fleet->store, shipment->firmware, &firmware);
    if (result == STORE_OK)
        result = store_shipment_progress(fleet->store, shipment->id, &progress);
    if (result == STORE_OK)
        *json = render_shipment(shipment, &firmware, &progress);
    return result;
}

static int append_target(struct fleet *fleet, const struct target *target, json_t *list)
{
    struct device device;
    struct verdict verdict = {0};
    int result = store_device_get(fleet->store, target->device, &device);
    if (result == STORE_OK && !target->ended)
        result = planner_explain(fleet, target, &verdict);
    if (result == STORE_OK)
        json_array_append_new(list, render_target(fleet, target, &device, verdict.text));
    return result;
}

static int answer_whole(struct api_call *call, struct fleet *fleet, const struct shipment *shipment)
{
    struct target *targets;
    size_t count;
    int result = store_targets_of_shipment(fleet->store, shipment->id, &targets, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = append_target(fleet, &targets[i], list);
    free(targets);
    if (result == STORE_OK)
        result = render_one(fleet, shipment, &call->answer);
    if (result == STORE_OK)
        json_object_set_new(call->answer, "devices", list);
    else
        json_decref(list);
    return result;
}

/* --- Creation --- */

struct request {
    struct shipment shipment;
    int64_t *devices; /* allocated */
    size_t count;
};

static int take_device(struct api_call *call, struct fleet *fleet, const char *text, struct request *request)
{
    struct device device;
    int64_t id = text_id_parse('d', text);
    int result = id == 0 ? STORE_NOT_FOUND : store_device_get(fleet->store, id, &device);
    if (result == STORE_NOT_FOUND)
        return api_refuse(call, 422, "unknown device", "there is no device %.32s", text);
    if (result != STORE_OK)
        return result;
    if (strcmp(device.template, request->shipment.template) != 0)
        return api_refuse(call, 422, "wrong template",
                          "device %s belongs to template %s, the shipment is for %s", text, device.template,
                          request->shipment.template);
    for (size_t i = 0; i < request->count; i++) {
        if (request->devices[i] == id)
            return STORE_OK; /* named twice */
    }
    request->devices[request->count++] = id;
    return STORE_OK;
}

static int take_devices(struct api_call *call, struct fleet *fleet, const json_t *list,
                        struct request *request)
{
    request->shipment.all_devices = list == NULL || json_is_null(list);
    if (request->shipment.all_devices)
        return STORE_OK;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return api_refuse(
            call, 400, "malformed request",
            "devices must be a list of device ids; leave it out to ship to all of the template");
    request->devices = calloc(json_array_size(list), sizeof *request->devices);
    if (request->devices == NULL)
        return STORE_FAILED;
    int result = STORE_OK;
    for (size_t i = 0; i < json_array_size(list) && result == STORE_OK; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        result = text == NULL
                     ? api_refuse(call, 400, "malformed request", "devices must be a list of device ids")
                     : take_device(call, fleet, text, request);
    }
    return result;
}

static int take_template(struct api_call *call, struct fleet *fleet, const char *template)
{
    if (template[0] == '\0')
        return api_refuse(call, 400, "malformed request",
                          "template is missing: which product the shipment is for");
    int result = store_template_exists(fleet->store, template);
    if (result == STORE_NOT_FOUND)
        return api_refuse(call, 422, "unknown template",
                          "there is no template %s; a template exists once a device was added with it",
                          template);
    return result;
}

static int take_firmware(struct api_call *call, struct fleet *fleet, const char *text,
                         struct shipment *shipment)
{
    struct firmware firmware;
    if (text[0] == '\0')
        return api_refuse(call, 400, "malformed request",
                          "firmware is missing: the id of an uploaded firmware");
    shipment->firmware = text_id_parse('f', text);
    int result = store_firmware_get(fleet->store, shipment->firmware, &firmware);
    if (result == STORE_NOT_FOUND)
        return api_refuse(call, 422, "unknown firmware", "there is no firmware %s; upload it first", text);
    return result;
}

static int take_request(struct api_call *call, struct fleet *fleet, const json_t *body,
                        struct request *request)
{
    struct shipment *shipment = &request->shipment;
    char firmware[TEXT_ID_MAX];
    if (!api_text(call, body, "template", shipment->template, sizeof shipment->template, RECORD_TEXT - 1) ||
        !api_text(call, body, "name", shipment->name, sizeof shipment->name, RECORD_NAME_LETTERS) ||
        !api_text(call, body, "firmware", firmware, sizeof firmware, TEXT_ID_MAX - 1))
        return STORE_CONFLICT;
    int result = take_template(call, fleet, shipment->template);
    if (result == STORE_OK)
        result = take_firmware(call, fleet, firmware, shipment);
    return result == STORE_OK ? take_devices(call, fleet, json_object_get(body, "devices"), request) : result;
}

int api_shipment_create(struct api_call *call, struct fleet *fleet)
{
    struct request request = {0};
    static const char *const members[] = {"template", "firmware", "name", "devices", NULL};
    json_t *body = api_body(call, members);
    if (body == NULL)
        return STORE_CONFLICT;
    int result = take_request(call, fleet, body, &request);
    json_decref(body);
    if (result == STORE_OK) {
        result = shipment_create(fleet, &request.shipment, request.devices, request.count);
        if (result == STORE_CONFLICT)
            (void)api_refuse(call, 409, "name in use",
                             "there is a shipment named \"%s\" already; choose another name",
                             request.shipment.name);
    }
    free(request.devices);
    return result == STORE_OK ? answer_whole(call, fleet, &request.shipment) : result;
}

/* --- The rest --- */

int api_shipment_list(struct api_call *call, struct fleet *fleet)
{
    struct shipment *shipments;
    size_t count;
    int result = store_shipments(fleet->store, &shipments, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        json_t *one = NULL;
        result = render_one(fleet, &shipments[i], &one);
        if (one != NULL)
            json_array_append_new(list, one);
    }
    free(shipments);
    call->answer = json_pack("{s:o}", "shipments", list);
    return result;
}

int api_shipment_show(struct api_call *call, struct fleet *fleet)
{
    struct shipment shipment;
    int result = store_shipment_get(fleet->store, call->id, &shipment);
    return result == STORE_OK ? answer_whole(call, fleet, &shipment) : result;
}

static int act(struct api_call *call, struct fleet *fleet, enum shipment_action action, const char *verb)
{
    struct shipment shipment;
    int result = shipment_act(fleet, call->id, action, &shipment);
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
