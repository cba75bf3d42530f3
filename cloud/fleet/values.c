#include "cloud/fleet/values.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cloud/text.h"

/* A message under way. */
struct message {
    struct fleet *fleet;
    int64_t device;
    const char *topic;
    const char *payload; /* not terminated; may hold NULs */
    size_t bytes;
};

static int complain(const struct message *message, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Tells the device's developer what is wrong, and the timeline. */
static int complain(const struct message *message, const char *format, ...)
{
    char text[240];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text_mend(text);
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    }
    int result = fleet_publish(message->fleet, message->device, "downlink/diag", 0, text, strlen(text));
    if (result == STORE_NOT_FOUND)
        result = STORE_OK;
    return result == STORE_OK ? fleet_note(message->fleet, message->device, "log", "%s", text) : result;
}

bool values_name_valid(const char *name)
{
    char copy[VALUES_NAME_MAX + 1];
    return name[0] != '\0' && text_take(copy, sizeof copy, name) && strpbrk(name, "/+#") == NULL;
}

/* --- Values --- */

/* STORE_CONFLICT if it is one too many. */
static int store_one(struct fleet *fleet, int64_t device, enum value_kind kind, const char *name,
                     const void *data, size_t bytes)
{
    struct value value;
    int64_t count;
    int result = store_value_get(fleet->store, device, kind, name, &value);
    if (result == STORE_NOT_FOUND) {
        result = store_value_count(fleet->store, device, &count);
        if (result == STORE_OK && count >= VALUES_MAX)
            return STORE_CONFLICT;
    }
    if (result != STORE_OK)
        return result;
    value = (struct value){.kind = kind, .time = fleet->now, .bytes = bytes};
    snprintf(value.name, sizeof value.name, "%s", name);
    memcpy(value.data, data, bytes);
    return store_value_set(fleet->store, device, &value);
}

static int set_value(const struct message *message, enum value_kind kind, const char *name, const void *data,
                     size_t bytes)
{
    int result = bytes > VALUE_MAX ? STORE_CONFLICT
                                   : store_one(message->fleet, message->device, kind, name, data, bytes);
    return result != STORE_CONFLICT
               ? result
               : complain(message, "%s: not kept, since a device has at most %d values of %d bytes",
                          message->topic, VALUES_MAX, VALUE_MAX);
}

/* The name at from up to a slash or the end; what follows is put into *rest, NULL at the end. */
static bool cut_name(const char *from, char name[VALUES_NAME_MAX + 1], const char **rest)
{
    size_t bytes = strcspn(from, "/");
    *rest = from[bytes] == '/' ? from + bytes + 1 : NULL;
    if (bytes > VALUES_NAME_MAX)
        return false;
    memcpy(name, from, bytes);
    name[bytes] = '\0';
    return values_name_valid(name);
}

/* prop/PROPERTY[/erase] of a datastream. */
static int take_property(const struct message *message, const char *stream, const char *rest)
{
    char property[VALUES_NAME_MAX + 1];
    char name[VALUE_NAME_MAX];
    const char *more;
    if (!cut_name(rest, property, &more) || (more != NULL && strcmp(more, "erase") != 0))
        return complain(message, "%s: this is no name of a property", message->topic);
    snprintf(name, sizeof name, "%s/%s", stream, property);
    if (more != NULL)
        return store_value_remove(message->fleet->store, message->device, VALUE_PROPERTY, name);
    return set_value(message, VALUE_PROPERTY, name, message->payload, message->bytes);
}

/* ds/ and then NAME, NAME/erase, NAME/prop/... */
static int take_datastream(const struct message *message, const char *rest)
{
    char name[VALUES_NAME_MAX + 1];
    const char *more;
    if (!cut_name(rest, name, &more))
        return complain(message, "%s: a datastream's name has 1 to %d bytes", message->topic,
                        VALUES_NAME_MAX);
    if (more == NULL)
        return set_value(message, VALUE_DATASTREAM, name, message->payload, message->bytes);
    if (strcmp(more, "erase") == 0)
        return store_value_remove(message->fleet->store, message->device, VALUE_DATASTREAM, name);
    if (strncmp(more, "prop/", 5) == 0)
        return take_property(message, name, more + 5);
    return complain(message, "%s: there is no such topic", message->topic);
}

/* The text that a value of a batch becomes; the caller frees it. NULL for one that has none. */
static char *batch_text(const json_t *value, size_t *bytes)
{
    char *text = NULL;
    if (json_is_string(value)) {
        *bytes = json_string_length(value);
        text = malloc(*bytes + 1);
        if (text != NULL)
            memcpy(text, json_string_value(value), *bytes + 1);
    } else if (json_is_boolean(value)) {
        *bytes = 1;
        text = strdup(json_is_true(value) ? "1" : "0");
    } else if (json_is_number(value)) {
        text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        *bytes = text == NULL ? 0 : strlen(text);
    }
    return text;
}

