/* The subscriptions of one session: filters packed into a few bytes, since most devices have one or two. Some
 * have one for each of their datastreams: those are on the heap.
 *
 * One after the other: u8 granted QoS, u8 length, filter. */
#ifndef TANDEM_CLOUD_MQTT_SUBSCRIPTIONS_H
#define TANDEM_CLOUD_MQTT_SUBSCRIPTIONS_H

#include "cloud/mqtt/wire.h"

enum { MQTT_SUBSCRIPTION_BYTES = 8192, MQTT_SUBSCRIPTION_FEW = 128 };

/* All zero: none. */
struct mqtt_subscriptions {
    uint16_t length;
    uint16_t capacity; /* of many */
    uint8_t *many;     /* NULL: they are in few */
    uint8_t few[MQTT_SUBSCRIPTION_FEW];
};

/* Adds a filter, or changes the QoS of one that is there. False if there is no room. */
bool mqtt_subscriptions_add(struct mqtt_subscriptions *s, struct mqtt_slice filter, uint8_t qos);

/* False if it was not there. */
bool mqtt_subscriptions_remove(struct mqtt_subscriptions *s, struct mqtt_slice filter);

/* There are none any more, and nothing is held. */
void mqtt_subscriptions_clear(struct mqtt_subscriptions *s);

/* The highest QoS granted for a topic, -1 if no filter matches. */
int mqtt_subscriptions_qos(const struct mqtt_subscriptions *s, struct mqtt_slice topic);

#endif
