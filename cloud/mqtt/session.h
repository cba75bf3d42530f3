/* One device's MQTT connection, server side, 3.1.1 and 5 (docs/PROTOCOL.md, section 7). No I/O: received
 * bytes and the time go in, bytes to send and events come out through struct mqtt_session_ops.
 *
 *     WAITING --CONNECT--> DECIDING --accepted--> CONNECTED --> ENDED
 *        |                    |                                   ^
 *        '--- 10 s, garbage --+-------- refused, 10 s ------------'
 *
 * This is no broker: a device sees its own `downlink/` only, nothing is kept over the end of a connection,
 * nothing is retained. What a message means, and what becomes of a will, is decided above.
 *
 * Typical use, per connection:
 *
 *     mqtt_session_init(&c->session, &config, &ops, c, number, now_ms);
 *     on bytes:  used = mqtt_session_receive(&c->session, buffered, count, now_ms); drop `used` bytes;
 *     on login:  look the token up, then mqtt_session_accept() or mqtt_session_refuse(), at once or later;
 *                after a later accept give the bytes that waited to mqtt_session_receive again;
 *     on timer:  wait = mqtt_session_poll(&c->session, now_ms);
 *     on ended:  close the connection once what was sent is flushed. */
#ifndef TANDEM_CLOUD_MQTT_SESSION_H
#define TANDEM_CLOUD_MQTT_SESSION_H

#include "cloud/mqtt/packet.h"
#include "cloud/mqtt/subscriptions.h"
#include "tandem/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a session ended. X(NAME, slug, text) */
#define MQTT_ENDS(X)                                                                                         \
    X(DISCONNECTED, "disconnected", "the device said goodbye")                                               \
    X(WILL_WANTED, "disconnected-with-will", "the device said goodbye and asked for its will")               \
    X(LOGIN_TIMEOUT, "login-timeout", "the device did not log in within the limit")                          \
    X(REFUSED, "refused", "the login was refused")                                                           \
    X(VERSION, "unsupported-version", "the device speaks an MQTT version other than 3.1.1 and 5")            \
    X(KEEP_ALIVE, "keep-alive", "the device was silent for longer than its keep-alive allows")               \
    X(MALFORMED, "malformed", "the device sent a packet that is not MQTT")                                   \
    X(PROTOCOL, "protocol-error", "the device broke a rule of MQTT")                                         \
    X(TOO_LARGE, "too-large", "the device sent a message above the limit")                                   \
    X(FLOOD, "too-many-in-flight", "the device sent more unacknowledged messages than allowed")              \
    X(TAKEN_OVER, "taken-over", "a newer connection uses the same token")                                    \
    X(SHUTDOWN, "shutdown", "the server stops")                                                              \
    X(KICKED, "kicked", "an operator or a limit closed the connection")

enum mqtt_end {
#define MQTT_END_ENUM(name, slug, text) MQTT_END_##name,
    MQTT_ENDS(MQTT_END_ENUM)
#undef MQTT_END_ENUM
};

/* Slug and text of an end, never NULL. Static storage. */
const char *mqtt_end_slug(enum mqtt_end end);
const char *mqtt_end_text(enum mqtt_end end);

/* Why a login is refused: CONNACK code of 3.1.1 and reason code of 5. */
enum mqtt_refusal {
    MQTT_REFUSE_CREDENTIALS, /* wrong user name or token: 4, 0x86 */
    MQTT_REFUSE_FORBIDDEN,   /* known, but not allowed: 5, 0x87 */
    MQTT_REFUSE_UNAVAILABLE  /* try again later: 3, 0x88 */
};

/* A login as it arrived. Slices are valid during the callback only. */
struct mqtt_login {
    uint8_t version;             /* 4 (3.1.1) or 5 */
    struct mqtt_slice client_id; /* may be empty */
    struct mqtt_slice user_name; /* empty if there is none; `device` is expected */
    struct mqtt_slice password;  /* the token; any bytes, not terminated */
    uint16_t keep_alive_s;
    struct mqtt_slice will_topic; /* empty if there is none */
    struct mqtt_slice will_payload;
};

/* A message from the device. Slices are valid during the callback only. */
struct mqtt_message {
    struct mqtt_slice topic;   /* valid UTF-8 without wildcards and NUL; not terminated */
    struct mqtt_slice payload; /* any bytes, may be empty */
    uint8_t qos;
    uint16_t packet_id; /* 0 with QoS 0 */
};

/* What a session calls. None may free the session, and none may call mqtt_session_receive or _poll. */
struct mqtt_session_ops {
    /* Bytes for the device: queue them all, do not block. */
    void (*send)(void *ctx, const uint8_t *bytes, size_t count);

    /* A well-formed CONNECT: answer with mqtt_session_accept or _refuse, here or later. */
    void (*login)(void *ctx, const struct mqtt_login *login);

    /* A whole packet of a device that is logged in, before it is acted on: whatever it is, it costs time. */
    void (*packet)(void *ctx);

    /* A message. Return true to acknowledge it now, false to do it later with mqtt_session_acknowledge (QoS 1
     * and 2; in the order in which they came), for instance when it is on disk. */
    bool (*message)(void *ctx, const struct mqtt_message *message);

