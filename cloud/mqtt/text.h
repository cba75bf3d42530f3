/* Pieces of packets, and the rules of texts and topics (sections 1.5 and 4.7 of MQTT 5 and of 3.1.1). */
#ifndef TANDEM_CLOUD_MQTT_TEXT_H
#define TANDEM_CLOUD_MQTT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a packet: not terminated. */
struct mqtt_slice {
    const uint8_t *data;
    size_t length;
};

bool mqtt_slice_equals(struct mqtt_slice slice, const char *text);
bool mqtt_slice_starts_with(struct mqtt_slice slice, const char *text);
struct mqtt_slice mqtt_slice_of(const char *text);

/* Well-formed UTF-8 (no overlong forms, no surrogates) without U+0000. */
bool mqtt_utf8_valid(struct mqtt_slice text);
size_t mqtt_utf8_chars(struct mqtt_slice text);

/* A name to publish to: not empty, no wildcards. */
bool mqtt_topic_valid(struct mqtt_slice topic);

/* A filter to subscribe to: not empty, `+` alone in its level, `#` alone in the last one. */
bool mqtt_filter_valid(struct mqtt_slice filter);

bool mqtt_filter_matches(struct mqtt_slice filter, struct mqtt_slice topic);

#endif
