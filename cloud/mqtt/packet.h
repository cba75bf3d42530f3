/* MQTT packets, both versions: what a server receives, decoded; what it sends, encoded.
 *
 * Decoders read the whole body of a packet, copy nothing (slices point into the body), and return a reason
 * code of MQTT 5, 0 if the packet is well-formed; for 3.1.1 it only says why the connection is closed. Every
 * length is checked, every text is valid UTF-8 without NUL, every topic obeys the rules of its place.
 * Sections named here are those of the OASIS standards "MQTT Version 3.1.1" and "MQTT Version 5.0". */
#ifndef TANDEM_CLOUD_MQTT_PACKET_H
#define TANDEM_CLOUD_MQTT_PACKET_H

#include "cloud/mqtt/wire.h"

enum { MQTT_3_1_1 = 4, MQTT_5 = 5 };

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH
};

/* Reason codes of MQTT 5 (its section 2.4), those that this server uses. */
enum mqtt_reason {
    MQTT_SUCCESS = 0x00,
    MQTT_DISCONNECT_WITH_WILL = 0x04,
    MQTT_NO_SUBSCRIPTION = 0x11,
    MQTT_MALFORMED = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_BAD_VERSION = 0x84,
    MQTT_BAD_CLIENT_ID = 0x85,
    MQTT_BAD_LOGIN = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_UNAVAILABLE = 0x88,
    MQTT_SHUTTING_DOWN = 0x8B,
    MQTT_BAD_AUTHENTICATION_METHOD = 0x8C,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8D,
    MQTT_SESSION_TAKEN_OVER = 0x8E,
    MQTT_FILTER_INVALID = 0x8F,
    MQTT_TOPIC_INVALID = 0x90,
    MQTT_ID_IN_USE = 0x91,
    MQTT_ID_NOT_FOUND = 0x92,
    MQTT_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    MQTT_ALIAS_INVALID = 0x94,
    MQTT_PACKET_TOO_LARGE = 0x95,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_ADMINISTRATIVE = 0x98,
    MQTT_NO_SHARED_SUBSCRIPTIONS = 0x9E,
    MQTT_NO_SUBSCRIPTION_IDS = 0xA1
};

/* The CONNACK code of 3.1.1 for a reason code; -1 if 3.1.1 has none and the connection is just closed. */
int mqtt_connack_code(uint8_t reason);

/* ---- Decoding ---- */

struct mqtt_header {
    uint8_t type;
    uint8_t flags;
    uint8_t header_bytes;
    bool padded; /* the length takes more bytes than it needs: legal in 3.1.1 alone */
    uint32_t body_bytes;
};

/* Reads a fixed header. Returns its size, 0 if more bytes are needed to tell, -1 if it is malformed. */
int mqtt_header_read(struct mqtt_header *header, const uint8_t *bytes, size_t count);

/* Properties of MQTT 5 that a server acts on, with their defaults where absent; the others are checked and
 * skipped. `present` has bit N set when property N was there. */
struct mqtt_properties {
    uint64_t present;
    uint32_t packet_max;
    uint16_t receive_max;
};

enum mqtt_property {
    MQTT_SESSION_EXPIRY = 0x11,
    MQTT_SUBSCRIPTION_ID = 0x0B,
    MQTT_ASSIGNED_CLIENT_ID = 0x12,
    MQTT_SERVER_KEEP_ALIVE = 0x13,
    MQTT_AUTHENTICATION_METHOD = 0x15,
    MQTT_AUTHENTICATION_DATA = 0x16,
    MQTT_RECEIVE_MAX = 0x21,
    MQTT_TOPIC_ALIAS = 0x23,
    MQTT_RETAIN_AVAILABLE = 0x25,
    MQTT_PACKET_MAX = 0x27,
    MQTT_SUBSCRIPTION_IDS_AVAILABLE = 0x29,
    MQTT_SHARED_SUBSCRIPTIONS_AVAILABLE = 0x2A
};

/* Where properties stand: the packet's type, or the will of a CONNECT. */
enum { MQTT_PROPERTIES_OF_WILL = 0 };

/* Reads a property length and the properties behind it; failures latch in the reader. */
void mqtt_properties_read(struct mqtt_properties *p, struct mqtt_reader *r, uint8_t place);

