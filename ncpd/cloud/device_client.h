/* One MQTT connection of a device, on the event loop: its token, its certificates, libmosquitto.
 *
 *     device_client_new --> connecting (connector.h) --> device_client_run --> ... --> device_client_free */
#ifndef NCPD_DEVICE_CLIENT_H
#define NCPD_DEVICE_CLIENT_H

#include <mosquitto.h>
#include <stdbool.h>
#include <stddef.h>

#include "ncpd/config/config.h"

struct event_base;
struct device_client;

/* message and acknowledged are called from inside of libmosquitto, where the client must not be freed;
 * settle follows, where it may be. */
struct device_client_handler {
    void (*message)(void *ctx, const char *topic, const void *payload, size_t bytes);
    /* Of a publish at QoS 1. */
    void (*acknowledged)(void *ctx, int msg_id);
    /* Something happened: see device_client_answer and _is_lost. */
    void (*settle)(void *ctx);
    void *ctx;
};

/* Not connected yet. mcu and handler's ctx stay the caller's. NULL after a message: no token, or no TLS with
 * these settings. */
struct device_client *device_client_new(struct event_base *base, const struct mcu_config *mcu, bool tls,
                                        const struct device_client_handler *handler);

/* Takes leave of the cloud first, where that is asked for and the connection is there. */
void device_client_free(struct device_client *client, bool takes_leave);

/* For the connector. */
struct mosquitto *device_client_mosquitto(struct device_client *client);

/* It is connected: from now on the loop looks after it. False if the connection was lost already. */
bool device_client_run(struct device_client *client);

/* The code of the cloud's CONNACK, -1 while there is none. */
int device_client_answer(const struct device_client *client);
bool device_client_is_lost(const struct device_client *client);

void device_client_subscribe(struct device_client *client, const char *filter);
/* The message's id in *msg_id, which may be NULL. An error of libmosquitto, MOSQ_ERR_SUCCESS if there is
 * none. */
int device_client_publish(struct device_client *client, int *msg_id, const char *topic, const void *payload,
                          size_t bytes, int qos);
/* True while not all of it is sent. */
bool device_client_has_unsent(const struct device_client *client);

#endif
