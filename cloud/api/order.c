#include "cloud/api/order.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/durations.h"
#include "cloud/fleet/rules/filter.h"
#include "cloud/text.h"

/* --- Which firmware, for whom --- */

static int take_template(struct api_call *call, struct fleet *fleet, const char *template)
{
    if (template[0] == '\0')
        return api_refuse(call, 400, "malformed request",
                          "template is missing: which product the shipment is for");
    int result = store_template_exists(fleet->store, call->caller.organization, template);
    if (result == STORE_NOT_FOUND)
        return api_refuse(call, 422, "unknown template",
                          "there is no template %s; a template exists once a device was added with it",
                          template);
    return result;
}

static int take_firmware(struct api_call *call, struct fleet *fleet, const char *text,
                         struct order_request *request)
{
    struct shipment *shipment = &request->order.shipment;
    if (text[0] == '\0')
        return api_refuse(call, 400, "malformed request",
                          "firmware is missing: the id of an uploaded firmware");
    shipment->firmware = text_id_parse('f', text);
    int result = store_firmware_get(fleet->store, shipment->firmware, &request->firmware);
    if (result == STORE_OK && request->firmware.organization != call->caller.organization)
        result = STORE_NOT_FOUND;
    if (result == STORE_NOT_FOUND)
        return api_refuse(call, 422, "unknown firmware", "there is no firmware %s; upload it first", text);
    return result;
}

static int refuse_device(struct api_call *call, const char *text)
{
    return api_refuse(call, 422, "unknown device", "there is no device %.32s", text);
}

static int check_device(struct api_call *call, struct fleet *fleet, int64_t id,
                        const struct shipment *shipment)
{
    struct device device;
    char text[TEXT_ID_MAX];
    int result = store_device_get(fleet->store, id, &device);
    if (result == STORE_OK && device.organization != call->caller.organization)
        result = STORE_NOT_FOUND;
    if (result == STORE_NOT_FOUND)
        return refuse_device(call, text_id('d', id, text));
    if (result == STORE_OK && strcmp(device.template, shipment->template) != 0)
        return api_refuse(call, 422, "wrong template",
                          "device %s belongs to template %s, the shipment is for %s", text_id('d', id, text),
                          device.template, shipment->template);
    return result;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* In order, each once. */
static size_t sort_devices(int64_t *devices, size_t count)
{
    size_t kept = 0;
    qsort(devices, count, sizeof *devices, by_id);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || devices[kept - 1] != devices[i])
            devices[kept++] = devices[i];
    }
    return kept;
}

static int take_devices(struct api_call *call, struct fleet *fleet, const json_t *list,
                        struct order_request *request)
{
    int result = STORE_OK;
    if (list == NULL || json_is_null(list))
        return STORE_OK;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return api_refuse(call, 400, "malformed request",
                          "devices must be a list of device ids; leave it out for all of the template");
    if (request->order.shipment.filter[0] != '\0')
        return api_refuse(call, 400, "malformed request", "give devices or a filter, not both");
    size_t count = json_array_size(list);
    request->devices = calloc(count, sizeof *request->devices);
    if (request->devices == NULL)
        return STORE_FAILED;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL)
            return api_refuse(call, 400, "malformed request", "devices must be a list of device ids");
        request->devices[i] = text_id_parse('d', text);
        if (request->devices[i] == 0)
            return refuse_device(call, text);
    }
    /* Each is looked up once, however often it is named. */
    request->order.devices = request->devices;
    request->order.device_count = sort_devices(request->devices, count);
    for (size_t i = 0; i < request->order.device_count && result == STORE_OK; i++)
        result = check_device(call, fleet, request->devices[i], &request->order.shipment);
    return result;
}