bool mqtt_property_present(const struct mqtt_properties *p, enum mqtt_property id);

struct mqtt_connect {
    uint8_t version; /* as sent, set even if the packet fails behind it; 0 if it did not get that far */
    bool clean;
    uint16_t keep_alive_s;
    struct mqtt_properties properties;
    struct mqtt_slice client_id;
    bool has_user_name, has_password, has_will;
    struct mqtt_slice user_name, password;
    struct mqtt_slice will_topic, will_payload;
    uint8_t will_qos;
    bool will_retain;
};

uint8_t mqtt_connect_read(struct mqtt_connect *connect, const uint8_t *body, size_t bytes);

struct mqtt_publish {
    struct mqtt_slice topic, payload;
    uint16_t packet_id; /* 0 with QoS 0 */
    uint8_t qos;
    bool duplicate, retain;
};

/* Topic aliases are refused: this server announces none. */
uint8_t mqtt_publish_read(struct mqtt_publish *publish, uint8_t version, uint8_t flags, const uint8_t *body,
                          size_t bytes);

/* PUBACK, PUBREC, PUBREL, PUBCOMP. */
struct mqtt_ack {
    uint16_t packet_id; /* 0 only in a PUBACK, for nothing */
    uint8_t reason;
};

uint8_t mqtt_ack_read(struct mqtt_ack *ack, uint8_t version, uint8_t type, const uint8_t *body, size_t bytes);

/* SUBSCRIBE and UNSUBSCRIBE: one filter or more, read one after the other. */
struct mqtt_filters {
    uint16_t packet_id;
    uint8_t type;
    unsigned count; /* of all filters */
    struct mqtt_reader reader;
};

/* Checks the whole packet, then stands before its first filter. Whether a filter is one that a subscription
 * may have is the caller's to check (mqtt_filter_valid). */
uint8_t mqtt_filters_read(struct mqtt_filters *filters, uint8_t version, uint8_t type, const uint8_t *body,
                          size_t bytes);

/* The next filter; options get 0 in an UNSUBSCRIBE. False behind the last one. */
bool mqtt_filters_next(struct mqtt_filters *filters, struct mqtt_slice *filter, uint8_t *options);

/* DISCONNECT and AUTH: *reason is what the device says. */
uint8_t mqtt_reason_read(uint8_t *reason, uint8_t version, uint8_t type, const uint8_t *body, size_t bytes);

/* ---- Encoding ---- */

/* What MQTT 5 tells a client that logged in; NULL or 0 leaves an optional one out. */
struct mqtt_connack_properties {
    uint32_t packet_max;
    uint16_t receive_max;
    uint16_t server_keep_alive_s;
    const char *assigned_client_id;
};

/* code is a reason code in MQTT 5, a return code in 3.1.1; properties only go with a success in MQTT 5. */
void mqtt_connack_write(struct mqtt_writer *w, uint8_t version, uint8_t code,
                        const struct mqtt_connack_properties *properties);

/* All of a PUBLISH but the payload, payload_bytes of which are to follow. packet_id only with QoS 1. */
void mqtt_publish_write(struct mqtt_writer *w, uint8_t version, struct mqtt_slice topic, size_t payload_bytes,
                        uint8_t qos, uint16_t packet_id);

/* Bytes of that PUBLISH with its payload. */
size_t mqtt_publish_bytes(uint8_t version, size_t topic_bytes, size_t payload_bytes, uint8_t qos);

/* PUBACK, PUBREC, PUBREL, PUBCOMP; 3.1.1 has no room for the reason. */
void mqtt_ack_write(struct mqtt_writer *w, uint8_t version, uint8_t type, uint16_t packet_id, uint8_t reason);

/* All of a SUBACK or UNSUBACK but the codes, code_count of which are to follow. */
void mqtt_filters_ack_write(struct mqtt_writer *w, uint8_t version, uint8_t type, uint16_t packet_id,
                            size_t code_count);

void mqtt_pingresp_write(struct mqtt_writer *w);

/* MQTT 5 only: in 3.1.1 a server just closes. */
void mqtt_disconnect_write(struct mqtt_writer *w, uint8_t reason);

#endif
