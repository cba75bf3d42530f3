/* What people do with one connected device: its values, and a word to it. */
#include "cloud/fleet/devices/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/api.h"
#include "cloud/text.h"

#define URI_MAX 256

/* Text as it is. Bytes with NULs in them (values of several parts) as a list, if each part is text; all other
 * bytes as null. */
static json_t *render_data(const struct value *value)
{
    const char *from = (const char *)value->data;
    const char *end = from + value->bytes;
    if (memchr(from, '\0', value->bytes) == NULL) {
        json_t *text = json_stringn(from, value->bytes);
        return text != NULL ? text : json_null();
    }
    json_t *parts = json_array();
    while (from <= end) {
        const char *nul = from < end ? memchr(from, '\0', (size_t)(end - from)) : NULL;
        json_t *part = json_stringn(from, (size_t)((nul != NULL ? nul : end) - from));
        json_array_append_new(parts, part != NULL ? part : json_null());
        from = (nul != NULL ? nul : end) + 1;
    }
    return parts;
}

int api_values_show(struct api_call *call, struct fleet *fleet)
{
    static const char *const kinds[] = {"datastreams", "metadata", "properties"};
    struct device device;
    struct value *values;
    size_t count;
    int result = store_device_get(fleet->store, call->id, &device);
    if (result == STORE_OK)
        result = store_values(fleet->store, call->id, &values, &count);
    if (result != STORE_OK)
        return result;
    call->answer = json_pack("{s:{}, s:{}, s:{}}", kinds[0], kinds[1], kinds[2]);
    for (size_t i = 0; i < count; i++)
        json_object_set_new(
            json_object_get(call->answer, kinds[values[i].kind]), values[i].name,
            json_pack("{s:o, s:o}", "value", render_data(&values[i]), "time", render_time(values[i].time)));
    free(values);
    return STORE_OK;
}

/* Every member of one object of the body. */
static int set_all(struct api_call *call, struct fleet *fleet, enum value_kind kind, const json_t *body,
                   const char *member)
{
    const char *name;
    json_t *value;
    json_t *object = json_object_get(body, member);
    if (object != NULL && !json_is_null(object) && !json_is_object(object))
        return api_refuse(call, 400, "malformed request", "%s must be an object of names and texts", member);
    json_object_foreach(object, name, value)
    {
        const char *text = json_string_value(value);
        if (text == NULL)
            return api_refuse(call, 400, "malformed request", "the value of %s must be a text", name);
        int result = values_set(fleet, call->id, kind, name, text, json_string_length(value));
        if (result == STORE_CONFLICT)
            return api_refuse(
                call, 422, "value refused",
                "%s: a name has 1 to %d bytes without control characters, `/`, `+` and `#`, a value at "
                "most %d bytes, and a device has at most %d of them",
                name, VALUES_NAME_MAX, VALUE_MAX, VALUES_MAX);
        if (result != STORE_OK)
            return result;
    }
    return STORE_OK;
}

int api_values_set(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"datastreams", "metadata", NULL};
    struct device device;
    int result = store_device_get(fleet->store, call->id, &device);
    if (result != STORE_OK)
        return result;
    json_t *body = api_body(call, members);
    if (body == NULL)
        return STORE_CONFLICT;
    result = set_all(call, fleet, VALUE_DATASTREAM, body, "datastreams");
    if (result == STORE_OK)
        result = set_all(call, fleet, VALUE_METADATA, body, "metadata");
    json_decref(body);
    return result;
}

/* --- A word to the device --- */

static int tell(struct api_call *call, struct fleet *fleet, const char *topic, uint8_t qos, const char *text,
                const char *note)
{
    struct device device;
    int result = store_device_get(fleet->store, call->id, &device);
    if (result == STORE_OK)
        result = fleet_publish(fleet, call->id, topic, qos, text, strlen(text));
    else
        return result;
    if (result == STORE_NOT_FOUND)
        return api_refuse(call, 409, "not connected",
                          "the device is not connected; it can be told when it is");
    return result == STORE_OK ? fleet_note(fleet, call->id, "log", "%s%s", note, text) : result;
}

int api_device_ping(struct api_call *call, struct fleet *fleet)
{
    return tell(call, fleet, "downlink/ping", 1, "", "pinged");
}

int api_device_reboot(struct api_call *call, struct fleet *fleet)
{
    return tell(call, fleet, "downlink/reboot", 1, "", "told to reboot");
}

/* SCHEME://HOST:PORT and nothing else: clients in the field take no other form. */
static bool is_broker(const char *url)
{
    const char *host = strncmp(url, "mqtts://", 8) == 0 ? url + 8 : url + 7;
    const char *port = strrchr(host, ':');
    if ((host == url + 7 && strncmp(url, "mqtt://", 7) != 0) || port == NULL || port == host ||
        strcspn(host, "/?#@ ") != strlen(host))
        return false;
    size_t digits = strspn(port + 1, "0123456789");
    long number = strtol(port + 1, NULL, 10);
    return digits > 0 && digits <= 5 && port[1 + digits] == '\0' && number > 0 && number <= 65535;
}

int api_device_redirect(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"url", NULL};
    char url[URI_MAX];
    json_t *body = api_body(call, members);
    bool ok = body != NULL && api_text(call, body, "url", url, sizeof url, URI_MAX - 1);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    if (!is_broker(url))
        return api_refuse(call, 400, "malformed request",
                          "url must be mqtts://HOST:PORT or mqtt://HOST:PORT");
    return tell(call, fleet, "downlink/redirect", 0, url, "told to connect to ");
}
