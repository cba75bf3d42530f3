/* States:
 *
 *     idle --start--> connecting --socket--> greeting --CONNACK 0--> connected --stop--> draining --> idle
 *                      ^     |                  |                      |                    (2 s)
 *                      |     '------------------+----------------------'
 *                      |                        v  lost, refused, silent
 *                      '----- back-off ----- waiting      (also of redirects that do not end)
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
    REDIRECTS_AT_ONCE = 3,
    STEADY_MS = 10000, /* what was connected for so long, no failure or redirect before counts any more */
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
    struct device_client *client; /* NULL in IDLE and WAITING */
    bool reconnect;               /* asked for while the client calls */
    bool token_refused;           /* at the end of the last connection */
    int failures;                 /* in a row */
    int redirects;                /* in a row */
    int unsent;                   /* messages given to the client since it had sent everything */
    uint32_t connections;
    uint32_t dropped;
    struct connector *connector;
    struct event *timer;          /* back-off, greeting, steadiness and draining */
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

    evtimer_del(link->timer);
    if (link->client != NULL) {
        device_client_free(link->client, was_connected);
        link->client = NULL;
    }
    link->state = IDLE;
    if (link->reports != NULL)
        report_disconnected(link->reports);
    if (was_connected)
        link->handler.changed(link->handler.ctx, false);
}

/* With a random part, so that a fleet does not come back all at once. */
static int backoff_ms(const struct cloud_link *link, int times)
{
    int ms = BACKOFF_FIRST_MS;

    if (link->token_refused)
        ms = BACKOFF_TOKEN_MS;
    for (int i = 1; i < times && ms < BACKOFF_LAST_MS; i++)
        ms *= 2;
    ms = ms < BACKOFF_LAST_MS ? ms : BACKOFF_LAST_MS;
    return ms / 2 + (int)(random() % ms);
}

/* The connection failed or ended, and not because it was not wanted any more. */
static void fail(struct cloud_link *link, const char *why)
{
    const struct cloud_config *to = target(link);
    int ms;

    drop_connection(link);
    if (!link->wanted)
        return;
    link->failures++;
    ms = backoff_ms(link, link->failures);
    log_warning(link->mcu->name, "cloud %s:%u: %s; trying again in %d.%d s", to->host, to->port, why,
                ms / 1000, ms % 1000 / 100);
    if (link->is_redirected && link->failures >= REDIRECT_TRIES)
        link->is_redirected = false;
    link->state = WAITING;
    wait_ms(link, ms);
}

static void refused(struct cloud_link *link, int answer)
{
    char path[2 * CONFIG_TEXT];
    char why[sizeof path + 200];

    config_token_path(link->mcu, path);
    link->token_refused = answer == CONNACK_BAD_LOGIN || answer == CONNACK_NOT_AUTHORIZED;
    if (link->token_refused)
        snprintf(why, sizeof why,
                 "the token in %s is not one of this cloud (code %d); add the device there, then %s", path,
                 answer,
                 link->mcu->token_credential[0] == '\0'
                     ? "put its token into that file"
                     : "put its token into the file of LoadCredential= and restart the service");
    else
        snprintf(why, sizeof why, "the cloud refused the connection: %s", mosquitto_connack_string(answer));
    fail(link, why);
}

/* --- While it is connected --- */

static void publish(struct cloud_link *link, const char *topic, const char *json, int *msg_id)
{
    int error = device_client_publish(link->client, msg_id, topic, json, strlen(json), 1);

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
        if (report->msg_id == 0)
            return;
    }
}

static void greeted(struct cloud_link *link)
{
    int msg_id;

    log_info(link->mcu->name, "cloud %s:%u: connected", target(link)->host, target(link)->port);
    link->state = CONNECTED;
    link->unsent = 0;
    link->connections++;
    wait_ms(link, STEADY_MS);
    device_client_subscribe(link->client, "downlink/#");
    publish_reports(link);
    publish(link, "info/mcu", link->info, &msg_id);
    link->handler.changed(link->handler.ctx, true);
}

/* --- What the client says --- */

static void on_acknowledged(void *ctx, int msg_id)
{
    struct cloud_link *link = ctx;

    if (link->reports != NULL)
        report_acknowledged(link->reports, msg_id);
}

static void on_message(void *ctx, const char *topic, const void *payload, size_t bytes)
{
    static const char prefix[] = "downlink/";
    struct cloud_link *link = ctx;

    if (strncmp(topic, prefix, sizeof prefix - 1) == 0 && link->state == CONNECTED)
        link->handler.message(link->handler.ctx, topic + sizeof prefix - 1, payload, bytes);
}

