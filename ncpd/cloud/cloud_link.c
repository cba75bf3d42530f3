/* States:
 *
 *     idle --start--> connecting --socket--> greeting --CONNACK 0--> connected --stop--> draining --> idle
 *                      ^     |                  |                      |                    (2 s)
 *                      |     '------------------+----------------------'
 *                      |                        v  lost, refused, silent
 *                      '----- back-off ----- waiting
 *
 * In the state connecting the client belongs to the connector, and nothing here touches it. */
#include "ncpd/cloud/cloud_link.h"

#include <event2/event.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/cloud/connector.h"
#include "ncpd/cloud/device_client.h"
#include "ncpd/cloud/redirect.h"

enum {
    KEEP_ALIVE_S = 45,
    GREETING_LIMIT_S = 15,
    DRAIN_LIMIT_S = 2,
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_LAST_MS = 60000,
    BACKOFF_TOKEN_MS = 60000, /* a wrong token does not get right soon */
    REDIRECT_TRIES = 3,
    INFO_BYTES = 1024,
    CONNACK_BAD_LOGIN = 4,
    CONNACK_NOT_AUTHORIZED = 5
};

enum state { IDLE, WAITING, CONNECTING, GREETING, CONNECTED, DRAINING };

struct cloud_link {
    struct event_base *base;
    const struct mcu_config *mcu;
    struct cloud_config redirected;
    bool is_redirected;
    struct report_queue *reports;
    struct cloud_link_handler handler;
    enum state state;
    bool wanted;
    char info[INFO_BYTES];
    struct mosquitto *mosq;
    int connack;    /* what the cloud said, -1 nothing yet */
    bool lost;      /* libmosquitto closed the connection */
    bool reconnect; /* asked for while libmosquitto calls */
    int failures;   /* in a row */
    int unsent;     /* messages given to libmosquitto since it had sent everything */
    uint32_t connections;
    uint32_t dropped;
    struct connector *connector;
    struct event *read_event;
    struct event *write_event;
    struct event *second;         /* keep-alive */
    struct event *timer;          /* back-off, greeting and draining */
    struct cloud_link *next_left; /* at the end of the program */
};

static const struct cloud_config *target(const struct cloud_link *link)
{
    return link->is_redirected ? &link->redirected : &link->mcu->cloud;
}

static void wait_ms(struct cloud_link *link, int ms)
{
    struct timeval delay = {ms / 1000, ms % 1000 * 1000};

    evtimer_add(link->timer, &delay);
}

/* --- Ends of a connection --- */

static void drop_connection(struct cloud_link *link)
{
    bool was_connected = link->state == CONNECTED || link->state == DRAINING;

    if (link->read_event != NULL) {
        event_free(link->read_event);
        event_free(link->write_event);
        link->read_event = link->write_event = NULL;
    }
    evtimer_del(link->second);
    evtimer_del(link->timer);
    if (was_connected && !link->lost) {
        mosquitto_disconnect(link->mosq);
    }
    mosquitto_destroy(link->mosq);
    link->mosq = NULL;
    link->state = IDLE;
    if (link->reports != NULL) {
        report_disconnected(link->reports);
    }
    if (was_connected) {
        link->handler.changed(link->handler.ctx, false);
    }
}

/* With a random part, so that a fleet does not come back all at once. */
static int backoff_ms(const struct cloud_link *link)
{
    int ms = BACKOFF_FIRST_MS;

    if (link->connack == CONNACK_BAD_LOGIN || link->connack == CONNACK_NOT_AUTHORIZED) {
        ms = BACKOFF_TOKEN_MS;
    }
    for (int i = 1; i < link->failures && ms < BACKOFF_LAST_MS; i++) {
        ms *= 2;
    }
    ms = ms < BACKOFF_LAST_MS ? ms : BACKOFF_LAST_MS;
    return ms / 2 + (int)(random() % ms);
}

/* The connection failed or ended, and not because it was not wanted any more. */
static void fail(struct cloud_link *link, const char *why)
{
    const struct cloud_config *to = target(link);
    int ms;

    drop_connection(link);
    if (!link->wanted) {
        return;
    }
    link->failures++;
    ms = backoff_ms(link);
    log_warning(link->mcu->name, "cloud %s:%u: %s; trying again in %d.%d s", to->host, to->port, why,
                ms / 1000, ms % 1000 / 100);
    if (link->is_redirected && link->failures >= REDIRECT_TRIES) {
        link->is_redirected = false;
    }
    link->state = WAITING;
    wait_ms(link, ms);
}

static void refused(struct cloud_link *link)
{
    char path[2 * CONFIG_TEXT];
    char why[sizeof path + 200];

    config_token_path(link->mcu, path);
    if (link->connack == CONNACK_BAD_LOGIN || link->connack == CONNACK_NOT_AUTHORIZED) {
        snprintf(why, sizeof why,
                 "the token in %s is not one of this cloud (code %d); add the device there, then %s", path,
                 link->connack,
                 link->mcu->token_credential[0] == '\0'
                     ? "put its token into that file"
                     : "put its token into the file of LoadCredential= and restart the service");
    } else {
        snprintf(why, sizeof why, "the cloud refused the connection: %s",
                 mosquitto_connack_string(link->connack));
    }
    fail(link, why);
}

