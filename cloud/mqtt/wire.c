/* Integers, lengths and texts: see wire.h. */
#include "cloud/mqtt/packet.h"

#include <string.h>

void mqtt_reader_init(struct mqtt_reader *r, const uint8_t *data, size_t length)
{
    *r = (struct mqtt_reader){.data = data, .length = length};
}

void mqtt_reader_fail(struct mqtt_reader *r, uint8_t reason)
{
    if (r->reason == MQTT_SUCCESS)
        r->reason = reason;
}

size_t mqtt_reader_left(const struct mqtt_reader *r)
{
    return r->reason == MQTT_SUCCESS ? r->length - r->position : 0;
}

struct mqtt_slice mqtt_read_bytes(struct mqtt_reader *r, size_t length)
{
    struct mqtt_slice bytes = {NULL, 0};

    if (r->reason != MQTT_SUCCESS || length > r->length - r->position) {
        mqtt_reader_fail(r, MQTT_MALFORMED);
        return bytes;
    }
    bytes = (struct mqtt_slice){r->data + r->position, length};
    r->position += length;
    return bytes;
}

static uint32_t read_big_endian(struct mqtt_reader *r, size_t bytes)
{
    struct mqtt_slice field = mqtt_read_bytes(r, bytes);
    uint32_t value = 0;

    for (size_t i = 0; i < field.length; i++)
        value = value << 8 | field.data[i];
    return value;
}

uint8_t mqtt_read_u8(struct mqtt_reader *r)
{
    return (uint8_t)read_big_endian(r, 1);
}

uint16_t mqtt_read_u16(struct mqtt_reader *r)
{
    return (uint16_t)read_big_endian(r, 2);
}

uint32_t mqtt_read_u32(struct mqtt_reader *r)
{
    return read_big_endian(r, 4);
}

/* Seven bits to a byte, the lowest first, at most four bytes, in as few as possible. */
uint32_t mqtt_read_varint(struct mqtt_reader *r)
{
    uint32_t value = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        if (shift == 28) {
            mqtt_reader_fail(r, MQTT_MALFORMED);
            return 0;
        }
        byte = mqtt_read_u8(r);
        value |= (uint32_t)(byte & 0x7F) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (byte == 0 && shift > 7)
        mqtt_reader_fail(r, MQTT_MALFORMED);
    return r->reason == MQTT_SUCCESS ? value : 0;
}

struct mqtt_slice mqtt_read_binary(struct mqtt_reader *r)
{
    return mqtt_read_bytes(r, mqtt_read_u16(r));
}

struct mqtt_slice mqtt_read_text(struct mqtt_reader *r)
{
    struct mqtt_slice text = mqtt_read_binary(r);

    if (mqtt_utf8_valid(text))
        return text;
    mqtt_reader_fail(r, MQTT_MALFORMED);
    return (struct mqtt_slice){NULL, 0};
}

uint8_t mqtt_reader_end(const struct mqtt_reader *r)
{
    if (r->reason == MQTT_SUCCESS && r->position < r->length)
        return MQTT_MALFORMED;
    return r->reason;
}

void mqtt_writer_init(struct mqtt_writer *w, uint8_t *data, size_t capacity)
{
    *w = (struct mqtt_writer){.data = data, .capacity = capacity};
}

void mqtt_write_bytes(struct mqtt_writer *w, struct mqtt_slice bytes)
{
    if (w->failed || bytes.length > w->capacity - w->length) {
        w->failed = true;
        return;
    }
    if (bytes.length > 0)
        memcpy(w->data + w->length, bytes.data, bytes.length);
    w->length += bytes.length;
}

void mqtt_write_u8(struct mqtt_writer *w, uint8_t value)
{
    mqtt_write_bytes(w, (struct mqtt_slice){&value, 1});
}

void mqtt_write_u16(struct mqtt_writer *w, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    mqtt_write_bytes(w, (struct mqtt_slice){bytes, sizeof bytes});
}

void mqtt_write_u32(struct mqtt_writer *w, uint32_t value)
{
    mqtt_write_u16(w, (uint16_t)(value >> 16));
    mqtt_write_u16(w, (uint16_t)value);
}

void mqtt_write_varint(struct mqtt_writer *w, uint32_t value)
{
    while (value > 0x7F) {
        mqtt_write_u8(w, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    mqtt_write_u8(w, (uint8_t)value);
}

void mqtt_write_text(struct mqtt_writer *w, struct mqtt_slice text)
{
    if (text.length > UINT16_MAX) {
        w->failed = true;
        return;
    }
    mqtt_write_u16(w, (uint16_t)text.length);
    mqtt_write_bytes(w, text);
}

size_t mqtt_varint_bytes(uint32_t value)
{
    size_t bytes = 1;

    for (; value > 0x7F; value >>= 7)
        bytes++;
    return bytes;
}
