/* Connects an MQTT client without blocking the event loop.
 *
 * mosquitto_connect waits for DNS, TCP and TLS, so it runs on a thread of its own. From connector_start until
 * done, the client belongs to that thread and nothing else touches it. */
#ifndef NCPD_CONNECTOR_H
#define NCPD_CONNECTOR_H

#include <stdint.h>

struct connector;
struct event_base;
struct mosquitto;

/* error is NULL where the client is connected (its CONNACK still to come). */
typedef void connector_done_fn(void *ctx, const char *error);

/* Never NULL. */
struct connector *connector_new(struct event_base *base, connector_done_fn *done, void *ctx);

/* Not while it connects. */
void connector_free(struct connector *connector);

/* Starts connecting; done follows, from the loop. One at a time. */
void connector_start(struct connector *connector, struct mosquitto *client, const char *host, uint16_t port,
                     int keep_alive_s);

#endif
