/* The life of a session: login, packets in their order, subscriptions, limits, end. States: see session.h.
 *
 * Invariants: ops->ended is called once, as the last call, on the way to MQTT_ENDED; a packet is only acted
 * on once all of it is there and well-formed; nothing is taken while a login is being decided. */
#include "cloud/mqtt/session_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* Bit 7 and an older version: mosquitto's bridges. They know the codes of 3.1.1. */
#define BRIDGE_VERSIONS 0x80

const struct mqtt_session_config mqtt_session_defaults = {
    .login_limit_ms = 10000,
    .packet_max = 4096,
    .message_max = 1024,
    .client_id_max_chars = 64,
};

static const struct {
    const char *slug, *text;
} ends[] = {
#define END_ROW(name, slug, text) {slug, text},
    MQTT_ENDS(END_ROW)
#undef END_ROW
};

const char *mqtt_end_slug(enum mqtt_end end)
{
    return ends[end].slug;
}

const char *mqtt_end_text(enum mqtt_end end)
{
    return ends[end].text;
}

void mqtt_session_init(struct mqtt_session *s, const struct mqtt_session_config *config,
                       const struct mqtt_session_ops *ops, void *ctx, uint64_t number, uint64_t now_ms)
{
    *s = (struct mqtt_session){.config = config,
                               .ops = ops,
                               .ctx = ctx,
                               .number = number,
                               .since_ms = now_ms,
                               .state = MQTT_WAITING};
}

void mqtt__session_send(struct mqtt_session *s, const struct mqtt_writer *packet)
{
    s->ops->send(s->ctx, packet->data, packet->length);
}

/* ---- The end ---- */

static void end(struct mqtt_session *s, enum mqtt_end why)
{
    s->state = MQTT_ENDED;
    mqtt_subscriptions_clear(&s->subscriptions);
    s->ops->ended(s->ctx, why);
}

/* MQTT 5 says why; before the login there is nothing to disconnect, and 3.1.1 just closes. */
static void end_saying(struct mqtt_session *s, enum mqtt_end why, uint8_t reason)
{
    uint8_t memory[8];
    struct mqtt_writer w;

    if (s->version == MQTT_5 && s->state == MQTT_CONNECTED) {
        mqtt_writer_init(&w, memory, sizeof memory);
        mqtt_disconnect_write(&w, reason);
        mqtt__session_send(s, &w);
    }
    end(s, why);
}

static enum mqtt_end end_of_reason(uint8_t reason)
{
    switch (reason) {
    case MQTT_MALFORMED:
        return MQTT_END_MALFORMED;
    case MQTT_PACKET_TOO_LARGE:
        return MQTT_END_TOO_LARGE;
    case MQTT_RECEIVE_MAXIMUM_EXCEEDED:
        return MQTT_END_FLOOD;
    default:
        return MQTT_END_PROTOCOL;
    }
}

void mqtt__session_fail(struct mqtt_session *s, uint8_t reason)
{
    end_saying(s, end_of_reason(reason), reason);
}

void mqtt_session_end(struct mqtt_session *s, enum mqtt_end why)
{
    uint8_t reason = MQTT_ADMINISTRATIVE;

    if (s->state == MQTT_ENDED)
        return;
    if (why == MQTT_END_TAKEN_OVER)
        reason = MQTT_SESSION_TAKEN_OVER;
    else if (why == MQTT_END_SHUTDOWN)
        reason = MQTT_SHUTTING_DOWN;
    end_saying(s, why, reason);
}

/* ---- Login ---- */

/* A CONNACK that says no, if the version has a word for the reason; version 0 (none recognized) has 3.1.1's.
 */
static void refuse_saying(struct mqtt_session *s, uint8_t version, enum mqtt_end why, uint8_t reason)
{
    int code = version == MQTT_5 ? reason : mqtt_connack_code(reason);
    uint8_t memory[8];
    struct mqtt_writer w;

    if (code > 0) {
        mqtt_writer_init(&w, memory, sizeof memory);
        mqtt_connack_write(&w, version, (uint8_t)code, NULL);
        mqtt__session_send(s, &w);
    }
    end(s, why);
}

