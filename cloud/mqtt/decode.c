/* Packets that a server receives: see packet.h. One function per packet; sections are those of MQTT 5. */
#include "cloud/mqtt/packet.h"

enum {
    FLAG_RETAIN = 0x01,
    FLAG_DUPLICATE = 0x08,
    CONNECT_RESERVED = 0x01,
    CONNECT_CLEAN = 0x02,
    CONNECT_WILL = 0x04,
    CONNECT_WILL_RETAIN = 0x20,
    CONNECT_PASSWORD = 0x40,
    CONNECT_USER_NAME = 0x80,
    SUBSCRIBE_RESERVED_3_1_1 = 0xFC,
    SUBSCRIBE_RESERVED_5 = 0xC0
};

static uint8_t qos_bits(uint8_t flags, unsigned shift)
{
    return (flags >> shift) & 3;
}

/* Section 2.1.3: flags that are reserved have fixed values. */
static bool flags_valid(uint8_t type, uint8_t flags)
{
    switch (type) {
    case MQTT_PUBLISH:
        return qos_bits(flags, 1) != 3 && (qos_bits(flags, 1) != 0 || (flags & FLAG_DUPLICATE) == 0);
    case MQTT_PUBREL:
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        return flags == 2;
    default:
        return flags == 0;
    }
}

/* Section 2.1 */
int mqtt_header_read(struct mqtt_header *header, const uint8_t *bytes, size_t count)
{
    if (count == 0)
        return 0;
    header->type = bytes[0] >> 4;
    header->flags = bytes[0] & 0x0F;
    if (header->type == 0 || !flags_valid(header->type, header->flags))
        return -1;
    header->body_bytes = 0;
    for (size_t last = 1; last < count && last < 5; last++) {
        header->body_bytes |= (uint32_t)(bytes[last] & 0x7F) << (7 * (last - 1));
        if (bytes[last] & 0x80)
            continue;
        header->padded = last > 1 && bytes[last] == 0;
        header->header_bytes = (uint8_t)(1 + last);
        return header->header_bytes;
    }
    return count < 5 ? 0 : -1;
}

/* ---- CONNECT, section 3.1 ---- */

static void read_protocol(struct mqtt_connect *connect, struct mqtt_reader *r)
{
    struct mqtt_slice name = mqtt_read_text(r);
    uint8_t level = mqtt_read_u8(r);
    bool known = mqtt_slice_equals(name, "MQTT") && (level == MQTT_3_1_1 || level == MQTT_5);

    connect->version = level;
    if (!known)
        mqtt_reader_fail(r, MQTT_BAD_VERSION);
}

static bool connect_flags_valid(uint8_t flags, uint8_t version)
{
    bool will = (flags & CONNECT_WILL) != 0;
    bool password_alone = (flags & (CONNECT_PASSWORD | CONNECT_USER_NAME)) == CONNECT_PASSWORD;

    if (flags & CONNECT_RESERVED)
        return false;
    if (!will && (qos_bits(flags, 3) != 0 || (flags & CONNECT_WILL_RETAIN) != 0))
        return false;
    return qos_bits(flags, 3) != 3 && (version == MQTT_5 || !password_alone);
}

static void read_will(struct mqtt_connect *connect, struct mqtt_reader *r, uint8_t flags)
{
    struct mqtt_properties properties;

    if (connect->version == MQTT_5)
        mqtt_properties_read(&properties, r, MQTT_PROPERTIES_OF_WILL);
    connect->has_will = true;
    connect->will_topic = mqtt_read_text(r);
    connect->will_payload = mqtt_read_binary(r);
    connect->will_qos = qos_bits(flags, 3);
    connect->will_retain = (flags & CONNECT_WILL_RETAIN) != 0;
    if (!mqtt_topic_valid(connect->will_topic))
        mqtt_reader_fail(r, MQTT_TOPIC_INVALID);
}

uint8_t mqtt_connect_read(struct mqtt_connect *connect, const uint8_t *body, size_t bytes)
{
    struct mqtt_reader r;
    uint8_t flags;

    *connect = (struct mqtt_connect){0};
    mqtt_reader_init(&r, body, bytes);
    read_protocol(connect, &r);
    flags = mqtt_read_u8(&r);
    if (!connect_flags_valid(flags, connect->version))
        mqtt_reader_fail(&r, MQTT_MALFORMED);
    connect->clean = (flags & CONNECT_CLEAN) != 0;
    connect->keep_alive_s = mqtt_read_u16(&r);
    if (connect->version == MQTT_5)
        mqtt_properties_read(&connect->properties, &r, MQTT_CONNECT);
    connect->client_id = mqtt_read_text(&r);
    if (flags & CONNECT_WILL)
        read_will(connect, &r, flags);
    if (flags & CONNECT_USER_NAME) {
        connect->has_user_name = true;
        connect->user_name = mqtt_read_text(&r);
    }
    if (flags & CONNECT_PASSWORD) {
        connect->has_password = true;
        connect->password = mqtt_read_binary(&r);
    }
    return mqtt_reader_end(&r);
}