int order_filter(struct api_call *call, struct fleet *fleet, const char *text, char to[RECORD_FILTER])
{
    struct saved_filter saved;
    struct filter filter;
    char why[FILTER_WHY];
    to[0] = '\0';
    int result = store_filter_find(fleet->store, call->caller.organization, text, &saved);
    if (result == STORE_OK) {
        memcpy(to, saved.text, RECORD_FILTER);
        return STORE_OK;
    }
    if (result != STORE_NOT_FOUND)
        return result;
    if (!filter_parse(&filter, text, why, sizeof why))
        return api_refuse(call, 422, "no such filter",
                          "\"%.100s\" is neither the name of a saved filter nor an expression: %s", text,
                          why);
    memcpy(to, text, strlen(text) + 1);
    return STORE_OK;
}

static int take_filter(struct api_call *call, struct fleet *fleet, const json_t *object,
                       char to[RECORD_FILTER])
{
    char text[RECORD_FILTER];
    if (!api_text(call, object, "filter", text, sizeof text, RECORD_FILTER - 1))
        return STORE_CONFLICT;
    return text[0] == '\0' ? STORE_OK : order_filter(call, fleet, text, to);
}

/* --- Waves and gates --- */

static bool take_gate(struct api_call *call, const json_t *object, struct wave *wave)
{
    static const char *const members[] = {"success_percent", "failure_percent", "minimum", "soak_minutes",
                                          NULL};
    const json_t *gate = json_object_get(object, "gate");
    int64_t soak = wave->soak_ms / MINUTE_MS;
    if (gate == NULL || json_is_null(gate))
        return true;
    bool ok = api_members(call, gate, "gate", members) &&
              api_integer(call, gate, "success_percent", 1, 100, &wave->success_percent) &&
              api_integer(call, gate, "failure_percent", 0, 100, &wave->failure_percent) &&
              api_integer(call, gate, "minimum", 1, 1000000000, &wave->minimum) &&
              api_integer(call, gate, "soak_minutes", 0, 30 * 24 * 60, &soak);
    wave->soak_ms = soak * MINUTE_MS;
    return ok;
}

static bool take_percent(struct api_call *call, const json_t *percent, struct wave *wave)
{
    double number = json_number_value(percent);
    if (json_is_number(percent) && number >= 0.01 && number <= 100) {
        wave->kind = WAVE_PERCENT;
        wave->amount = (int64_t)(number * 100 + 0.5);
        return true;
    }
    (void)api_refuse(call, 400, "malformed request", "percent must be a number from 0.01 to 100");
    return false;
}

static int take_wave(struct api_call *call, struct fleet *fleet, const json_t *object, struct wave *wave)
{
    static const char *const members[] = {"devices", "percent", "filter", "gate", NULL};
    if (!api_members(call, object, "a wave", members) ||
        !api_integer(call, object, "devices", 1, 1000000000, &wave->amount) || !take_gate(call, object, wave))
        return STORE_CONFLICT;
    wave->kind = wave->amount > 0 ? WAVE_COUNT : WAVE_ALL;
    const json_t *percent = json_object_get(object, "percent");
    if (percent != NULL && wave->kind == WAVE_COUNT)
        return api_refuse(call, 400, "malformed request", "a wave has devices or percent, not both");
    if (percent != NULL && !take_percent(call, percent, wave))
        return STORE_CONFLICT;
    int result = take_filter(call, fleet, object, wave->filter);
    if (result == STORE_OK && wave->kind == WAVE_ALL && wave->filter[0] == '\0')
        return api_refuse(call, 400, "malformed request",
                          "a wave needs devices, percent or filter; the rest of the devices is a last one by "
                          "itself");
    return result;
}

/* The waves as given, and a last one for the rest. */
static int take_waves(struct api_call *call, struct fleet *fleet, const json_t *body,
                      struct shipment_order *order)
{
    const json_t *list = json_object_get(body, "waves");
    struct wave plain = order->waves[0];
    size_t count = json_array_size(list);
    int result = STORE_OK;
    if (!take_gate(call, body, &plain))
        return STORE_CONFLICT;
    if (list != NULL && !json_is_null(list) && (!json_is_array(list) || count > WAVES_MAX - 1))
        return api_refuse(call, 400, "malformed request", "waves must be a list of at most %d waves",
                          WAVES_MAX - 1);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        order->waves[i] = plain;
        result = take_wave(call, fleet, json_array_get(list, i), &order->waves[i]);
    }
    order->waves[count] = plain;
    order->wave_count = count + 1;
    return result;
}