static uint8_t check_connect(const struct mqtt_session *s, const struct mqtt_connect *connect)
{
    if (mqtt_property_present(&connect->properties, MQTT_AUTHENTICATION_METHOD))
        return MQTT_BAD_AUTHENTICATION_METHOD;
    if (mqtt_property_present(&connect->properties, MQTT_AUTHENTICATION_DATA))
        return MQTT_PROTOCOL_ERROR; /* without a method: 3.1.2.11.10 */
    if (connect->will_payload.length > s->config->message_max)
        return MQTT_PACKET_TOO_LARGE;
    if (mqtt_utf8_chars(connect->client_id) > s->config->client_id_max_chars)
        return MQTT_BAD_CLIENT_ID;
    if (connect->version == MQTT_3_1_1 && connect->client_id.length == 0 && !connect->clean)
        return MQTT_BAD_CLIENT_ID; /* 3.1.3.1 of 3.1.1 leaves no choice */
    return MQTT_SUCCESS;
}

static void keep_terms(struct mqtt_session *s, const struct mqtt_connect *connect)
{
    uint16_t longest = s->config->keep_alive_max_s;
    bool too_long = longest != 0 && (connect->keep_alive_s == 0 || connect->keep_alive_s > longest);

    s->version = connect->version;
    s->assign_client_id = connect->client_id.length == 0;
    s->assign_keep_alive = too_long && s->version == MQTT_5;
    s->keep_alive_s = s->assign_keep_alive ? longest : connect->keep_alive_s;
    s->client_packet_max = s->version == MQTT_5 ? connect->properties.packet_max : UINT32_MAX;
    s->client_receive_max = s->version == MQTT_5 ? connect->properties.receive_max : UINT16_MAX;
}

static void take_connect(struct mqtt_session *s, const uint8_t *body, size_t bytes)
{
    struct mqtt_connect connect;
    struct mqtt_login login;
    uint8_t reason = mqtt_connect_read(&connect, body, bytes);

    if (reason == MQTT_SUCCESS)
        reason = check_connect(s, &connect);
    if (reason == MQTT_BAD_VERSION) {
        bool later = connect.version > MQTT_5 && connect.version < BRIDGE_VERSIONS;
        refuse_saying(s, later ? MQTT_5 : MQTT_3_1_1, MQTT_END_VERSION, reason);
        return;
    }
    if (reason != MQTT_SUCCESS) {
        refuse_saying(s, connect.version, end_of_reason(reason), reason);
        return;
    }
    keep_terms(s, &connect);
    login = (struct mqtt_login){.version = connect.version,
                                .client_id = connect.client_id,
                                .user_name = connect.user_name,
                                .password = connect.password,
                                .keep_alive_s = s->keep_alive_s,
                                .will_topic = connect.will_topic,
                                .will_payload = connect.will_payload};
    s->state = MQTT_DECIDING;
    s->ops->login(s->ctx, &login);
}

void mqtt_session_accept(struct mqtt_session *s, uint64_t now_ms)
{
    char client_id[32];
    uint8_t memory[160];
    struct mqtt_writer w;
    struct mqtt_connack_properties properties = {
        .packet_max = s->config->packet_max,
        .receive_max = MQTT_IN_FLIGHT_IN,
        .server_keep_alive_s = s->assign_keep_alive ? s->keep_alive_s : 0,
        .assigned_client_id = s->assign_client_id ? client_id : NULL,
    };

    if (s->state != MQTT_DECIDING)
        return;
    snprintf(client_id, sizeof client_id, "device-%016" PRIx64, s->number);
    mqtt_writer_init(&w, memory, sizeof memory);
    mqtt_connack_write(&w, s->version, MQTT_SUCCESS, &properties);
    s->state = MQTT_CONNECTED;
    s->since_ms = now_ms;
    mqtt__session_send(s, &w);
}

