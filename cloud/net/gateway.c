#include "cloud/net/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/fleet/device.h"
#include "cloud/log.h"
#include "cloud/net/connection.h"
#include "tandem/error.h"

#define SENT_MAX 256

/* --- Offers that were sent --- */

/* One job for all that one batch of the desk's decided. */
struct sent {
    struct desk_job job;
    size_t count;
    struct sent_offer {
        int64_t device;
        int64_t shipment;
    } offers[SENT_MAX];
};

static int sent_run(struct desk_job *job, struct fleet *fleet)
{
    const struct sent *sent = (const struct sent *)job;
    int result = STORE_OK;
    for (size_t i = 0; i < sent->count && result == STORE_OK; i++)
        result = device_offer_sent(fleet, sent->offers[i].device, sent->offers[i].shipment);
    return result;
}

static void sent_done(struct desk_job *job, int result)
{
    /* The offers are out. That they are shown as on their way is all that is lost. */
    if (result != STORE_OK)
        log_line(LOG_LEVEL_WARNING, "sent-not-noted", "offers=%zu result=%d", ((struct sent *)job)->count,
                 result);
    free(job);
}

static void post_sent(struct gateway *gateway)
{
    if (gateway->sent != NULL)
        desk_post(gateway->desk, &gateway->sent->job);
    gateway->sent = NULL;
}

static void on_sent(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    post_sent(ctx);
}

/* Posted when the loop comes round. */
static void note_sent(struct gateway *gateway, const struct effect *effect)
{
    if (gateway->sent == NULL) {
        gateway->sent = calloc(1, sizeof *gateway->sent);
        if (gateway->sent == NULL)
            abort();
        gateway->sent->job.run = sent_run;
        gateway->sent->job.done = sent_done;
        gateway->sent->job.simple = true;
        event_active(gateway->sent_event, 0, 0);
    }
    gateway->sent->offers[gateway->sent->count++] = (struct sent_offer){effect->device, effect->shipment};
    if (gateway->sent->count == SENT_MAX)
        post_sent(gateway);
}

/* --- What the fleet wants --- */

/* The update ends when its time is over: the operator finds out here why. */
static void offer_not_sent(struct connection *c, const struct effect *effect, int error)
{
    struct job *job = job__new(c, JOB_LOG);
    if (error == TDM_E_ROOM)
        snprintf(job->text, sizeof job->text,
                 "the offer was not sent: it takes %zu bytes with its topic, more than the device's buffer "
                 "(rxbuff, or its "
                 "maximum packet size); a shorter --public-url makes it shorter",
                 strlen("downlink/ota/json") + strlen(effect->text) + 5);
    else
        snprintf(job->text, sizeof job->text, "the offer was not sent: %s", tdm_error_text(error));
    log_line(LOG_LEVEL_WARNING, "offer-not-sent", "device=d%lld shipment=s%lld why=\"%s\"",
             (long long)effect->device, (long long)effect->shipment, tdm_error_text(error));
    job__post(c, job);
}

static void send_offer(struct gateway *gateway, const struct effect *effect)
{
    struct connection *c = idmap_get(&gateway->connections, effect->connection);
    if (c == NULL || c->ended)
        return;
    int error = mqtt_session_publish(&c->session, "downlink/ota/json", effect->text, strlen(effect->text), 0);
    if (error < 0) {
        offer_not_sent(c, effect, error);
        return;
    }
    log_line(LOG_LEVEL_INFO, "offer-sent", "device=d%lld shipment=s%lld", (long long)effect->device,
             (long long)effect->shipment);
    note_sent(gateway, effect);
}

/* What the fleet has to say beside offers. A ping's PUBACK is awaited (connection.c). */
static void publish(struct gateway *gateway, const struct effect *effect)
{
    struct connection *c = idmap_get(&gateway->connections, effect->connection);
    if (c == NULL || c->ended)
        return;
    int sent = mqtt_session_publish(&c->session, effect->topic, effect->text, effect->bytes, effect->qos);
    if (sent < 0)
        log_line(LOG_LEVEL_DEBUG, "message-not-sent", "device=d%lld result=%d", (long long)effect->device,
                 sent);
    if (sent > 0 && strcmp(effect->topic, "downlink/ping") == 0) {
        c->ping = (uint16_t)sent;
        c->ping_ms = connection__clock_ms();
    }
}

