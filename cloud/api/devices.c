#include "cloud/api/api.h"

#include <stdlib.h>

#include "cloud/fleet/device.h"
#include "cloud/text.h"

int api_device_create(struct api_call *call, struct fleet *fleet)
{
    char template[RECORD_TEXT];
    char name[RECORD_NAME];
    char token[SECRET_TOKEN_MAX];
    struct device device;
    static const char *const members[] = {"template", "name", NULL};
    json_t *body = api_body(call, members);
    bool ok = body != NULL && api_text(call, body, "template", template, sizeof template, RECORD_TEXT - 1) &&
              api_text(call, body, "name", name, sizeof name, RECORD_NAME_LETTERS);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    if (template[0] == '\0')
        return api_refuse(call, 400, "malformed request",
                          "template is missing: the id of the product's template");
    int result = device_add(fleet, template, name, &device, token);
    if (result != STORE_OK)
        return result;
    char id[TEXT_ID_MAX];
    call->answer = json_pack("{s:s, s:s, s:s, s:s}", "id", text_id('d', device.id, id), "template",
                             device.template, "name", device.name, "token", token);
    return STORE_OK;
}

int api_device_list(struct api_call *call, struct fleet *fleet)
{
    struct device *devices;
    size_t count;
    char template[RECORD_TEXT];
    if (!api_parameter_text(call, "template", template, sizeof template))
        return STORE_CONFLICT;
    int result = store_devices(fleet->store, template[0] != '\0' ? template : NULL, &devices, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_device(fleet, &devices[i]));
    free(devices);
    call->answer = json_pack("{s:o}", "devices", list);
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
    for (size_t i = 0; i < count; i++)
        json_array_append_new(timeline, json_pack("{s:o, s:s, s:s}", "time", render_time(events[i].time),
                                                  "event", events[i].kind, "text", events[i].text));
    free(events);
    call->answer = render_device(fleet, &device);
    json_object_set_new(call->answer, "timeline", timeline);
    return STORE_OK;
}

int api_device_delete(struct api_call *call, struct fleet *fleet)
{
    return device_delete(fleet, call->id);
}