void mqtt_session_refuse(struct mqtt_session *s, enum mqtt_refusal why)
{
    static const uint8_t reasons[] = {
        [MQTT_REFUSE_CREDENTIALS] = MQTT_BAD_LOGIN,
        [MQTT_REFUSE_FORBIDDEN] = MQTT_NOT_AUTHORIZED,
        [MQTT_REFUSE_UNAVAILABLE] = MQTT_UNAVAILABLE,
    };

    if (s->state == MQTT_DECIDING)
        refuse_saying(s, s->version, MQTT_END_REFUSED, reasons[why]);
}

void mqtt_session_limit(struct mqtt_session *s, uint32_t packet_max)
{
    if (packet_max < s->client_packet_max)
        s->client_packet_max = packet_max;
}

/* ---- Subscriptions ---- */

/* A code of 3.1.1 that says no, or the reason code of MQTT 5. */
static uint8_t no(const struct mqtt_session *s, uint8_t reason)
{
    return s->version == MQTT_5 ? reason : 0x80;
}

/* QoS 2 is granted as 1, since nothing is sent above that. */
static uint8_t subscribe(struct mqtt_session *s, struct mqtt_slice filter, uint8_t options)
{
    uint8_t qos = (options & 3) > 0 ? 1 : 0;

    if (mqtt_slice_starts_with(filter, "$share/"))
        return no(s, MQTT_NO_SHARED_SUBSCRIPTIONS);
    if (!mqtt_filter_valid(filter))
        return no(s, MQTT_FILTER_INVALID);
    if (!mqtt_slice_starts_with(filter, "downlink/"))
        return no(s, MQTT_NOT_AUTHORIZED);
    if (!mqtt_subscriptions_add(&s->subscriptions, filter, qos))
        return no(s, MQTT_QUOTA_EXCEEDED);
    return qos;
}

static uint8_t unsubscribe(struct mqtt_session *s, struct mqtt_slice filter)
{
    return mqtt_subscriptions_remove(&s->subscriptions, filter) ? MQTT_SUCCESS : MQTT_NO_SUBSCRIPTION;
}

/* SUBSCRIBE and UNSUBSCRIBE: a code per filter, in their order; an UNSUBACK of 3.1.1 has none. */
static void take_filters(struct mqtt_session *s, uint8_t type, const uint8_t *body, size_t bytes)
{
    bool subscribing = type == MQTT_SUBSCRIBE;
    bool with_codes = subscribing || s->version == MQTT_5;
    struct mqtt_filters filters;
    struct mqtt_slice filter;
    uint8_t memory[64], options, code;
    struct mqtt_writer w;
    uint8_t reason = mqtt_filters_read(&filters, s->version, type, body, bytes);

    if (reason != MQTT_SUCCESS) {
        mqtt__session_fail(s, reason);
        return;
    }
    mqtt_writer_init(&w, memory, sizeof memory);
    mqtt_filters_ack_write(&w, s->version, subscribing ? MQTT_SUBACK : MQTT_UNSUBACK, filters.packet_id,
                           with_codes ? filters.count : 0);
    while (mqtt_filters_next(&filters, &filter, &options)) {
        code = subscribing ? subscribe(s, filter, options) : unsubscribe(s, filter);
        if (!with_codes)
            continue;
        if (w.length == w.capacity) {
            mqtt__session_send(s, &w);
            mqtt_writer_init(&w, memory, sizeof memory);
        }
        mqtt_write_u8(&w, code);
    }
    mqtt__session_send(s, &w);
}

/* ---- Packets ---- */

static void take_pingreq(struct mqtt_session *s, size_t bytes)
{
    uint8_t memory[2];
    struct mqtt_writer w;

    if (bytes != 0) {
        mqtt__session_fail(s, MQTT_MALFORMED);
        return;
    }
    mqtt_writer_init(&w, memory, sizeof memory);
    mqtt_pingresp_write(&w);
    mqtt__session_send(s, &w);
}

static void take_disconnect(struct mqtt_session *s, const uint8_t *body, size_t bytes)
{
    uint8_t said;
    uint8_t reason = mqtt_reason_read(&said, s->version, MQTT_DISCONNECT, body, bytes);

    if (reason != MQTT_SUCCESS)
        mqtt__session_fail(s, reason);
    else
        end(s, said == MQTT_DISCONNECT_WITH_WILL ? MQTT_END_WILL_WANTED : MQTT_END_DISCONNECTED);
}

