/* Many values in one message, as JSON. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cloud/durations.h"
#include "cloud/fleet/devices/values_internal.h"

#define MONTH_MS (31 * DAY_MS) /* how far from now the time of a value may be */

/* A number in its shortest form; the caller frees it. Jansson ends a whole one that was written with a point
 * or an exponent with ".0". */
static char *number_text(const json_t *value, size_t *bytes)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    *bytes = text == NULL ? 0 : strlen(text);
    if (*bytes > 2 && strcmp(text + *bytes - 2, ".0") == 0) {
        *bytes -= 2;
        text[*bytes] = '\0';
    }
    return text;
}

/* The text that a value becomes; the caller frees it. NULL for one that has none. */
static char *plain_text(const json_t *value, size_t *bytes)
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
        text = number_text(value, bytes);
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
    char *first = plain_text(json_array_get(value, 0), &first_bytes);
    char *second = plain_text(json_array_get(value, 1), &second_bytes);
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

static char *value_text(const json_t *value, size_t *bytes)
{
    return json_is_array(value) ? place_text(value, bytes) : plain_text(value, bytes);
}

/* --- batch_ds --- */

static int take_one(const struct message *message, const char *name, const json_t *value)
{
    size_t bytes = 0;
    char *text = value_text(value, &bytes);
    if (text == NULL || !values_name_valid(name)) {
        free(text);
        return values__complain(message, "batch_ds: \"%.64s\" has no value that a datastream can take", name);
    }
    int result = values__set_at(message, VALUE_DATASTREAM, name, message->fleet->now, text, bytes);
    free(text);
    return result;
}

int values__take_batch(const struct message *message, const char *rest)
{
    (void)rest;
    const char *name;
    json_t *value;
    int result = STORE_OK;
    json_t *batch = json_loadb(message->payload, message->bytes, 0, NULL);
    if (batch == NULL) /* perhaps for a whole number that takes more than 63 bits */
        batch = json_loadb(message->payload, message->bytes, JSON_DECODE_INT_AS_REAL, NULL);
    if (!json_is_object(batch))
        result = values__complain(message, "batch_ds: this is no JSON object of names and values");
    json_object_foreach(batch, name, value)
    {
        if (result == STORE_OK)
            result = take_one(message, name, value);
    }
    json_decref(batch);
    return result;
}

/* --- ds/NAME/timestamped_batch --- */

struct point {
    int64_t time;
    const json_t *value;
};

/* [TIME, VALUE] */
static bool read_point(const json_t *pair, struct point *point)
{
    const json_t *time = json_array_get(pair, 0);
    size_t bytes;
    point->time = json_integer_value(time);
    point->value = json_array_get(pair, 1);
    char *text =
        json_array_size(pair) == 2 && json_is_integer(time) ? value_text(point->value, &bytes) : NULL;
    free(text);
    return text != NULL;
}

static bool near(int64_t time, int64_t now)
{
    return time >= now - MONTH_MS && time <= now + MONTH_MS;
}

/* The newest point that is near enough; its value is NULL if none is. False if something else stands in the
 * batch. Of two with the same time the later one counts. */
static bool find_newest(const json_t *batch, int64_t now, struct point *newest, size_t *left_out)
{
    size_t i;
    json_t *pair;
    struct point point;
    *newest = (struct point){0};
    *left_out = 0;
    json_array_foreach(batch, i, pair)
    {
        if (!read_point(pair, &point))
            return false;
        if (!near(point.time, now))
            ++*left_out;
        else if (newest->value == NULL || point.time >= newest->time)
            *newest = point;
    }
    return json_array_size(batch) > 0;
}

/* What is kept already may be newer. */
static int keep(const struct message *message, const char *name, const struct point *point)
{
    struct value kept;
    size_t bytes = 0;
    int result = store_value_get(message->fleet->store, message->device, VALUE_DATASTREAM, name, &kept);
    if (result == STORE_OK && kept.time > point->time)
        return STORE_OK;
    if (result != STORE_OK && result != STORE_NOT_FOUND)
        return result;
    char *text = value_text(point->value, &bytes);
    if (text == NULL)
        abort();
    result = values__set_at(message, VALUE_DATASTREAM, name, point->time, text, bytes);
    free(text);
    return result;
}

int values__take_timed_batch(const struct message *message, const char *name)
{
    struct point newest;
    size_t left_out;
    json_t *batch = json_loadb(message->payload, message->bytes, 0, NULL);
    int result = STORE_OK;
    if (!find_newest(batch, message->fleet->now, &newest, &left_out))
        result = values__complain(message, "%s: this is no JSON array of [milliseconds since 1970, value]",
                                  message->topic);
    else if (newest.value != NULL)
        result = keep(message, name, &newest);
    if (result == STORE_OK && left_out > 0)
        result = values__complain(
            message, "%s: left out %zu that are more than 31 days from now; times are in milliseconds",
            message->topic, left_out);
    json_decref(batch);
    return result;
}
