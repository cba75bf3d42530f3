/* What MQTT packets are made of: big-endian integers, lengths of variable size, texts (section 1.5 of MQTT 5
 * and of 3.1.1).
 *
 * Reader and writer latch their first failure: check once at the end. */
#ifndef TANDEM_CLOUD_MQTT_WIRE_H
#define TANDEM_CLOUD_MQTT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/mqtt/text.h"

struct mqtt_reader {
    const uint8_t *data;
    size_t length;
    size_t position;
    uint8_t
        reason; /* 0, or the reason code of the first failure; every later read gives 0 or an empty slice */
};

void mqtt_reader_init(struct mqtt_reader *r, const uint8_t *data, size_t length);
void mqtt_reader_fail(struct mqtt_reader *r, uint8_t reason);
size_t mqtt_reader_left(const struct mqtt_reader *r);
uint8_t mqtt_read_u8(struct mqtt_reader *r);
uint16_t mqtt_read_u16(struct mqtt_reader *r);
uint32_t mqtt_read_u32(struct mqtt_reader *r);
uint32_t mqtt_read_varint(struct mqtt_reader *r);
struct mqtt_slice mqtt_read_bytes(struct mqtt_reader *r, size_t length);
struct mqtt_slice mqtt_read_binary(struct mqtt_reader *r); /* u16 length, bytes */
struct mqtt_slice mqtt_read_text(struct mqtt_reader *r);   /* the same, and valid UTF-8 */

/* The reason so far; MQTT_MALFORMED if something is left over. */
uint8_t mqtt_reader_end(const struct mqtt_reader *r);

struct mqtt_writer {
    uint8_t *data; /* the caller's */
    size_t capacity;
    size_t length;
    bool failed; /* something did not fit */
};

void mqtt_writer_init(struct mqtt_writer *w, uint8_t *data, size_t capacity);
void mqtt_write_u8(struct mqtt_writer *w, uint8_t value);
void mqtt_write_u16(struct mqtt_writer *w, uint16_t value);
void mqtt_write_u32(struct mqtt_writer *w, uint32_t value);
void mqtt_write_varint(struct mqtt_writer *w, uint32_t value); /* at most MQTT_VARINT_MAX */
void mqtt_write_bytes(struct mqtt_writer *w, struct mqtt_slice bytes);
void mqtt_write_text(struct mqtt_writer *w, struct mqtt_slice text);

enum { MQTT_VARINT_MAX = 268435455 };

/* Bytes that a variable length takes. */
size_t mqtt_varint_bytes(uint32_t value);

#endif