/* Clouds that send it to and fro, or to themselves, are not asked ever faster. */
static void follow_redirect(struct cloud_link *link)
{
    const struct cloud_config *to = target(link);
    int ms;

    link->reconnect = false;
    drop_connection(link);
    if (link->redirects <= REDIRECTS_AT_ONCE) {
        cloud_link_start(link, link->info);
        return;
    }
    ms = backoff_ms(link, link->redirects - REDIRECTS_AT_ONCE);
    log_warning(link->mcu->name, "cloud: redirected %d times in a row; connecting to %s:%u in %d.%d s",
                link->redirects, to->host, to->port, ms / 1000, ms % 1000 / 100);
    link->state = WAITING;
    wait_ms(link, ms);
}

static void on_settle(void *ctx)
{
    struct cloud_link *link = ctx;
    int answer = device_client_answer(link->client);

    if (answer > 0) {
        refused(link, answer);
    } else if (device_client_is_lost(link->client)) {
        fail(link, answer < 0
                       ? "the connection ended before the login was answered; is this its MQTT port, and "
                         "is it one with TLS (mqtts) or without (mqtt), as the URL says?"
                       : "the connection was lost");
    } else if (link->reconnect) {
        follow_redirect(link);
    } else if (link->state == GREETING && answer == 0) {
        greeted(link);
    } else if (link->state == DRAINING && link->reports->count == 0) {
        drop_connection(link);
        log_info(link->mcu->name, "cloud: disconnected");
    }
}

/* --- Making a connection --- */

static void connect_now(struct cloud_link *link)
{
    const struct cloud_config *to = target(link);
    const struct device_client_handler handler = {on_message, on_acknowledged, on_settle, link};

    link->reconnect = link->token_refused = false;
    link->client = device_client_new(link->base, link->mcu, to->tls, &handler);
    if (link->client == NULL) {
        fail(link, "no connection could be started");
        return;
    }
    link->state = CONNECTING;
    connector_start(link->connector, device_client_mosquitto(link->client), to->host, to->port, KEEP_ALIVE_S);
    log_debug(link->mcu->name, "cloud %s:%u: connecting", to->host, to->port);
}

static void on_connected(void *ctx, const char *error)
{
    struct cloud_link *link = ctx;

    if (!link->wanted) {
        drop_connection(link);
    } else if (error != NULL || !device_client_run(link->client)) {
        fail(link, error != NULL ? error : "the connection was lost");
    } else {
        link->state = GREETING;
        wait_ms(link, GREETING_LIMIT_S * 1000);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct cloud_link *link = ctx;

    (void)fd;
    (void)what;
    if (link->state == WAITING)
        connect_now(link);
    else if (link->state == GREETING)
        fail(link, "the login is not answered; is this its MQTT port?");
    else if (link->state == CONNECTED)
        link->failures = link->redirects = 0;
    else if (link->state == DRAINING)
        drop_connection(link);
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
    if (link->state != IDLE)
        drop_connection(link);
    connector_free(link->connector);
    event_free(link->timer);
    free(link);
    mosquitto_lib_cleanup();
}

void cloud_link_start(struct cloud_link *link, const char *info)
{
    link->wanted = true;
    if (info != link->info)
        snprintf(link->info, sizeof link->info, "%s", info);
    if (link->state == CONNECTING || link->state == GREETING)
        return;
    if (link->state != IDLE)
        drop_connection(link);
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
    if (link->state == CONNECTED || link->state == DRAINING)
        publish_reports(link);
}

/* A cloud that takes less than comes in is not queued for without end. */
enum { UNSENT_MAX = 64 };

bool cloud_link_publish(struct cloud_link *link, const char *topic, const void *payload, size_t bytes,
                        int qos)
{
    if (link->state == CONNECTED && !device_client_has_unsent(link->client))
        link->unsent = 0;
    if (link->state != CONNECTED || link->unsent == UNSENT_MAX ||
        device_client_publish(link->client, NULL, topic, payload, bytes, qos) != MOSQ_ERR_SUCCESS) {
        link->dropped++;
        return false;
    }
    link->unsent++;
    return true;
}

bool cloud_link_redirect(struct cloud_link *link, const char *where)
{
    struct cloud_config to = *target(link);

    if (!redirect_take(&to, &link->mcu->cloud, where))
        return false;
    link->redirected = to;
    link->is_redirected = true;
    link->reconnect = true;
    link->redirects++;
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