/* Two numbers as one value of two parts. */
static char *place_text(const json_t *value, size_t *bytes)
{
    size_t first_bytes = 0;
    size_t second_bytes = 0;
    if (json_array_size(value) != 2 || !json_is_number(json_array_get(value, 0)) ||
        !json_is_number(json_array_get(value, 1)))
        return NULL;
    char *first = batch_text(json_array_get(value, 0), &first_bytes);
    char *second = batch_text(json_array_get(value, 1), &second_bytes);
    char *text = malloc(first_bytes + second_bytes + 2);
    if (first == NULL || second == NULL || text == NULL)
        abort();
    memcpy(text, first, first_bytes + 1);
    memcpy(text + first_bytes + 1, second, second_bytes + 1);
    *bytes = first_bytes + second_bytes + 1;
    free(first);
    free(second);
    return text;
}

static int take_batch_value(const struct message *message, const char *name, const json_t *value)
{
    size_t bytes = 0;
    char *text = json_is_array(value) ? place_text(value, &bytes) : batch_text(value, &bytes);
    if (text == NULL || !values_name_valid(name)) {
        free(text);
        return complain(message, "batch_ds: \"%.64s\" has no value that a datastream can take", name);
    }
    int result = set_value(message, VALUE_DATASTREAM, name, text, bytes);
    free(text);
    return result;
}

static int take_batch(const struct message *message, const char *rest)
{
    (void)rest;
    const char *name;
    json_t *value;
    int result = STORE_OK;
    json_t *batch = json_loadb(message->payload, message->bytes, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(batch))
        result = complain(message, "batch_ds: this is no JSON object of names and values");
    json_object_foreach(batch, name, value)
    {
        if (result == STORE_OK)
            result = take_batch_value(message, name, value);
    }
    json_decref(batch);
    return result;
}

static bool is_ours(const char *name)
{
    return strcmp(name, VALUES_META_DEVICE) == 0 || strcmp(name, "Template") == 0;
}

static int take_metadata(const struct message *message, const char *rest)
{
    char name[VALUES_NAME_MAX + 1];
    const char *more;
    if (!cut_name(rest, name, &more) || more != NULL || is_ours(name))
        return complain(message, "%s: this is no metadata that a device can set", message->topic);
    return set_value(message, VALUE_METADATA, name, message->payload, message->bytes);
}

static int take_event(const struct message *message, const char *rest)
{
    char code[VALUES_NAME_MAX + 1];
    char payload[256];
    char text[256];
    const char *more;
    snprintf(payload, sizeof payload, "%.*s", (int)message->bytes, message->payload);
    text_mend(payload);
    if (!cut_name(rest, code, &more) || more != NULL || !text_take(text, sizeof text, payload))
        return complain(message, "%s: an event has a code, and a description without control characters",
                        message->topic);
    return fleet_note(message->fleet, message->device, "event", "%s%s%s", code, text[0] != '\0' ? ": " : "",
                      text);
}

/* --- Requests --- */

