/* See subscriptions.h. */
#include "cloud/mqtt/subscriptions.h"

#include <string.h>

enum { QOS_OFFSET = 0, LENGTH_OFFSET = 1, HEAD_BYTES = 2, FILTER_MAX = 255 };

static struct mqtt_slice filter_at(const struct mqtt_subscriptions *s, size_t at)
{
    return (struct mqtt_slice){s->bytes + at + HEAD_BYTES, s->bytes[at + LENGTH_OFFSET]};
}

static size_t next(const struct mqtt_subscriptions *s, size_t at)
{
    return at + HEAD_BYTES + s->bytes[at + LENGTH_OFFSET];
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

bool mqtt_subscriptions_add(struct mqtt_subscriptions *s, struct mqtt_slice filter, uint8_t qos)
{
    size_t at = find(s, filter);

    if (at == s->length) {
        if (filter.length > FILTER_MAX || HEAD_BYTES + filter.length > sizeof s->bytes - s->length)
            return false;
        s->bytes[at + LENGTH_OFFSET] = (uint8_t)filter.length;
        memcpy(s->bytes + at + HEAD_BYTES, filter.data, filter.length);
        s->length = (uint16_t)next(s, at);
    }
    s->bytes[at + QOS_OFFSET] = qos;
    return true;
}

bool mqtt_subscriptions_remove(struct mqtt_subscriptions *s, struct mqtt_slice filter)
{
    size_t at = find(s, filter);
    size_t behind;

    if (at == s->length)
        return false;
    behind = next(s, at);
    memmove(s->bytes + at, s->bytes + behind, s->length - behind);
    s->length = (uint16_t)(s->length - (behind - at));
    return true;
}

int mqtt_subscriptions_qos(const struct mqtt_subscriptions *s, struct mqtt_slice topic)
{
    int qos = -1;

    for (size_t at = 0; at < s->length; at = next(s, at))
        if (s->bytes[at + QOS_OFFSET] > qos && mqtt_filter_matches(filter_at(s, at), topic))
            qos = s->bytes[at + QOS_OFFSET];
    return qos;
}
