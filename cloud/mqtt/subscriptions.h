/* The subscriptions of one session: filters packed into a few bytes, since a device has one or two.
 *
 * One after the other: u8 granted QoS, u8 length, filter. */
#ifndef TANDEM_CLOUD_MQTT_SUBSCRIPTIONS_H
#define TANDEM_CLOUD_MQTT_SUBSCRIPTIONS_H

#include "cloud/mqtt/wire.h"

enum { MQTT_SUBSCRIPTION_BYTES = 256 };

struct mqtt_subscriptions {
    uint16_t length;
    uint8_t bytes[MQTT_SUBSCRIPTION_BYTES];
};

/* Adds a filter, or changes the QoS of one that is there. False if there is no room. */
bool mqtt_subscriptions_add(struct mqtt_subscriptions *s, struct mqtt_slice filter, uint8_t qos);

/* False if it was not there. */
bool mqtt_subscriptions_remove(struct mqtt_subscriptions *s, struct mqtt_slice filter);

/* The highest QoS granted for a topic, -1 if no filter matches. */
int mqtt_subscriptions_qos(const struct mqtt_subscriptions *s, struct mqtt_slice topic);

#endif
