/* See subscriptions.h. */
#include "cloud/mqtt/subscriptions.h"

#include <stdlib.h>
#include <string.h>

enum { QOS_OFFSET = 0, LENGTH_OFFSET = 1, HEAD_BYTES = 2, FILTER_MAX = 255 };

static const uint8_t *bytes_of(const struct mqtt_subscriptions *s)
{
    return s->many != NULL ? s->many : s->few;
}

static uint8_t *place_in(struct mqtt_subscriptions *s, size_t at)
{
    return (s->many != NULL ? s->many : s->few) + at;
}

static struct mqtt_slice filter_at(const struct mqtt_subscriptions *s, size_t at)
{
    const uint8_t *head = bytes_of(s) + at;

    return (struct mqtt_slice){head + HEAD_BYTES, head[LENGTH_OFFSET]};
}

static size_t next(const struct mqtt_subscriptions *s, size_t at)
{
    return at + HEAD_BYTES + filter_at(s, at).length;
}

/* Where the filter stands; s->length if it does not. */
static size_t find(const struct mqtt_subscriptions *s, struct mqtt_slice filter)
{
    size_t at = 0;

    for (; at < s->length; at = next(s, at)) {
        struct mqtt_slice known = filter_at(s, at);

        if (known.length == filter.length && memcmp(known.data, filter.data, filter.length) == 0)
            break;
    }
    return at;
}

/* Room for so many bytes in all; false if there is none. */
static bool make_room(struct mqtt_subscriptions *s, size_t bytes)
{
    size_t capacity = s->many != NULL ? s->capacity : sizeof s->few;
    uint8_t *larger;

    if (bytes <= capacity)
        return true;
    while (capacity < bytes)
        capacity *= 2;
    larger = capacity <= MQTT_SUBSCRIPTION_BYTES ? realloc(s->many, capacity) : NULL;
    if (larger == NULL)
        return false;
    if (s->many == NULL)
        memcpy(larger, s->few, s->length);
    s->many = larger;
    s->capacity = (uint16_t)capacity;
    return true;
}

bool mqtt_subscriptions_add(struct mqtt_subscriptions *s, struct mqtt_slice filter, uint8_t qos)
{
    size_t at = find(s, filter);

    if (at == s->length) {
        if (filter.length > FILTER_MAX || !make_room(s, at + HEAD_BYTES + filter.length))
            return false;
        place_in(s, at)[LENGTH_OFFSET] = (uint8_t)filter.length;
        memcpy(place_in(s, at + HEAD_BYTES), filter.data, filter.length);
        s->length = (uint16_t)next(s, at);
    }
    place_in(s, at)[QOS_OFFSET] = qos;
    return true;
}

bool mqtt_subscriptions_remove(struct mqtt_subscriptions *s, struct mqtt_slice filter)
{
    size_t at = find(s, filter);
    size_t behind;

    if (at == s->length)
        return false;
    behind = next(s, at);
    memmove(place_in(s, at), place_in(s, behind), s->length - behind);
    s->length = (uint16_t)(s->length - (behind - at));
    return true;
}

void mqtt_subscriptions_clear(struct mqtt_subscriptions *s)
{
    free(s->many);
    s->many = NULL;
    s->length = 0;
}

int mqtt_subscriptions_qos(const struct mqtt_subscriptions *s, struct mqtt_slice topic)
{
    int qos = -1;

    for (size_t at = 0; at < s->length; at = next(s, at))
        if (bytes_of(s)[at + QOS_OFFSET] > qos && mqtt_filter_matches(filter_at(s, at), topic))
            qos = bytes_of(s)[at + QOS_OFFSET];
    return qos;
}