/* ---- PUBLISH, section 3.3 ---- */

static uint16_t read_packet_id(struct mqtt_reader *r)
{
    uint16_t id = mqtt_read_u16(r);

    if (id == 0)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR);
    return id;
}

uint8_t mqtt_publish_read(struct mqtt_publish *publish, uint8_t version, uint8_t flags, const uint8_t *body,
                          size_t bytes)
{
    struct mqtt_properties properties = {0};
    struct mqtt_reader r;

    mqtt_reader_init(&r, body, bytes);
    *publish = (struct mqtt_publish){.qos = qos_bits(flags, 1),
                                     .duplicate = (flags & FLAG_DUPLICATE) != 0,
                                     .retain = (flags & FLAG_RETAIN) != 0};
    publish->topic = mqtt_read_text(&r);
    if (publish->qos > 0)
        publish->packet_id = read_packet_id(&r);
    if (version == MQTT_5)
        mqtt_properties_read(&properties, &r, MQTT_PUBLISH);
    if (mqtt_property_present(&properties, MQTT_TOPIC_ALIAS))
        mqtt_reader_fail(&r, MQTT_ALIAS_INVALID);
    if (!mqtt_topic_valid(publish->topic))
        mqtt_reader_fail(&r, MQTT_TOPIC_INVALID);
    publish->payload = mqtt_read_bytes(&r, mqtt_reader_left(&r));
    return mqtt_reader_end(&r);
}

/* ---- PUBACK, PUBREC, PUBREL, PUBCOMP, sections 3.4 to 3.7; DISCONNECT and AUTH, 3.14 and 3.15 ---- */

/* A reason code and properties, both of which may be missing at the end of a packet of MQTT 5. */
static uint8_t read_reason(struct mqtt_reader *r, uint8_t version, uint8_t type)
{
    struct mqtt_properties properties;
    uint8_t reason = MQTT_SUCCESS;

    if (version == MQTT_5 && mqtt_reader_left(r) > 0)
        reason = mqtt_read_u8(r);
    if (version == MQTT_5 && mqtt_reader_left(r) > 0)
        mqtt_properties_read(&properties, r, type);
    return reason;
}

uint8_t mqtt_ack_read(struct mqtt_ack *ack, uint8_t version, uint8_t type, const uint8_t *body, size_t bytes)
{
    struct mqtt_reader r;

    mqtt_reader_init(&r, body, bytes);
    /* Clients in the field answer messages of QoS 0 with a PUBACK, too. */
    ack->packet_id = type == MQTT_PUBACK ? mqtt_read_u16(&r) : read_packet_id(&r);
    ack->reason = read_reason(&r, version, type);
    return mqtt_reader_end(&r);
}

uint8_t mqtt_reason_read(uint8_t *reason, uint8_t version, uint8_t type, const uint8_t *body, size_t bytes)
{
    struct mqtt_reader r;

    mqtt_reader_init(&r, body, bytes);
    *reason = read_reason(&r, version, type);
    return mqtt_reader_end(&r);
}

/* ---- SUBSCRIBE and UNSUBSCRIBE, sections 3.8 and 3.10 ---- */

static void check_options(struct mqtt_reader *r, uint8_t version, uint8_t options)
{
    uint8_t reserved = version == MQTT_5 ? SUBSCRIBE_RESERVED_5 : SUBSCRIBE_RESERVED_3_1_1;

    if ((options & reserved) != 0)
        mqtt_reader_fail(r, MQTT_MALFORMED);
    if (qos_bits(options, 0) == 3 || qos_bits(options, 4) == 3)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR);
}

bool mqtt_filters_next(struct mqtt_filters *filters, struct mqtt_slice *filter, uint8_t *options)
{
    if (mqtt_reader_left(&filters->reader) == 0)
        return false;
    *filter = mqtt_read_text(&filters->reader);
    *options = filters->type == MQTT_SUBSCRIBE ? mqtt_read_u8(&filters->reader) : 0;
    return true;
}

uint8_t mqtt_filters_read(struct mqtt_filters *filters, uint8_t version, uint8_t type, const uint8_t *body,
                          size_t bytes)
{
    struct mqtt_properties properties = {0};
    struct mqtt_reader *r = &filters->reader;
    struct mqtt_reader first;
    struct mqtt_slice filter;
    uint8_t options;

    *filters = (struct mqtt_filters){.type = type};
    mqtt_reader_init(r, body, bytes);
    filters->packet_id = read_packet_id(r);
    if (version == MQTT_5)
        mqtt_properties_read(&properties, r, type);
    if (mqtt_property_present(&properties, MQTT_SUBSCRIPTION_ID))
        mqtt_reader_fail(r, MQTT_NO_SUBSCRIPTION_IDS);
    first = *r;
    while (mqtt_filters_next(filters, &filter, &options)) {
        check_options(r, version, options);
        filters->count++;
    }
    if (filters->count == 0)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR);
    if (r->reason != MQTT_SUCCESS)
        return r->reason;
    *r = first;
    return MQTT_SUCCESS;
}
