/* A device that sends anything, in any pieces, with a gateway above that does anything it may.
 *
 * Required: nothing out of bounds (the sanitizers), one end, nothing sent behind it, every byte sent is part
 * of a packet, slices of events lie in the input. */
#include "cloud/mqtt/session.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

struct gateway {
    struct mqtt_session session;
    uint8_t choices;     /* what the gateway does, bit by bit */
    uint8_t sent[65536]; /* since the last whole packet */
    size_t sent_bytes;
    uint16_t unacknowledged;
    bool ended;
};

/* Drops whole packets off the front of what was sent. */
static void drop_packets(struct gateway *g)
{
    struct mqtt_header header;
    int head;

    while ((head = mqtt_header_read(&header, g->sent, g->sent_bytes)) > 0) {
        size_t bytes = (size_t)head + header.body_bytes;

        if (bytes > g->sent_bytes)
            break;
        g->sent_bytes -= bytes;
        memmove(g->sent, g->sent + bytes, g->sent_bytes);
    }
    require(head >= 0);
}

static void on_send(void *ctx, const uint8_t *bytes, size_t count)
{
    struct gateway *g = ctx;

    require(!g->ended && count > 0 && count <= sizeof g->sent - g->sent_bytes);
    memcpy(g->sent + g->sent_bytes, bytes, count);
    g->sent_bytes += count;
}

static void on_login(void *ctx, const struct mqtt_login *login)
{
    struct gateway *g = ctx;

    require(mqtt_utf8_valid(login->user_name));
    if (g->choices & 1)
        mqtt_session_accept(&g->session, 0);
    else if (g->choices & 2)
        mqtt_session_refuse(&g->session, (enum mqtt_refusal)(g->choices % 3));
}

static void on_packet(void *ctx)
{
    struct gateway *g = ctx;

    if (g->choices & 16)
        mqtt_session_hold(&g->session);
}

static bool on_message(void *ctx, const struct mqtt_message *message)
{
    struct gateway *g = ctx;

    require(mqtt_topic_valid(message->topic) && mqtt_utf8_valid(message->topic));
    require((message->qos == 0) == (message->packet_id == 0));
    (void)!mqtt_session_publish(&g->session, "downlink/ota/json", "{}", 2, 1);
    (void)!mqtt_session_publish(&g->session, "downlink/ds/a", "1", 1, 1);
    if (g->choices & 4) {
        g->unacknowledged = message->packet_id;
        return false;
    }
    if (g->choices & 8)
        mqtt_session_end(&g->session, MQTT_END_KICKED);
    return true;
}

static void on_acknowledged(void *ctx, uint16_t packet_id)
{
    (void)ctx;
    require(packet_id != 0);
}

static void on_ended(void *ctx, enum mqtt_end end)
{
    struct gateway *g = ctx;

    require(!g->ended && *mqtt_end_slug(end) != 0);
    g->ended = true;
}

static const struct mqtt_session_ops ops = {on_send,    on_login,        on_packet,
                                            on_message, on_acknowledged, on_ended};

static void receive(struct gateway *g, const uint8_t *data, size_t size, size_t step)
{
    size_t taken = 0, there = 0;

    while (taken < size) {
        uint8_t *exact;

        there = there + step < size ? there + step : size;
        exact = malloc(there - taken);
        memcpy(exact, data + taken, there - taken);
        taken += mqtt_session_receive(&g->session, exact, there - taken, there);
        free(exact);
        mqtt_session_acknowledge(&g->session, g->unacknowledged);
        drop_packets(g);
        mqtt_session_accept(&g->session, there);
        if (there == size)
            break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gateway g;
    uint64_t now_ms = 0;

    if (size < 2)
        return 0;
    memset(&g, 0, sizeof g);
    g.choices = data[0];
    mqtt_session_init(&g.session, &mqtt_session_defaults, &ops, &g, 1, 0);
    receive(&g, data + 2, size - 2, 1 + data[1]);
    now_ms += UINT64_C(100000000);
    (void)mqtt_session_poll(&g.session, now_ms);
    mqtt_session_end(&g.session, MQTT_END_SHUTDOWN);
    require(g.ended);
    drop_packets(&g);
    require(g.sent_bytes == 0);
    return 0;
}