static void take_packet(struct mqtt_session *s, const struct mqtt_header *header, const uint8_t *body)
{
    size_t bytes = header->body_bytes;

    switch (header->type) {
    case MQTT_PUBLISH:
        mqtt__take_publish(s, header->flags, body, bytes);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        mqtt__take_ack(s, header->type, body, bytes);
        break;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        take_filters(s, header->type, body, bytes);
        break;
    case MQTT_PINGREQ:
        take_pingreq(s, bytes);
        break;
    case MQTT_DISCONNECT:
        take_disconnect(s, body, bytes);
        break;
    default: /* a second CONNECT, AUTH without a method, or a packet that only servers send */
        mqtt__session_fail(s, MQTT_PROTOCOL_ERROR);
        break;
    }
}

/* False if the session ends for what the header alone says. */
static bool header_allowed(struct mqtt_session *s, const struct mqtt_header *header)
{
    if (s->state == MQTT_WAITING && header->type != MQTT_CONNECT)
        mqtt__session_fail(s, MQTT_PROTOCOL_ERROR);
    else if (header->padded && s->version == MQTT_5) /* 1.5.5 */
        mqtt__session_fail(s, MQTT_MALFORMED);
    else if (header->body_bytes > s->config->packet_max)
        mqtt__session_fail(s, MQTT_PACKET_TOO_LARGE);
    return s->state != MQTT_ENDED;
}

/* Takes one packet; returns its size, 0 if it is not all there, or must wait, or the session ended. */
static size_t take_one(struct mqtt_session *s, const uint8_t *bytes, size_t count, uint64_t now_ms)
{
    struct mqtt_header header;
    int header_bytes = mqtt_header_read(&header, bytes, count);

    if (header_bytes < 0)
        mqtt__session_fail(s, MQTT_MALFORMED);
    if (header_bytes <= 0 || !header_allowed(s, &header) || count - (size_t)header_bytes < header.body_bytes)
        return 0;
    if (s->state == MQTT_WAITING) {
        take_connect(s, bytes + header_bytes, header.body_bytes);
    } else {
        s->since_ms = now_ms;
        s->ops->packet(s->ctx);
        take_packet(s, &header, bytes + header_bytes);
    }
    return (size_t)header_bytes + header.body_bytes;
}

size_t mqtt_session_receive(struct mqtt_session *s, const uint8_t *bytes, size_t count, uint64_t now_ms)
{
    size_t taken = 0;

    s->held = false;
    while (!s->held && (s->state == MQTT_WAITING || s->state == MQTT_CONNECTED)) {
        size_t packet = take_one(s, bytes + taken, count - taken, now_ms);

        if (packet == 0)
            break;
        taken += packet;
    }
    return s->state == MQTT_ENDED ? count : taken;
}

void mqtt_session_hold(struct mqtt_session *s)
{
    s->held = true;
}

/* ---- Limits ---- */

/* One and a half times the keep-alive (3.1.2.10); 0 is none. */
static uint64_t limit_ms(const struct mqtt_session *s)
{
    return s->state == MQTT_CONNECTED ? s->keep_alive_s * UINT64_C(1500) : s->config->login_limit_ms;
}

uint32_t mqtt_session_poll(struct mqtt_session *s, uint64_t now_ms)
{
    uint64_t limit = limit_ms(s);
    uint64_t passed = now_ms > s->since_ms ? now_ms - s->since_ms : 0;

    if (s->state == MQTT_ENDED || limit == 0)
        return UINT32_MAX;
    if (passed < limit)
        return (uint32_t)(limit - passed);
    if (s->state == MQTT_CONNECTED)
        end_saying(s, MQTT_END_KEEP_ALIVE, MQTT_KEEP_ALIVE_TIMEOUT);
    else if (s->state == MQTT_DECIDING)
        refuse_saying(s, s->version, MQTT_END_LOGIN_TIMEOUT, MQTT_UNAVAILABLE);
    else
        end(s, MQTT_END_LOGIN_TIMEOUT);
    return UINT32_MAX;
}
