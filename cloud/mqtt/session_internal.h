/* What the files of a session share: session.c (its life), delivery.c (messages in both directions). */
#ifndef TANDEM_CLOUD_MQTT_SESSION_INTERNAL_H
#define TANDEM_CLOUD_MQTT_SESSION_INTERNAL_H

#include "cloud/mqtt/session.h"

/* Ends the session because of what the device sent: says the reason in MQTT 5. */
void mqtt__session_fail(struct mqtt_session *s, uint8_t reason);

void mqtt__session_send(struct mqtt_session *s, const struct mqtt_writer *packet);

/* PUBLISH, and the packets that acknowledge one. */
void mqtt__take_publish(struct mqtt_session *s, uint8_t flags, const uint8_t *body, size_t bytes);
void mqtt__take_ack(struct mqtt_session *s, uint8_t type, const uint8_t *body, size_t bytes);

#endif
