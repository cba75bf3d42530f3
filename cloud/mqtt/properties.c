/* Properties of MQTT 5 (its section 2.2.2): one table says what each looks like and where it may stand. */
#include "cloud/mqtt/packet.h"

enum shape { FLAG, U16, U16_NOT_0, U32, U32_NOT_0, VARINT_NOT_0, BINARY, TEXT, TEXT_PAIR };

#define IN(type)      (1u << (type))
#define IN_WILL       IN(MQTT_PROPERTIES_OF_WILL)
#define IN_ACKS       (IN(MQTT_PUBACK) | IN(MQTT_PUBREC) | IN(MQTT_PUBREL) | IN(MQTT_PUBCOMP))
#define IN_ANYTHING   0xFFFFu
#define USER_PROPERTY 0x26

/* What a client may send to a server. */
static const struct row {
    uint8_t id;
    uint8_t shape;
    uint16_t places;
} rows[] = {
    {0x01, FLAG, IN(MQTT_PUBLISH) | IN_WILL},   /* payload format */
    {0x02, U32, IN(MQTT_PUBLISH) | IN_WILL},    /* message expiry */
    {0x03, TEXT, IN(MQTT_PUBLISH) | IN_WILL},   /* content type */
    {0x08, TEXT, IN(MQTT_PUBLISH) | IN_WILL},   /* response topic */
    {0x09, BINARY, IN(MQTT_PUBLISH) | IN_WILL}, /* correlation data */
    {MQTT_SUBSCRIPTION_ID, VARINT_NOT_0, IN(MQTT_SUBSCRIBE)},
    {MQTT_SESSION_EXPIRY, U32, IN(MQTT_CONNECT) | IN(MQTT_DISCONNECT)},
    {MQTT_AUTHENTICATION_METHOD, TEXT, IN(MQTT_CONNECT) | IN(MQTT_AUTH)},
    {MQTT_AUTHENTICATION_DATA, BINARY, IN(MQTT_CONNECT) | IN(MQTT_AUTH)},
    {0x17, FLAG, IN(MQTT_CONNECT)},                              /* request problem information */
    {0x18, U32, IN_WILL},                                        /* will delay */
    {0x19, FLAG, IN(MQTT_CONNECT)},                              /* request response information */
    {0x1F, TEXT, IN_ACKS | IN(MQTT_DISCONNECT) | IN(MQTT_AUTH)}, /* reason string */
    {MQTT_RECEIVE_MAX, U16_NOT_0, IN(MQTT_CONNECT)},
    {0x22, U16, IN(MQTT_CONNECT)}, /* topic alias maximum */
    {MQTT_TOPIC_ALIAS, U16, IN(MQTT_PUBLISH)},
    {USER_PROPERTY, TEXT_PAIR, IN_ANYTHING},
    {MQTT_PACKET_MAX, U32_NOT_0, IN(MQTT_CONNECT)},
};

static const struct row *find_row(uint32_t id, uint8_t place)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].id == id && (rows[i].places & IN(place)) != 0)
            return &rows[i];
    return NULL;
}

static void require(struct mqtt_reader *r, bool condition)
{
    if (!condition)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR);
}

/* Reads a value; the number it holds, or 0 for one that is no number. */
static uint32_t read_value(struct mqtt_reader *r, uint8_t shape)
{
    uint32_t value = 0;

    switch (shape) {
    case FLAG:
        value = mqtt_read_u8(r);
        require(r, value <= 1);
        break;
    case U16:
    case U16_NOT_0:
        value = mqtt_read_u16(r);
        require(r, shape == U16 || value != 0);
        break;
    case U32:
    case U32_NOT_0:
        value = mqtt_read_u32(r);
        require(r, shape == U32 || value != 0);
        break;
    case VARINT_NOT_0:
        value = mqtt_read_varint(r);
        require(r, value != 0);
        break;
    case BINARY:
        (void)mqtt_read_binary(r);
        break;
    case TEXT_PAIR:
        (void)mqtt_read_text(r);
        (void)mqtt_read_text(r);
        break;
    default:
        (void)mqtt_read_text(r);
        break;
    }
    return value;
}

static void read_property(struct mqtt_properties *p, struct mqtt_reader *r, uint8_t place)
{
    uint32_t id = mqtt_read_varint(r);
    const struct row *row = find_row(id, place);
    uint32_t value;

    if (row == NULL) {
        mqtt_reader_fail(r, MQTT_MALFORMED);
        return;
    }
    if (id != USER_PROPERTY)
        require(r, (p->present & (UINT64_C(1) << id)) == 0);
    p->present |= UINT64_C(1) << id;
    value = read_value(r, row->shape);
    if (id == MQTT_RECEIVE_MAX)
        p->receive_max = (uint16_t)value;
    else if (id == MQTT_PACKET_MAX)
        p->packet_max = value;
}

void mqtt_properties_read(struct mqtt_properties *p, struct mqtt_reader *r, uint8_t place)
{
    struct mqtt_slice bytes = mqtt_read_bytes(r, mqtt_read_varint(r));
    struct mqtt_reader inner;

    *p = (struct mqtt_properties){.packet_max = UINT32_MAX, .receive_max = UINT16_MAX};
    mqtt_reader_init(&inner, bytes.data, bytes.length);
    while (mqtt_reader_left(&inner) > 0)
        read_property(p, &inner, place);
    if (inner.reason != MQTT_SUCCESS)
        mqtt_reader_fail(r, inner.reason);
}

bool mqtt_property_present(const struct mqtt_properties *p, enum mqtt_property id)
{
    return (p->present & (UINT64_C(1) << id)) != 0;
}
