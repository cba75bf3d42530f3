#include "ncpd/mcu/datastreams.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void datastreams_init(struct datastreams *streams, const struct pin_map *map, publish_fn *publish, void *ctx)
{
    *streams = (struct datastreams){.map = map, .publish = publish, .ctx = ctx};
}

void datastreams_reset(struct datastreams *streams)
{
    json_decref(streams->batch);
    streams->batch = NULL;
    streams->batch_bytes = 0;
    streams->time_ms = 0;
    streams->count = 0;
}

/* --- Groups --- */

static void send_batch(struct datastreams *streams)
{
    char *json = json_dumps(streams->batch, JSON_COMPACT);

    if (json != NULL && json_object_size(streams->batch) > 0)
        streams->publish(streams->ctx, "batch_ds", json, strlen(json));
    free(json);
    json_object_clear(streams->batch);
    streams->batch_bytes = 2;
}

/* A number where all of the text is one, as the cloud's typed datastreams want it; else the text. */
static json_t *one_value(const char *text)
{
    json_error_t error;
    json_t *number = json_loads(text, JSON_DECODE_ANY, &error);

    if (json_is_number(number))
        return number;
    json_decref(number);
    return json_string(text);
}

/* Several values have a NUL between them. Two numbers are a list, as the cloud has places; NULL for others,
 * which its JSON has no form for. */
static json_t *batch_value(const char *text, size_t bytes)
{
    size_t first = strlen(text);
    json_t *list;

    if (first == bytes)
        return one_value(text);
    list = json_pack("[o, o]", one_value(text), one_value(text + first + 1));
    if (first + 1 + strlen(text + first + 1) != bytes || !json_is_number(json_array_get(list, 0)) ||
        !json_is_number(json_array_get(list, 1))) {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* The value as JSON; NULL if it cannot stand there: no UTF-8, or of several parts. */
static json_t *value_of(const void *value, size_t bytes)
{
    char text[PIN_VALUE_MAX + 1];

    memcpy(text, value, bytes);
    text[bytes] = '\0';
    return batch_value(text, bytes);
}

/* False if the value cannot stand in JSON, or is too long for a batch. */
static bool add_to_batch(struct datastreams *streams, const char *name, const void *value, size_t bytes)
{
    json_t *row = json_pack("{s:o}", name, value_of(value, bytes));
    size_t length;

    length = row != NULL ? json_dumpb(row, NULL, 0, JSON_COMPACT) : 0;
    if (length == 0 || length > BATCH_BYTES) {
        json_decref(row);
        return false;
    }
    if (streams->batch_bytes + length > BATCH_BYTES)
        send_batch(streams);
    json_object_update(streams->batch, row);
    streams->batch_bytes += length;
    json_decref(row);
    return true;
}

/* The value with the time of its group. False as with add_to_batch. */
static bool send_timed(struct datastreams *streams, const char *name, const void *value, size_t bytes)
{
    char topic[DATASTREAM_NAME_MAX + 24];
    json_t *rows = json_pack("[[I, o]]", (json_int_t)streams->time_ms, value_of(value, bytes));
    char *json = rows != NULL ? json_dumps(rows, JSON_COMPACT) : NULL;
    bool fits = json != NULL && strlen(json) <= BATCH_BYTES;

    if (fits) {
        snprintf(topic, sizeof topic, "ds/%s/timestamped_batch", name);
        streams->publish(streams->ctx, topic, json, strlen(json));
    }
    free(json);
    json_decref(rows);
    return fits;
}

void datastreams_begin_group(struct datastreams *streams, int64_t time_ms)
{
    datastreams_end_group(streams);
    if (time_ms > 0) {
        streams->time_ms = time_ms;
        return;
    }
    streams->batch = json_object();
    streams->batch_bytes = 2;
}

void datastreams_end_group(struct datastreams *streams)
{
    streams->time_ms = 0;
    if (streams->batch != NULL) {
        send_batch(streams);
        json_decref(streams->batch);
        streams->batch = NULL;
    }
}

/* --- Up --- */

void datastreams_write(struct datastreams *streams, uint16_t pin, const void *value, size_t bytes)
{
    char name[DATASTREAM_NAME_MAX + 1];
    char topic[DATASTREAM_NAME_MAX + 8];

    if (bytes > PIN_VALUE_MAX)
        return;
    pin_map_name(streams->map, pin, name);
    if (streams->time_ms > 0 && send_timed(streams, name, value, bytes))
        return;
    if (streams->batch != NULL && add_to_batch(streams, name, value, bytes))
        return;
    snprintf(topic, sizeof topic, "ds/%s", name);
    streams->publish(streams->ctx, topic, value, bytes);
}

void datastreams_set_property(struct datastreams *streams, uint16_t pin, const char *property,
                              const void *value, size_t bytes)
{
    char name[DATASTREAM_NAME_MAX + 1];
    char topic[2 * DATASTREAM_NAME_MAX + 16];

    if (!topic_level_valid(property))
        return;
    pin_map_name(streams->map, pin, name);
    snprintf(topic, sizeof topic, "ds/%s/prop/%s", name, property);
    streams->publish(streams->ctx, topic, value, bytes);
}

void datastreams_sync_all(struct datastreams *streams)
{
    streams->publish(streams->ctx, "get/ds/all", "", 0);
}

void datastreams_sync(struct datastreams *streams, const void *pins, size_t bytes)
{
    const char *text = pins;
    char names[PIN_VALUE_MAX] = "";
    size_t used = 0;

    for (size_t at = 0; at < bytes;) {
        size_t length = strnlen(text + at, bytes - at);
        char name[DATASTREAM_NAME_MAX + 1];
        uint16_t pin;

        if (pin_parse(text + at, length, &pin) && used + sizeof name + 1 < sizeof names) {
            pin_map_name(streams->map, pin, name);
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? "," : "", name);
        }
        at += length + 1;
    }
    if (used > 0)
        streams->publish(streams->ctx, "get/ds", names, used);
}

/* --- Down --- */

static struct pin_change *row_for(struct datastreams *streams, uint16_t pin)
{
    for (int i = 0; i < streams->count; i++) {
        if (streams->waiting[i].pin == pin)
            return &streams->waiting[i];
    }
    if (streams->count == PINS_WAITING) {
        datastreams_told(streams);
        streams->lost++;
    }
    return &streams->waiting[streams->count++];
}

bool datastreams_receive(struct datastreams *streams, const char *name, const void *value, size_t bytes)
{
    struct pin_change *row;
    uint16_t pin;

    if (bytes > PIN_VALUE_MAX || !pin_map_pin(streams->map, name, &pin))
        return false;
    row = row_for(streams, pin);
    row->pin = pin;
    row->bytes = (uint16_t)bytes;
    memcpy(row->value, value, bytes);
    return true;
}

const struct pin_change *datastreams_next(const struct datastreams *streams)
{
    return streams->count > 0 ? &streams->waiting[0] : NULL;
}

void datastreams_told(struct datastreams *streams)
{
    streams->count--;
    memmove(&streams->waiting[0], &streams->waiting[1], (size_t)streams->count * sizeof streams->waiting[0]);
}
