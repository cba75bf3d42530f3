#include "cloud/fleet/devices/values.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/devices/values_internal.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/text.h"

int values__complain(const struct message *message, const char *format, ...)
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
                     int64_t time, const void *data, size_t bytes)
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
    value = (struct value){.kind = kind, .time = time, .bytes = bytes};
    snprintf(value.name, sizeof value.name, "%s", name);
    memcpy(value.data, data, bytes);
    result = store_value_set(fleet->store, device, &value);
    /* Where it stands says what time it is there. */
    return result == STORE_OK && kind == VALUE_METADATA && strcmp(name, FLEET_META_ZONE) == 0
               ? planner_run(fleet, device, PLANNER_CHANGE)
               : result;
}

int values__set_at(const struct message *message, enum value_kind kind, const char *name, int64_t time,
                   const void *data, size_t bytes)
{
    int result = bytes > VALUE_MAX
                     ? STORE_CONFLICT
                     : store_one(message->fleet, message->device, kind, name, time, data, bytes);
    return result != STORE_CONFLICT
               ? result
               : values__complain(message, "%s: not kept, since a device has at most %d values of %d bytes",
                                  message->topic, VALUES_MAX, VALUE_MAX);
}

static int set_value(const struct message *message, enum value_kind kind, const char *name, const void *data,
                     size_t bytes)
{
    return values__set_at(message, kind, name, message->fleet->now, data, bytes);
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
        return values__complain(message, "%s: this is no name of a property", message->topic);
    snprintf(name, sizeof name, "%s/%s", stream, property);
    if (more != NULL)
        return store_value_remove(message->fleet->store, message->device, VALUE_PROPERTY, name);
    return set_value(message, VALUE_PROPERTY, name, message->payload, message->bytes);
}

/* ds/ and then NAME, NAME/erase, NAME/prop/..., NAME/timestamped_batch */
static int take_datastream(const struct message *message, const char *rest)
{
    char name[VALUES_NAME_MAX + 1];
    const char *more;
    if (!cut_name(rest, name, &more))
        return values__complain(message, "%s: a datastream's name has 1 to %d bytes", message->topic,
                                VALUES_NAME_MAX);
    if (more == NULL)
        return set_value(message, VALUE_DATASTREAM, name, message->payload, message->bytes);
    if (strcmp(more, "erase") == 0)
        return store_value_remove(message->fleet->store, message->device, VALUE_DATASTREAM, name);
    if (strncmp(more, "prop/", 5) == 0)
        return take_property(message, name, more + 5);
    if (strcmp(more, "timestamped_batch") == 0)
        return values__take_timed_batch(message, name);
    return values__complain(message, "%s: there is no such topic", message->topic);
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
        return values__complain(message, "%s: this is no metadata that a device can set", message->topic);
    return set_value(message, VALUE_METADATA, name, message->payload, message->bytes);
}

/* Firmware sends descriptions of several lines; the timeline has one line for each event. */
static void join_lines(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    }
    for (size_t bytes = strlen(text); bytes > 0 && text[bytes - 1] == ' '; bytes--)
        text[bytes - 1] = '\0';
}

static int take_event(const struct message *message, const char *rest)
{
    char code[VALUES_NAME_MAX + 1];
    char payload[256];
    char text[256];
    const char *more;
    snprintf(payload, sizeof payload, "%.*s", (int)message->bytes, message->payload);
    text_mend(payload);
    join_lines(payload);
    if (!cut_name(rest, code, &more) || more != NULL || !text_take(text, sizeof text, payload))
        return values__complain(message, "%s: an event has a code, and a description in UTF-8",
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
        while (from < end && *from == ' ')
            from++;
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
    char iso[40];
    char json[512];
    struct fleet *fleet = message->fleet;
    struct device device;
    int result = store_device_get(fleet->store, message->device, &device);
    if (result != STORE_OK)
        return result;
    const struct zone *zone = fleet_zone(fleet, &device);
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
    {"ds/", true, take_datastream},          {"batch_ds", false, values__take_batch},
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
    return values__complain(&message, "%.128s: there is no such topic", topic);
}

int values_set(struct fleet *fleet, int64_t device, enum value_kind kind, const char *name, const void *data,
               size_t bytes)
{
    const struct message message = {.fleet = fleet, .device = device};
    if (!values_name_valid(name) || bytes > VALUE_MAX || (kind == VALUE_METADATA && is_ours(name)))
        return STORE_CONFLICT;
    int result = store_one(fleet, device, kind, name, fleet->now, data, bytes);
    return result == STORE_OK
               ? send_value(&message, kind == VALUE_METADATA ? "meta" : "ds", name, data, bytes)
               : result;
}

int values_renamed(struct fleet *fleet, int64_t device, const char *name)
{
    const struct message message = {.fleet = fleet, .device = device};
    return send_value(&message, "meta", VALUES_META_DEVICE, name, strlen(name));
}
