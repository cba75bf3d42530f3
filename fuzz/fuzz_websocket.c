/* A client that sends anything through a WebSocket: what its frames carry goes to an MQTT session, as in the
 * gateway. The first byte says how the input is cut. And the handshake, over any head. */
#include "cloud/mqtt/session.h"
#include "cloud/net/devices/websocket.h"
#include "fuzz/fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>

struct client {
    struct mqtt_session session;
    struct websocket *websocket;
    bool ended;
};

static void on_send(void *ctx, const uint8_t *bytes, size_t count)
{
    struct client *client = ctx;
    websocket_send(client->websocket, bytes, count);
}

static void on_login(void *ctx, const struct mqtt_login *login)
{
    (void)login;
    mqtt_session_accept(&((struct client *)ctx)->session, 0);
}

static void on_packet(void *ctx)
{
    (void)ctx;
}

static bool on_message(void *ctx, const struct mqtt_message *message)
{
    (void)ctx;
    return message->payload.length % 2 == 0;
}

static void on_acknowledged(void *ctx, uint16_t packet_id)
{
    (void)ctx;
    (void)packet_id;
}

static void on_ended(void *ctx, enum mqtt_end end)
{
    struct client *client = ctx;
    (void)end;
    require(!client->ended);
    client->ended = true;
}

static const struct mqtt_session_ops ops = {on_send,    on_login,        on_packet,
                                            on_message, on_acknowledged, on_ended};

static void take(struct client *client)
{
    struct evbuffer *input = websocket_input(client->websocket);
    size_t bytes = evbuffer_get_length(input);
    if (bytes > 0 && !client->ended)
        evbuffer_drain(input, mqtt_session_receive(&client->session, evbuffer_pullup(input, -1), bytes, 0));
}

/* The stream's input is a buffer that the test fills: no socket is read. */
static void run_frames(const uint8_t *data, size_t size, size_t step)
{
    static struct event_base *base;
    if (base == NULL)
        base = event_base_new();
    struct bufferevent *pair[2];
    require(base != NULL && bufferevent_pair_new(base, 0, pair) == 0);
    struct client client = {.websocket = websocket_new(pair[0])};
    mqtt_session_init(&client.session, &mqtt_session_defaults, &ops, &client, 1, 0);
    bool open = true;
    bufferevent_enable(pair[0], EV_READ | EV_WRITE);
    bufferevent_enable(pair[1], EV_READ | EV_WRITE);
    for (size_t at = 0; at < size && open && !client.ended; at += step) {
        bufferevent_write(pair[1], data + at, size - at < step ? size - at : step);
        event_base_loop(base, EVLOOP_NONBLOCK);
        open = websocket_receive(client.websocket);
        take(&client);
    }
    websocket_close(client.websocket);
    websocket_free(client.websocket);
    bufferevent_free(pair[0]);
    bufferevent_free(pair[1]);
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static void run_handshake(const uint8_t *data, size_t size)
{
    static struct http_head head;
    char accept[WEBSOCKET_ACCEPT_MAX];
    if (http_head_parse(&head, (const char *)data, size) <= 0)
        return;
    int status = websocket_handshake(&head, accept);
    require(status == 0 || status == 400 || status == 426);
    require(status != 0 || strlen(accept) == 28);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] == 'G')
        run_handshake(data, size);
    else
        run_frames(data + 1, size - 1, data[0] % 64 + 1);
    return 0;
}