/* --- The whole --- */

static bool take_limits(struct api_call *call, const json_t *body, const struct fleet *fleet,
                        struct shipment *shipment)
{
    int64_t hours = shipment->period_ms / HOUR_MS;
    bool ok = api_integer(call, body, "attempts", 1, 100, &shipment->attempts) &&
              api_integer(call, body, "attempts_hours", 1, 24 * 365, &hours) &&
              api_integer(call, body, "per_minute", 0, 10000000, &shipment->per_minute) &&
              api_integer(call, body, "bytes_per_second", 0, (int64_t)1 << 40, &shipment->bytes_per_second) &&
              api_time(call, body, "expires", &shipment->expires);
    if (json_object_get(body, "attempts_hours") != NULL)
        shipment->period_ms = hours * HOUR_MS;
    if (ok && shipment->expires != 0 && shipment->expires <= fleet->now) {
        (void)api_refuse(call, 422, "expired already", "expires is in the past");
        return false;
    }
    return ok;
}

static bool take_rules(struct api_call *call, const json_t *body, struct shipment *shipment)
{
    static const char *const conditions[] = {
#define CONDITION_SLUG(name, slug, text) slug,
        SHIPMENT_CONDITIONS(CONDITION_SLUG)
#undef CONDITION_SLUG
    };
    static const char *const slots[] = {
#define SLOT_SLUG(name, slug, from, to) slug,
        SHIPMENT_SLOTS(SLOT_SLUG)
#undef SLOT_SLUG
    };
    int condition = CONDITION_ANY, slot = SLOT_ANY;
    bool ok = api_choice(call, body, "condition", conditions, sizeof conditions / sizeof conditions[0],
                         &condition) &&
              api_choice(call, body, "time", slots, sizeof slots / sizeof slots[0], &slot) &&
              api_flag(call, body, "user_controlled", &shipment->user_controlled);
    shipment->condition = (enum shipment_condition)condition;
    shipment->slot = (enum shipment_slot)slot;
    return ok;
}

static int take_order(struct api_call *call, struct fleet *fleet, const json_t *body,
                      struct order_request *request)
{
    struct shipment *shipment = &request->order.shipment;
    shipment->organization = call->caller.organization;
    char firmware[TEXT_ID_MAX];
    if (!api_text(call, body, "template", shipment->template, sizeof shipment->template, RECORD_TEXT - 1) ||
        !api_text(call, body, "name", shipment->name, sizeof shipment->name, RECORD_NAME_LETTERS) ||
        !api_text(call, body, "firmware", firmware, sizeof firmware, TEXT_ID_MAX - 1) ||
        !take_limits(call, body, fleet, shipment) || !take_rules(call, body, shipment))
        return STORE_CONFLICT;
    int result = take_template(call, fleet, shipment->template);
    if (result == STORE_OK)
        result = take_firmware(call, fleet, firmware, request);
    if (result == STORE_OK)
        result = take_filter(call, fleet, body, shipment->filter);
    if (result == STORE_OK)
        result = take_waves(call, fleet, body, &request->order);
    return result == STORE_OK ? take_devices(call, fleet, json_object_get(body, "devices"), request) : result;
}

int order_read(struct api_call *call, struct fleet *fleet, struct order_request *request)
{
    static const char *const members[] = {"template", "firmware",       "name",       "devices",
                                          "filter",   "condition",      "time",       "user_controlled",
                                          "attempts", "attempts_hours", "per_minute", "bytes_per_second",
                                          "expires",  "waves",          "gate",       NULL};
    *request = (struct order_request){0};
    shipment_order_init(&request->order, &fleet->limits);
    json_t *body = api_body(call, members);
    if (body == NULL)
        return STORE_CONFLICT;
    int result = take_order(call, fleet, body, request);
    json_decref(body);
    return result;
}

void order_clear(struct order_request *request)
{
    free(request->devices);
    request->devices = NULL;
}
