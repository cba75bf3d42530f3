#include "cloud/mqtt/text.h"

#include <string.h>

struct mqtt_slice mqtt_slice_of(const char *text)
{
    return (struct mqtt_slice){(const uint8_t *)text, strlen(text)};
}

bool mqtt_slice_equals(struct mqtt_slice slice, const char *text)
{
    return slice.length == strlen(text) && mqtt_slice_starts_with(slice, text);
}

bool mqtt_slice_starts_with(struct mqtt_slice slice, const char *text)
{
    size_t length = strlen(text);

    return length == 0 || (slice.length >= length && memcmp(slice.data, text, length) == 0);
}

/* Length of the character at data, 0 if it is not well-formed (Unicode 15, table 3-7). */
static size_t utf8_char(const uint8_t *data, size_t left)
{
    uint8_t first = data[0];
    uint8_t low = 0x80, high = 0xBF; /* bounds of the second byte */
    size_t length;

    if (first < 0x80)
        return first == 0 ? 0 : 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    if (length > left || data[1] < low || data[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((data[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

bool mqtt_utf8_valid(struct mqtt_slice text)
{
    size_t position = 0;

    while (position < text.length) {
        size_t length = utf8_char(text.data + position, text.length - position);

        if (length == 0)
            return false;
        position += length;
    }
    return true;
}

size_t mqtt_utf8_chars(struct mqtt_slice text)
{
    size_t chars = 0;

    for (size_t i = 0; i < text.length; i++)
        chars += (text.data[i] & 0xC0) != 0x80;
    return chars;
}

bool mqtt_topic_valid(struct mqtt_slice topic)
{
    for (size_t i = 0; i < topic.length; i++)
        if (topic.data[i] == '+' || topic.data[i] == '#')
            return false;
    return topic.length > 0;
}

/* Takes the first level off the front of rest; false if there is none left. */
static bool next_level(struct mqtt_slice *rest, struct mqtt_slice *level)
{
    const uint8_t *slash;

    if (rest->data == NULL)
        return false;
    slash = rest->length == 0 ? NULL : memchr(rest->data, '/', rest->length);
    *level = *rest;
    if (slash == NULL) {
        *rest = (struct mqtt_slice){NULL, 0};
        return true;
    }
    level->length = (size_t)(slash - rest->data);
    rest->data += level->length + 1;
    rest->length -= level->length + 1;
    return true;
}

bool mqtt_filter_valid(struct mqtt_slice filter)
{
    struct mqtt_slice rest = filter, level;

    if (filter.length == 0)
        return false;
    while (next_level(&rest, &level)) {
        bool last = rest.data == NULL;

        if (mqtt_slice_equals(level, "+") || (last && mqtt_slice_equals(level, "#")))
            continue;
        if (level.length > 0 && !mqtt_topic_valid(level))
            return false;
    }
    return true;
}

bool mqtt_filter_matches(struct mqtt_slice filter, struct mqtt_slice topic)
{
    struct mqtt_slice wanted, level;

    while (next_level(&filter, &wanted)) {
        if (mqtt_slice_equals(wanted, "#"))
            return true; /* also for the parent level itself, where topic has ended */
        if (!next_level(&topic, &level))
            return false;
        if (mqtt_slice_equals(wanted, "+"))
            continue;
        if (wanted.length != level.length ||
            (level.length > 0 && memcmp(wanted.data, level.data, level.length) != 0))
            return false;
    }
    return topic.data == NULL;
}