static int send_value(const struct message *message, const char *branch, const char *name, const void *data,
                      size_t bytes)
{
    char topic[FLEET_TOPIC_MAX];
    snprintf(topic, sizeof topic, "downlink/%s/%.*s", branch, VALUES_NAME_MAX, name);
    int result = fleet_publish(message->fleet, message->device, topic, 0, data, bytes);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

static int send_stored(const struct message *message, enum value_kind kind, const char *name)
{
    struct value value;
    int result = store_value_get(message->fleet->store, message->device, kind, name, &value);
    if (result == STORE_OK)
        result = send_value(message, kind == VALUE_METADATA ? "meta" : "ds", name, value.data, value.bytes);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

static int send_metadata(const struct message *message, const char *name)
{
    struct device device;
    if (!is_ours(name))
        return send_stored(message, VALUE_METADATA, name);
    int result = store_device_get(message->fleet->store, message->device, &device);
    const char *text = strcmp(name, VALUES_META_DEVICE) == 0 ? device.name : device.template;
    return result == STORE_OK ? send_value(message, "meta", name, text, strlen(text)) : result;
}

static int send_datastream(const struct message *message, const char *name)
{
    return send_stored(message, VALUE_DATASTREAM, name);
}

/* Calls send for each of the names in the payload, at most VALUES_MAX. */
static int for_names(const struct message *message, int (*send)(const struct message *, const char *))
{
    const char *from = message->payload;
    const char *end = from + message->bytes;
    int result = STORE_OK;
    for (int i = 0; i < VALUES_MAX && from < end && result == STORE_OK; i++) {
        char name[VALUES_NAME_MAX + 1];
        const char *comma = memchr(from, ',', (size_t)(end - from));
        size_t bytes = (size_t)((comma != NULL ? comma : end) - from);
        if (bytes <= VALUES_NAME_MAX) {
            memcpy(name, from, bytes);
            name[bytes] = '\0';
            result = send(message, name);
        }
        from += bytes + 1;
    }
    return result;
}

static int answer_datastreams(const struct message *message, const char *rest)
{
    (void)rest;
    return for_names(message, send_datastream);
}

static int answer_metadata(const struct message *message, const char *rest)
{
    (void)rest;
    return for_names(message, send_metadata);
}

static int answer_all(const struct message *message, const char *rest)
{
    (void)rest;
    struct value *values;
    size_t count;
    int result = store_values(message->fleet->store, message->device, &values, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        if (values[i].kind == VALUE_DATASTREAM)
            result = send_value(message, "ds", values[i].name, values[i].data, values[i].bytes);
    }
    free(values);
    return result;
}

/* A metadata as text; "" if there is none. */
static int read_text(const struct message *message, const char *name, char *to, size_t capacity)
{
    struct value value;
    to[0] = '\0';
    int result = store_value_get(message->fleet->store, message->device, VALUE_METADATA, name, &value);
    if (result == STORE_OK && value.bytes < capacity)
        snprintf(to, capacity, "%.*s", (int)value.bytes, (const char *)value.data);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

/* Local time with its offset, as ISO 8601 has it: text_time says the same of UTC. */
static void local_time(int64_t now, int32_t offset, char *to, size_t capacity)
{
    char utc[TEXT_TIME_MAX];
    int minutes = abs(offset) / 60;
    text_time(now + (int64_t)offset * 1000, utc);
    snprintf(to, capacity, "%.19s%c%02d:%02d", utc, offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static int answer_time(const struct message *message, const char *rest)
{
    (void)rest;
    char name[VALUES_NAME_MAX + 1];
    char iso[40];
    char json[512];
    struct fleet *fleet = message->fleet;
    int result = read_text(message, "Time Zone", name, sizeof name);
    if (result != STORE_OK)
        return result;
    const struct zone *zone = zone_find(&fleet->zones, name);
    if (zone == NULL)
        zone = zone_find(&fleet->zones, "UTC");
    int32_t offset = zone_offset(zone, fleet->now);
    int32_t standard = zone_standard(zone, fleet->now);
    local_time(fleet->now, offset, iso, sizeof iso);
    int bytes =
        snprintf(json, sizeof json,
                 "{\"tz_name\":\"%s\",\"tz_rule\":\"%s\",\"tz_offset\":%d,\"dst_offset\":%d,\"time\":%lld,"
                 "\"iso8601\":\"%s\"}",
                 zone_name(zone), zone_rule(zone), standard / 60, (offset - standard) / 60,
                 (long long)fleet->now, iso);
    return send_value(message, "utc", "all/json", json, (size_t)bytes);
}

static int answer_location(const struct message *message, const char *rest)
{
    (void)rest;
    char place[64];
    int result = read_text(message, "Location", place, sizeof place);
    if (result != STORE_OK || place[0] == '\0')
        return result;
    return send_value(message, "loc", "all", place, strlen(place));
}

/* --- All topics --- */

static const struct {
    const char *topic;
    bool prefix;
    int (*take)(const struct message *message, const char *rest);
} topics[] = {
    {"ds/", true, take_datastream},          {"batch_ds", false, take_batch},
    {"meta/", true, take_metadata},          {"event/", true, take_event},
    {"get/ds", false, answer_datastreams},   {"get/ds/all", false, answer_all},
    {"get/meta", false, answer_metadata},    {"get/utc/all/json", false, answer_time},
    {"get/loc/all", false, answer_location},
};

int values_message(struct fleet *fleet, int64_t device, const char *topic, const void *payload, size_t bytes)
{
    const struct message message = {fleet, device, topic, payload, bytes};
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        size_t length = strlen(topics[i].topic);
        if (strncmp(topic, topics[i].topic, length) == 0 && (topics[i].prefix || topic[length] == '\0'))
            return topics[i].take(&message, topic + length);
    }
    return complain(&message, "%.128s: there is no such topic", topic);
}

int values_set(struct fleet *fleet, int64_t device, enum value_kind kind, const char *name, const void *data,
               size_t bytes)
{
    const struct message message = {.fleet = fleet, .device = device};
    if (!values_name_valid(name) || bytes > VALUE_MAX || (kind == VALUE_METADATA && is_ours(name)))
        return STORE_CONFLICT;
    int result = store_one(fleet, device, kind, name, data, bytes);
    return result == STORE_OK
               ? send_value(&message, kind == VALUE_METADATA ? "meta" : "ds", name, data, bytes)
               : result;
}