    /* The device acknowledged what mqtt_session_publish sent with this packet id. */
    void (*acknowledged)(void *ctx, uint16_t packet_id);

    /* The last call: close the connection once what was sent is flushed. */
    void (*ended)(void *ctx, enum mqtt_end end);
};

struct mqtt_session_config {
    uint32_t login_limit_ms;     /* from the connection to the accepted login */
    uint32_t packet_max;         /* largest packet to take, its header not counted */
    uint32_t message_max;        /* largest payload of a PUBLISH to take */
    uint16_t keep_alive_max_s;   /* a longer one, or none, is shortened to this (MQTT 5 only); 0: any */
    uint8_t client_id_max_chars; /* longer client ids are refused */
};

/* 10 s, 4096 bytes, 1024 bytes, any keep-alive, 64 characters. */
extern const struct mqtt_session_config mqtt_session_defaults;

enum {
    MQTT_IN_FLIGHT_IN = 32, /* unacknowledged messages from a device: the Receive Maximum of MQTT 5 */
    MQTT_IN_FLIGHT_OUT = 8, /* unacknowledged messages to a device */
    MQTT_TOPIC_MAX = 144    /* bytes of a topic that we publish to */
};

enum mqtt_session_state { MQTT_WAITING, MQTT_DECIDING, MQTT_CONNECTED, MQTT_ENDED };

/* A message from the device that is not yet acknowledged, or with QoS 2 not yet released. */
struct mqtt_incoming {
    uint16_t packet_id; /* 0: free */
    uint8_t qos;
    bool received; /* QoS 2: PUBREC is out, PUBREL awaited */
};

/* Fields are private; half a kilobyte. The caller owns it. */
struct mqtt_session {
    const struct mqtt_session_config *config;
    const struct mqtt_session_ops *ops;
    void *ctx;
    uint64_t number;
    uint64_t since_ms; /* of the connection, from the login on of the last packet */
    uint32_t client_packet_max;
    uint16_t client_receive_max;
    uint16_t keep_alive_s;
    uint16_t next_packet_id;
    uint8_t state;
    uint8_t version; /* 0 until the CONNECT */
    bool assign_client_id;
    bool assign_keep_alive;
    bool held;
    bool forgetful; /* an entry of incoming was given up for another */
    struct mqtt_incoming incoming[MQTT_IN_FLIGHT_IN];
    uint16_t outgoing[MQTT_IN_FLIGHT_OUT]; /* packet ids, 0: free */
    struct mqtt_subscriptions subscriptions;
};

/* A new connection. config and ops stay the caller's and unchanged; number is different for each connection
 * (it makes the client id that MQTT 5 assigns to a device without one). */
void mqtt_session_init(struct mqtt_session *s, const struct mqtt_session_config *config,
                       const struct mqtt_session_ops *ops, void *ctx, uint64_t number, uint64_t now_ms);

/* Takes whole packets off the front of bytes and returns how many bytes they took. Keep the rest and give it
 * again with more behind it; it is never more than config->packet_max + 5 bytes, unless a login is being
 * decided: then nothing is taken until it is. After the end everything is taken and ignored. */
size_t mqtt_session_receive(struct mqtt_session *s, const uint8_t *bytes, size_t count, uint64_t now_ms);

/* From ops->packet and ops->message only: nothing more is taken in this call of mqtt_session_receive. */
void mqtt_session_hold(struct mqtt_session *s);

/* Ends the session when a limit is over. Returns the milliseconds until it must be called again, UINT32_MAX
 * for never. */
uint32_t mqtt_session_poll(struct mqtt_session *s, uint64_t now_ms);

/* The verdict on a login. Both do nothing unless one is being decided. */
void mqtt_session_accept(struct mqtt_session *s, uint64_t now_ms);
void mqtt_session_refuse(struct mqtt_session *s, enum mqtt_refusal why);

/* Sends a message. topic is below `downlink/`; downlink/ota/json, downlink/redirect and downlink/diag go out
 * in any case, at QoS 0 without a subscription, others only to a subscriber; the QoS is at most the one
 * granted. Returns 0 when sent at QoS 0, the packet id (> 0) when at QoS 1; TDM_E_STATE unless connected,
 * TDM_E_NOT_FOUND without a subscription, TDM_E_BUSY with too many unacknowledged, TDM_E_ROOM above the
 * device's packet size, TDM_E_ARGUMENT for another topic or QoS. */
TDM_MUST_USE int mqtt_session_publish(struct mqtt_session *s, const char *topic, const void *payload,
                                      size_t payload_bytes, uint8_t qos);

/* Acknowledges a message for which ops->message returned false. */
void mqtt_session_acknowledge(struct mqtt_session *s, uint16_t packet_id);

/* The device takes packets of at most this many bytes (it said so in another way than MQTT 5 has). */
void mqtt_session_limit(struct mqtt_session *s, uint32_t packet_max);

/* Ends the session from our side (TAKEN_OVER, SHUTDOWN, KICKED), with a DISCONNECT in MQTT 5. */
void mqtt_session_end(struct mqtt_session *s, enum mqtt_end end);

#endif
