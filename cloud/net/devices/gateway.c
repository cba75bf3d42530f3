#include "cloud/net/devices/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/fleet/devices/device.h"
#include "cloud/log.h"
#include "cloud/net/devices/connection.h"
#include "tandem/error.h"

/* --- An offer that does not go out --- */

struct unsent {
    struct desk_job job;
    int64_t device;
    int64_t shipment;
    char why[200];
};

static int unsent_run(struct desk_job *job, struct fleet *fleet)
{
    const struct unsent *unsent = (const struct unsent *)job;
    return device_offer_unsent(fleet, unsent->device, unsent->shipment, unsent->why);
}

static void unsent_done(struct desk_job *job, int result)
{
    const struct unsent *unsent = (const struct unsent *)job;
    if (result != STORE_OK)
        log_line(LOG_LEVEL_ERROR, "device-event-lost", "device=d%lld shipment=s%lld result=%d",
                 (long long)unsent->device, (long long)unsent->shipment, result);
    free(job);
}

/* It was committed as sent, which it nearly always is. The operator finds out here why it is not. */
static void take_back(struct gateway *gateway, const struct effect *effect, const char *why)
{
    struct unsent *unsent = calloc(1, sizeof *unsent);
    if (unsent == NULL)
        abort();
    *unsent = (struct unsent){{.run = unsent_run, .done = unsent_done}, effect->device, effect->shipment, ""};
    snprintf(unsent->why, sizeof unsent->why, "%s", why);
    log_line(LOG_LEVEL_WARNING, "offer-not-sent", "device=d%lld shipment=s%lld why=\"%s\"",
             (long long)effect->device, (long long)effect->shipment, why);
    desk_post(gateway->desk, &unsent->job);
}

/* --- What the fleet wants --- */

static void send_offer(struct gateway *gateway, const struct effect *effect)
{
    char why[200];
    struct connection *c = idmap_get(&gateway->connections, effect->connection);
    if (c == NULL || c->ended) {
        take_back(gateway, effect, "the connection is gone");
        return;
    }
    int error = mqtt_session_publish(&c->session, "downlink/ota/json", effect->text, effect->bytes, 0);
    if (error == TDM_E_ROOM) {
        snprintf(
            why, sizeof why,
            "it takes %zu bytes with its topic, more than the device's buffer (rxbuff, or its maximum packet "
            "size); a shorter --public-url makes it shorter",
            strlen("downlink/ota/json") + effect->bytes + 5);
        take_back(gateway, effect, why);
    } else if (error < 0) {
        take_back(gateway, effect, tdm_error_text(error));
    } else {
        log_line(LOG_LEVEL_INFO, "offer-sent", "device=d%lld shipment=s%lld", (long long)effect->device,
                 (long long)effect->shipment);
    }
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

static void put_out(struct gateway *gateway, int64_t device)
{
    paces_forget(&gateway->paces, device);
    struct connection *c = idmap_get(&gateway->devices, (uint64_t)device);
    if (c == NULL)
        return;
    mqtt_session_end(&c->session, MQTT_END_KICKED);
    connection__serve(c);
}

/* Its token logs in no more. If it did not since before, its connection is of a newer one. */
static void end_token(struct gateway *gateway, int64_t device, const uint8_t hash[SECRET_HASH_BYTES])
{
    if (tokens_remove(gateway->tokens, hash, device))
        put_out(gateway, device);
}

/* Another device may have had it, whose end another server tells of later than of this one's beginning. */
static void begin_token(struct gateway *gateway, int64_t device, const uint8_t hash[SECRET_HASH_BYTES])
{
    int64_t before = tokens_add(gateway->tokens, hash, device);
    if (before != 0 && before != device)
        put_out(gateway, before);
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
        begin_token(gateway, effect->device, effect->token_hash);
        break;
    case EFFECT_TOKEN_REMOVED:
    case EFFECT_TOKEN_ENDED:
        end_token(gateway, effect->device, effect->token_hash);
        break;
    case EFFECT_NOTICE: /* is not for devices */
        break;
    }
}

/* --- The doors --- */

bool gateway_admits(struct gateway *gateway)
{
    return bound_admits(&gateway->bound, gateway->connections.count + gateway->waiting.count);
}

static void open_clear_or_tls(struct door *door, evutil_socket_t fd, const char *client)
{
    struct gateway *gateway = door->owner;
    struct stream_source source = {.fd = fd};
    if (door->tls != NULL)
        source.bev = door_stream(door, gateway->base, fd);
    connection__open(gateway, &source, client);
}

static void on_client(void *ctx, evutil_socket_t fd, const char *client)
{
    struct door *door = ctx;
    struct gateway *gateway = door->owner;
    if (connection__overslept(gateway))
        close(fd);
    else
        open_clear_or_tls(door, fd, client);
}

static void on_accept(struct door *door, evutil_socket_t fd, const struct sockaddr *peer)
{
    struct gateway *gateway = door->owner;
    char address[LISTEN_PEER_MAX];
    if (!gateway_admits(gateway) || connection__overslept(gateway))
        close(fd);
    else if (gateway->balancers->count > 0 && proxies_name(gateway->balancers, listen_peer(peer, address)))
        proxied_open(gateway->base, &gateway->waiting, fd, address, on_client, door);
    else
        open_clear_or_tls(door, fd, NULL);
}

void gateway_take_websocket(struct gateway *gateway, struct bufferevent *bev, const char *client)
{
    connection__open(gateway, &(struct stream_source){.bev = bev, .websocket = true}, client);
}

struct gateway *gateway_start(struct event_base *base, const struct door doors[GATEWAY_DOORS],
                              struct bound bound, const struct proxies *balancers, struct tokens *tokens,
                              struct gateway_downloads downloads, char *why, size_t capacity)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL)
        abort();
    *gateway = (struct gateway){
        .base = base, .bound = bound, .balancers = balancers, .tokens = tokens, .downloads = downloads};
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

static void on_beat(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)connection__overslept(ctx);
}

void gateway_attach(struct gateway *gateway, struct desk *desk, bool shared)
{
    static const struct timeval every = {.tv_usec = 500 * 1000};
    gateway->desk = desk;
    gateway->shared = shared;
    gateway->alive_ms = connection__clock_ms();
    gateway->beat = event_new(gateway->base, -1, EV_PERSIST, on_beat, gateway);
    if (gateway->beat == NULL || event_add(gateway->beat, &every) != 0)
        abort();
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
    for (int i = 0; i < GATEWAY_DOORS; i++)
        door_close(&gateway->doors[i]);
    proxied_close(&gateway->waiting);
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
    proxied_close(&gateway->waiting);
    if (gateway->beat != NULL)
        event_free(gateway->beat);
    idmap_free(&gateway->connections);
    idmap_free(&gateway->devices);
    paces_free(&gateway->paces);
    free(gateway);
}