static void end_device(struct gateway *gateway, int64_t device)
{
    struct connection *c = idmap_get(&gateway->devices, (uint64_t)device);
    if (c == NULL)
        return;
    mqtt_session_end(&c->session, MQTT_END_KICKED);
    connection__serve(c);
}

/* Only this one: on this server the device may have come back meanwhile. */
static void end_connection(struct gateway *gateway, uint64_t connection)
{
    struct connection *c = idmap_get(&gateway->connections, connection);
    if (c == NULL || c->ended)
        return;
    mqtt_session_end(&c->session, MQTT_END_TAKEN_OVER);
    connection__serve(c);
}

void gateway_effect(void *ctx, const struct effect *effect)
{
    struct gateway *gateway = ctx;
    switch (effect->kind) {
    case EFFECT_OFFER:
        send_offer(gateway, effect);
        break;
    case EFFECT_PUBLISH:
        publish(gateway, effect);
        break;
    case EFFECT_TAKEN_OVER:
        end_connection(gateway, effect->connection);
        break;
    case EFFECT_TOKEN_ADDED:
    case EFFECT_TOKEN_KNOWN:
        tokens_add(gateway->tokens, effect->token_hash, effect->device);
        break;
    case EFFECT_TOKEN_REMOVED:
        tokens_remove(gateway->tokens, effect->token_hash);
        paces_forget(&gateway->paces, effect->device);
        end_device(gateway, effect->device);
        break;
    case EFFECT_NOTICE: /* is not for devices */
        break;
    }
}

/* --- The doors --- */

bool gateway_admits(struct gateway *gateway)
{
    return bound_admits(&gateway->bound, gateway->connections.count);
}

static void on_accept(struct door *door, evutil_socket_t fd, const struct sockaddr *peer)
{
    (void)peer;
    struct gateway *gateway = door->owner;
    if (gateway_admits(gateway))
        connection__open(gateway, door_stream(door, gateway->base, fd), false);
    else
        close(fd);
}

void gateway_take_websocket(struct gateway *gateway, struct bufferevent *bev)
{
    connection__open(gateway, bev, true);
}

struct gateway *gateway_start(struct event_base *base, const struct door doors[GATEWAY_DOORS],
                              struct bound bound, struct tokens *tokens, struct gateway_downloads downloads,
                              char *why, size_t capacity)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL)
        abort();
    *gateway = (struct gateway){.base = base, .bound = bound, .tokens = tokens, .downloads = downloads};
    gateway->sent_event = event_new(base, -1, 0, on_sent, gateway);
    if (gateway->sent_event == NULL)
        abort();
    for (int i = 0; i < GATEWAY_DOORS; i++) {
        gateway->doors[i] = doors[i];
        gateway->doors[i].on_accept = on_accept;
        gateway->doors[i].owner = gateway;
        if (!door_open(&gateway->doors[i], base, why, capacity)) {
            gateway_free(gateway);
            return NULL;
        }
    }
    return gateway;
}

uint16_t gateway_port(const struct gateway *gateway, int door)
{
    return door_port(&gateway->doors[door]);
}

void gateway_attach(struct gateway *gateway, struct desk *desk)
{
    gateway->desk = desk;
}

bool gateway_close(struct gateway *gateway)
{
    size_t count = gateway->connections.count;
    struct connection **all = calloc(count + 1, sizeof *all);
    if (all == NULL)
        abort();
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        all[i] = idmap_next(&gateway->connections, &at);
    post_sent(gateway);
    for (int i = 0; i < GATEWAY_DOORS; i++)
        door_close(&gateway->doors[i]);
    for (size_t i = 0; i < count; i++) {
        if (!all[i]->ended)
            mqtt_session_end(&all[i]->session, MQTT_END_SHUTDOWN);
        connection__serve(all[i]); /* frees it, if there is nothing to flush */
    }
    free(all);
    return gateway->connections.count > 0;
}

void gateway_free(struct gateway *gateway)
{
    for (;;) {
        size_t at = 0;
        struct connection *c = idmap_next(&gateway->connections, &at);
        if (c == NULL)
            break;
        connection__destroy(c);
    }
    for (int i = 0; i < GATEWAY_DOORS; i++)
        door_close(&gateway->doors[i]);
    event_free(gateway->sent_event);
    free(gateway->sent);
    idmap_free(&gateway->connections);
    idmap_free(&gateway->devices);
    paces_free(&gateway->paces);
    free(gateway);
}
