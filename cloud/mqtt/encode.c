/* Packets that a server sends: see packet.h. */
#include "cloud/mqtt/packet.h"

static void write_header(struct mqtt_writer *w, uint8_t type, uint8_t flags, size_t body_bytes)
{
    if (body_bytes > MQTT_VARINT_MAX)
        w->failed = true;
    mqtt_write_u8(w, (uint8_t)(type << 4 | flags));
    mqtt_write_varint(w, (uint32_t)body_bytes);
}

int mqtt_connack_code(uint8_t reason)
{
    switch (reason) {
    case MQTT_SUCCESS:
        return 0;
    case MQTT_BAD_VERSION:
        return 1;
    case MQTT_BAD_CLIENT_ID:
        return 2;
    case MQTT_UNAVAILABLE:
        return 3;
    case MQTT_BAD_LOGIN:
        return 4;
    case MQTT_NOT_AUTHORIZED:
        return 5;
    default:
        return -1;
    }
}

/* What this server does not do is said by a 0 where the default is yes. No session outlives a connection. */
static void write_connack_properties(struct mqtt_writer *w, const struct mqtt_connack_properties *p)
{
    mqtt_write_u8(w, MQTT_SESSION_EXPIRY);
    mqtt_write_u32(w, 0);
    mqtt_write_u8(w, MQTT_RECEIVE_MAX);
    mqtt_write_u16(w, p->receive_max);
    mqtt_write_u8(w, MQTT_PACKET_MAX);
    mqtt_write_u32(w, p->packet_max);
    mqtt_write_u8(w, MQTT_RETAIN_AVAILABLE);
    mqtt_write_u8(w, 0);
    mqtt_write_u8(w, MQTT_SUBSCRIPTION_IDS_AVAILABLE);
    mqtt_write_u8(w, 0);
    mqtt_write_u8(w, MQTT_SHARED_SUBSCRIPTIONS_AVAILABLE);
    mqtt_write_u8(w, 0);
    if (p->assigned_client_id != NULL) {
        mqtt_write_u8(w, MQTT_ASSIGNED_CLIENT_ID);
        mqtt_write_text(w, mqtt_slice_of(p->assigned_client_id));
    }
    if (p->server_keep_alive_s != 0) {
        mqtt_write_u8(w, MQTT_SERVER_KEEP_ALIVE);
        mqtt_write_u16(w, p->server_keep_alive_s);
    }
}

void mqtt_connack_write(struct mqtt_writer *w, uint8_t version, uint8_t code,
                        const struct mqtt_connack_properties *properties)
{
    uint8_t memory[128];
    struct mqtt_writer p;

    mqtt_writer_init(&p, memory, sizeof memory);
    if (code == MQTT_SUCCESS && properties != NULL)
        write_connack_properties(&p, properties);
    if (p.failed)
        w->failed = true;
    if (version != MQTT_5)
        write_header(w, MQTT_CONNACK, 0, 2);
    else
        write_header(w, MQTT_CONNACK, 0, 2 + mqtt_varint_bytes((uint32_t)p.length) + p.length);
    mqtt_write_u8(w, 0); /* no session was present */
    mqtt_write_u8(w, code);
    if (version == MQTT_5) {
        mqtt_write_varint(w, (uint32_t)p.length);
        mqtt_write_bytes(w, (struct mqtt_slice){memory, p.length});
    }
}

static size_t publish_body_bytes(uint8_t version, size_t topic_bytes, size_t payload_bytes, uint8_t qos)
{
    return 2 + topic_bytes + (qos > 0 ? 2 : 0) + (version == MQTT_5 ? 1 : 0) + payload_bytes;
}

size_t mqtt_publish_bytes(uint8_t version, size_t topic_bytes, size_t payload_bytes, uint8_t qos)
{
    size_t body = publish_body_bytes(version, topic_bytes, payload_bytes, qos);

    return 1 + mqtt_varint_bytes((uint32_t)body) + body;
}

void mqtt_publish_write(struct mqtt_writer *w, uint8_t version, struct mqtt_slice topic, size_t payload_bytes,
                        uint8_t qos, uint16_t packet_id)
{
    write_header(w, MQTT_PUBLISH, (uint8_t)(qos << 1),
                 publish_body_bytes(version, topic.length, payload_bytes, qos));
    mqtt_write_text(w, topic);
    if (qos > 0)
        mqtt_write_u16(w, packet_id);
    if (version == MQTT_5)
        mqtt_write_varint(w, 0);
}

void mqtt_ack_write(struct mqtt_writer *w, uint8_t version, uint8_t type, uint16_t packet_id, uint8_t reason)
{
    bool with_reason = version == MQTT_5 && reason != MQTT_SUCCESS;

    write_header(w, type, type == MQTT_PUBREL ? 2 : 0, with_reason ? 3 : 2);
    mqtt_write_u16(w, packet_id);
    if (with_reason)
        mqtt_write_u8(w, reason);
}

void mqtt_filters_ack_write(struct mqtt_writer *w, uint8_t version, uint8_t type, uint16_t packet_id,
                            size_t code_count)
{
    write_header(w, type, 0, 2 + (version == MQTT_5 ? 1 : 0) + code_count);
    mqtt_write_u16(w, packet_id);
    if (version == MQTT_5)
        mqtt_write_varint(w, 0);
}

void mqtt_pingresp_write(struct mqtt_writer *w)
{
    write_header(w, MQTT_PINGRESP, 0, 0);
}

void mqtt_disconnect_write(struct mqtt_writer *w, uint8_t reason)
{
    write_header(w, MQTT_DISCONNECT, 0, 1);
    mqtt_write_u8(w, reason);
}
