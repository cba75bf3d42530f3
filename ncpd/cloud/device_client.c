#include "ncpd/cloud/device_client.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/config/token.h"

struct device_client {
    struct event_base *base;
    struct device_client_handler handler;
    struct mosquitto *mosq;
    int answer;               /* code of the CONNACK, -1: none yet */
    bool lost;                /* libmosquitto closed the connection */
    struct event *read_event; /* NULL until it runs, and the two below */
    struct event *write_event;
    struct event *second; /* keep-alive */
};

/* --- What libmosquitto calls --- */

static void on_connack(struct mosquitto *mosq, void *ctx, int code)
{
    struct device_client *client = ctx;

    (void)mosq;
    client->answer = code;
}

static void on_disconnect(struct mosquitto *mosq, void *ctx, int code)
{
    struct device_client *client = ctx;

    (void)mosq;
    (void)code;
    client->lost = true;
}

static void on_puback(struct mosquitto *mosq, void *ctx, int msg_id)
{
    struct device_client *client = ctx;

    (void)mosq;
    client->handler.acknowledged(client->handler.ctx, msg_id);
}

static void on_message(struct mosquitto *mosq, void *ctx, const struct mosquitto_message *message)
{
    struct device_client *client = ctx;
    const void *payload = message->payload != NULL ? message->payload : "";

    (void)mosq;
    client->handler.message(client->handler.ctx, message->topic, payload, (size_t)message->payloadlen);
}

/* --- The loop --- */

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct device_client *client = ctx;
    int error = MOSQ_ERR_SUCCESS;

    (void)fd;
    if (what & EV_READ)
        error = mosquitto_loop_read(client->mosq, 1);
    if (error == MOSQ_ERR_SUCCESS && (what & EV_WRITE))
        error = mosquitto_loop_write(client->mosq, 1);
    if (mosquitto_want_write(client->mosq))
        event_add(client->write_event, NULL);
    client->lost = client->lost || error != MOSQ_ERR_SUCCESS;
    client->handler.settle(client->handler.ctx);
}

static void on_second(evutil_socket_t fd, short what, void *ctx)
{
    struct device_client *client = ctx;

    (void)fd;
    (void)what;
    client->lost = client->lost || mosquitto_loop_misc(client->mosq) != MOSQ_ERR_SUCCESS;
    if (mosquitto_want_write(client->mosq))
        event_add(client->write_event, NULL);
    client->handler.settle(client->handler.ctx);
}

bool device_client_run(struct device_client *client)
{
    static const struct timeval second = {1, 0};
    int socket = mosquitto_socket(client->mosq);

    if (socket < 0)
        return false;
    client->read_event = event_new(client->base, socket, EV_READ | EV_PERSIST, on_socket, client);
    client->write_event = event_new(client->base, socket, EV_WRITE, on_socket, client);
    client->second = event_new(client->base, -1, EV_PERSIST, on_second, client);
    event_add(client->read_event, NULL);
    event_add(client->write_event, NULL);
    evtimer_add(client->second, &second);
    return true;
}

/* --- Who the device is --- */

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* The certificates of CaFile, and no others; without it those of the system. */
static int use_tls(struct mosquitto *client, const struct mcu_config *mcu)
{
    const char *ca_file = or_null(mcu->ca_file);

    return mosquitto_tls_set(client, ca_file, ca_file != NULL ? NULL : "/etc/ssl/certs",
                             or_null(mcu->certificate), or_null(mcu->key), NULL);
}

static void tell_tls_fault(const struct mcu_config *mcu)
{
    const struct {
        const char *key, *path;
    } files[] = {{"CaFile", mcu->ca_file}, {"ClientCertificate", mcu->certificate}, {"ClientKey", mcu->key}};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i].path[0] != '\0' && access(files[i].path, R_OK) != 0) {
            log_error(mcu->name, "cloud: %s %s: %s; name a file in PEM that this user can read", files[i].key,
                      files[i].path, strerror(errno));
            return;
        }
    }
    log_error(mcu->name,
              "cloud: no MQTT client with these settings; check CaFile, ClientCertificate and ClientKey");
}

/* A new client per connection: nothing is left in it of the one before. */
static struct mosquitto *new_mosquitto(const struct mcu_config *mcu, bool tls, void *ctx)
{
    char token[TOKEN_MAX + 1];
    struct mosquitto *mosq;
    bool good;

    if (!token_read(token, mcu))
        return NULL;
    mosq = mosquitto_new(NULL, true, ctx);
    good = mosq != NULL && mosquitto_username_pw_set(mosq, "device", token) == MOSQ_ERR_SUCCESS;
    explicit_bzero(token, sizeof token);
    if (good && (!tls || use_tls(mosq, mcu) == MOSQ_ERR_SUCCESS))
        return mosq;
    tell_tls_fault(mcu);
    mosquitto_destroy(mosq);
    return NULL;
}

/* --- Outside --- */

struct device_client *device_client_new(struct event_base *base, const struct mcu_config *mcu, bool tls,
                                        const struct device_client_handler *handler)
{
    struct device_client *client = memory_zeroed(sizeof *client);

    client->base = base;
    client->handler = *handler;
    client->answer = -1;
    client->mosq = new_mosquitto(mcu, tls, client);
    if (client->mosq == NULL) {
        free(client);
        return NULL;
    }
    mosquitto_connect_callback_set(client->mosq, on_connack);
    mosquitto_disconnect_callback_set(client->mosq, on_disconnect);
    mosquitto_publish_callback_set(client->mosq, on_puback);
    mosquitto_message_callback_set(client->mosq, on_message);
    return client;
}

void device_client_free(struct device_client *client, bool takes_leave)
{
    if (client->read_event != NULL) {
        event_free(client->read_event);
        event_free(client->write_event);
        event_free(client->second);
    }
    if (takes_leave && !client->lost)
        mosquitto_disconnect(client->mosq);
    mosquitto_destroy(client->mosq);
    free(client);
}

struct mosquitto *device_client_mosquitto(struct device_client *client)
{
    return client->mosq;
}

int device_client_answer(const struct device_client *client)
{
    return client->answer;
}

bool device_client_is_lost(const struct device_client *client)
{
    return client->lost;
}

void device_client_subscribe(struct device_client *client, const char *filter)
{
    mosquitto_subscribe(client->mosq, NULL, filter, 1);
    event_add(client->write_event, NULL);
}

int device_client_publish(struct device_client *client, int *msg_id, const char *topic, const void *payload,
                          size_t bytes, int qos)
{
    int error = mosquitto_publish(client->mosq, msg_id, topic, (int)bytes, payload, qos, false);

    event_add(client->write_event, NULL);
    return error;
}

bool device_client_has_unsent(const struct device_client *client)
{
    return mosquitto_want_write(client->mosq);
}