/* --- While it is connected --- */

static void publish(struct cloud_link *link, const char *topic, const char *json, int *msg_id)
{
    int error = mosquitto_publish(link->mosq, msg_id, topic, (int)strlen(json), json, 1, false);

    if (error != MOSQ_ERR_SUCCESS) {
        log_warning(link->mcu->name, "cloud: %s could not be published: %s", topic,
                    mosquitto_strerror(error));
        *msg_id = 0;
    }
}

static void publish_reports(struct cloud_link *link)
{
    struct report *report;

    while (link->reports != NULL && (report = report_next(link->reports)) != NULL) {
        publish(link, "ota/report", report->json, &report->msg_id);
        if (report->msg_id == 0) {
            return;
        }
    }
}

static void greeted(struct cloud_link *link)
{
    int msg_id;

    log_info(link->mcu->name, "cloud %s:%u: connected", target(link)->host, target(link)->port);
    link->state = CONNECTED;
    link->failures = link->unsent = 0;
    link->connections++;
    evtimer_del(link->timer);
    mosquitto_subscribe(link->mosq, NULL, "downlink/#", 1);
    publish_reports(link);
    publish(link, "info/mcu", link->info, &msg_id);
    link->handler.changed(link->handler.ctx, true);
}

/* What libmosquitto's callbacks noted is acted on here, where they are over. */
static void settle(struct cloud_link *link)
{
    if (link->connack > 0) {
        refused(link);
    } else if (link->lost) {
        fail(link, link->connack < 0
                       ? "the connection ended before the login was answered; is this its MQTT port, and "
                         "is it one with TLS (mqtts) or without (mqtt), as the URL says?"
                       : "the connection was lost");
    } else if (link->reconnect) {
        link->reconnect = false;
        drop_connection(link);
        cloud_link_start(link, link->info);
    } else if (link->state == GREETING && link->connack == 0) {
        greeted(link);
    } else if (link->state == DRAINING && link->reports->count == 0) {
        drop_connection(link);
        log_info(link->mcu->name, "cloud: disconnected");
    }
    if (link->mosq != NULL && link->write_event != NULL && mosquitto_want_write(link->mosq)) {
        event_add(link->write_event, NULL);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct cloud_link *link = ctx;
    int error = MOSQ_ERR_SUCCESS;

    (void)fd;
    if (what & EV_READ) {
        error = mosquitto_loop_read(link->mosq, 1);
    }
    if (error == MOSQ_ERR_SUCCESS && (what & EV_WRITE)) {
        error = mosquitto_loop_write(link->mosq, 1);
    }
    link->lost = link->lost || error != MOSQ_ERR_SUCCESS;
    settle(link);
}

static void on_second(evutil_socket_t fd, short what, void *ctx)
{
    struct cloud_link *link = ctx;

    (void)fd;
    (void)what;
    link->lost = link->lost || mosquitto_loop_misc(link->mosq) != MOSQ_ERR_SUCCESS;
    settle(link);
}

/* --- What libmosquitto calls --- */

static void on_connack(struct mosquitto *mosq, void *ctx, int code)
{
    struct cloud_link *link = ctx;

    (void)mosq;
    link->connack = code;
}

static void on_disconnect(struct mosquitto *mosq, void *ctx, int code)
{
    struct cloud_link *link = ctx;

    (void)mosq;
    (void)code;
    link->lost = true;
}

static void on_puback(struct mosquitto *mosq, void *ctx, int msg_id)
{
    struct cloud_link *link = ctx;

    (void)mosq;
    if (link->reports != NULL) {
        report_acknowledged(link->reports, msg_id);
    }
}

static void on_message(struct mosquitto *mosq, void *ctx, const struct mosquitto_message *message)
{
    static const char prefix[] = "downlink/";
    struct cloud_link *link = ctx;

    (void)mosq;
    if (strncmp(message->topic, prefix, sizeof prefix - 1) == 0 && link->state == CONNECTED) {
        const void *payload = message->payload != NULL ? message->payload : "";
        link->handler.message(link->handler.ctx, message->topic + sizeof prefix - 1, payload,
                              (size_t)message->payloadlen);
    }
}

/* --- Making a connection --- */

/* A new client per connection: nothing is left in it of the one before. */
static bool make_client(struct cloud_link *link)
{
    link->mosq = device_client_new(link->mcu, target(link)->tls, link);
    if (link->mosq == NULL) {
        return false;
    }
    mosquitto_connect_callback_set(link->mosq, on_connack);
    mosquitto_disconnect_callback_set(link->mosq, on_disconnect);
    mosquitto_publish_callback_set(link->mosq, on_puback);
    mosquitto_message_callback_set(link->mosq, on_message);
    return true;
}

static void connect_now(struct cloud_link *link)
{
    link->connack = -1;
    link->lost = link->reconnect = false;
    if (!make_client(link)) {
        fail(link, "no connection could be started");
        return;
    }
    link->state = CONNECTING;
    connector_start(link->connector, link->mosq, target(link)->host, target(link)->port, KEEP_ALIVE_S);
    log_debug(link->mcu->name, "cloud %s:%u: connecting", target(link)->host, target(link)->port);
}

static void on_connected(void *ctx, const char *error)
{
    struct cloud_link *link = ctx;
    struct timeval second = {1, 0};
    int socket = mosquitto_socket(link->mosq);

    if (!link->wanted) {
        drop_connection(link);
        return;
    }
    if (error != NULL || socket < 0) {
        fail(link, error != NULL ? error : "the connection was lost");
        return;
    }
    link->state = GREETING;
    link->read_event = event_new(link->base, socket, EV_READ | EV_PERSIST, on_socket, link);
    link->write_event = event_new(link->base, socket, EV_WRITE, on_socket, link);
    event_add(link->read_event, NULL);
    event_add(link->write_event, NULL);
    evtimer_add(link->second, &second);
    wait_ms(link, GREETING_LIMIT_S * 1000);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct cloud_link *link = ctx;

    (void)fd;
    (void)what;
    if (link->state == WAITING) {
        connect_now(link);
    } else if (link->state == GREETING) {
        fail(link, "the login is not answered; is this its MQTT port?");
    } else if (link->state == DRAINING) {
        drop_connection(link);
    }
}

/* --- Outside --- */

/* Links whose thread was connecting at the end: kept within reach, where they are no leak. */
static struct cloud_link *left;

struct cloud_link *cloud_link_new(struct event_base *base, const struct mcu_config *mcu,
                                  struct report_queue *reports, const struct cloud_link_handler *handler)
{
    struct cloud_link *link = memory_zeroed(sizeof *link);

    mosquitto_lib_init();
    link->base = base;
    link->mcu = mcu;
    link->reports = reports;
    link->handler = *handler;
    link->state = IDLE;
    link->connector = connector_new(base, on_connected, link);
    link->second = event_new(base, -1, EV_PERSIST, on_second, link);
    link->timer = evtimer_new(base, on_timer, link);
    return link;
}

void cloud_link_free(struct cloud_link *link)
{
    if (link->state == CONNECTING) { /* the thread has it, and the program is about to end */
        link->next_left = left;
        left = link;
        return;
    }
    link->wanted = false;
    if (link->state != IDLE) {
        drop_connection(link);
    }
    connector_free(link->connector);
    event_free(link->second);
    event_free(link->timer);
    free(link);
    mosquitto_lib_cleanup();
}

void cloud_link_start(struct cloud_link *link, const char *info)
{
    link->wanted = true;
    if (info != link->info) {
        snprintf(link->info, sizeof link->info, "%s", info);
    }
    if (link->state == CONNECTING || link->state == GREETING) {
        return;
    }
    if (link->state != IDLE) {
        drop_connection(link);
    }
    connect_now(link);
}

void cloud_link_stop(struct cloud_link *link)
{
    link->wanted = false;
    if (link->state == CONNECTED && link->reports != NULL && link->reports->count > 0) {
        link->state = DRAINING;
        wait_ms(link, DRAIN_LIMIT_S * 1000);
    } else if (link->state != IDLE && link->state != CONNECTING) {
        drop_connection(link);
    }
}

void cloud_link_kick(struct cloud_link *link)
{
    if (link->state == CONNECTED || link->state == DRAINING) {
        publish_reports(link);
        if (mosquitto_want_write(link->mosq)) {
            event_add(link->write_event, NULL);
        }
    }
}

/* A cloud that takes less than comes in is not queued for without end. */
enum { UNSENT_MAX = 64 };

bool cloud_link_publish(struct cloud_link *link, const char *topic, const void *payload, size_t bytes,
                        int qos)
{
    if (link->state == CONNECTED && !mosquitto_want_write(link->mosq)) {
        link->unsent = 0;
    }
    if (link->state != CONNECTED || link->unsent == UNSENT_MAX ||
        mosquitto_publish(link->mosq, NULL, topic, (int)bytes, payload, qos, false) != MOSQ_ERR_SUCCESS) {
        link->dropped++;
        return false;
    }
    link->unsent++;
    event_add(link->write_event, NULL);
    return true;
}

bool cloud_link_redirect(struct cloud_link *link, const char *where)
{
    struct cloud_config to = *target(link);

    if (!redirect_take(&to, &link->mcu->cloud, where)) {
        return false;
    }
    link->redirected = to;
    link->is_redirected = true;
    link->reconnect = true;
    return true;
}

void cloud_link_status(const struct cloud_link *link, struct cloud_link_status *status)
{
    const struct cloud_config *to = target(link);

    *status = (struct cloud_link_status){.host = to->host,
                                         .port = to->port,
                                         .tls = to->tls,
                                         .connected = link->state == CONNECTED,
                                         .connections = link->connections,
                                         .dropped = link->dropped};
}
