/* Fields of a message: little-endian, assembled byte by byte, so neither the machine's byte order nor its
 * alignment rules matter. */
#include "tandem/message.h"

#include <string.h>

void tdm_writer_init(struct tdm_writer *w, uint8_t *buffer, size_t capacity)
{
    *w = (struct tdm_writer){.buffer = buffer, .capacity = capacity};
}

void tdm_writer_init_window(struct tdm_writer *w, uint8_t *buffer, size_t capacity, size_t skip)
{
    *w = (struct tdm_writer){.buffer = buffer, .capacity = capacity, .skip = skip, .window = true};
}

/* A field that does not fit is left out whole, and so is all that follows. A window takes everything. */
static bool fits(struct tdm_writer *w, size_t bytes)
{
    if (!w->window && bytes > w->capacity - w->length)
        w->failed = true;
    return !w->failed;
}

static void append(struct tdm_writer *w, uint8_t byte)
{
    size_t at = w->length++ - w->skip;

    if (at < w->capacity)
        w->buffer[at] = byte;
}

static void put_little_endian(struct tdm_writer *w, uint32_t value, size_t bytes)
{
    if (!fits(w, bytes))
        return;
    for (; bytes > 0; bytes--, value >>= 8)
        append(w, (uint8_t)value);
}

static void put_bytes(struct tdm_writer *w, const uint8_t *data, size_t bytes)
{
    if (!fits(w, bytes))
        return;
    while (bytes-- > 0)
        append(w, *data++);
}

void tdm_put_bool(struct tdm_writer *w, bool value)
{
    put_little_endian(w, value ? 1 : 0, 1);
}

void tdm_put_u8(struct tdm_writer *w, uint8_t value)
{
    put_little_endian(w, value, 1);
}

void tdm_put_u16(struct tdm_writer *w, uint16_t value)
{
    put_little_endian(w, value, 2);
}

void tdm_put_u32(struct tdm_writer *w, uint32_t value)
{
    put_little_endian(w, value, 4);
}

void tdm_put_i16(struct tdm_writer *w, int16_t value)
{
    put_little_endian(w, (uint16_t)value, 2);
}

void tdm_put_i64(struct tdm_writer *w, int64_t value)
{
    uint64_t number = (uint64_t)value;
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++, number >>= 8)
        bytes[i] = (uint8_t)number;
    put_bytes(w, bytes, sizeof bytes);
}

void tdm_put_string(struct tdm_writer *w, const char *text)
{
    if (text == NULL)
        text = "";
    put_bytes(w, (const uint8_t *)text, strlen(text) + 1);
}

void tdm_put_binary(struct tdm_writer *w, const void *data, uint16_t bytes)
{
    if (!fits(w, 2 + (size_t)bytes))
        return;
    tdm_put_u16(w, bytes);
    put_bytes(w, data, bytes);
}

void tdm_reader_init(struct tdm_reader *r, const uint8_t *buffer, size_t length)
{
    *r = (struct tdm_reader){.buffer = buffer, .length = length};
}

static const uint8_t *take(struct tdm_reader *r, size_t bytes)
{
    const uint8_t *field;

    if (r->failed || bytes > r->length - r->position) {
        r->failed = true;
        return NULL;
    }
    field = r->buffer + r->position;
    r->position += bytes;
    return field;
}

static uint32_t get_little_endian(struct tdm_reader *r, size_t bytes)
{
    const uint8_t *field = take(r, bytes);
    uint32_t value = 0;

    if (field == NULL)
        return 0;
    while (bytes-- > 0)
        value = value << 8 | field[bytes];
    return value;
}

/* Two's complement by arithmetic: a conversion of a large unsigned value would be up to the compiler. */
static int64_t as_signed(uint64_t value, unsigned bits)
{
    uint64_t sign = (uint64_t)1 << (bits - 1);

    if ((value & sign) == 0)
        return (int64_t)value;
    return -(int64_t)((sign - 1) - (value & (sign - 1))) - 1;
}

bool tdm_get_bool(struct tdm_reader *r)
{
    return get_little_endian(r, 1) != 0;
}

uint8_t tdm_get_u8(struct tdm_reader *r)
{
    return (uint8_t)get_little_endian(r, 1);
}

uint16_t tdm_get_u16(struct tdm_reader *r)
{
    return (uint16_t)get_little_endian(r, 2);
}

uint32_t tdm_get_u32(struct tdm_reader *r)
{
    return get_little_endian(r, 4);
}

int16_t tdm_get_i16(struct tdm_reader *r)
{
    return (int16_t)as_signed(get_little_endian(r, 2), 16);
}

int64_t tdm_get_i64(struct tdm_reader *r)
{
    const uint8_t *field = take(r, 8);
    uint64_t number = 0;

    if (field == NULL)
        return 0;
    for (unsigned i = 0; i < 8; i++)
        number |= (uint64_t)field[i] << (8 * i);
    return as_signed(number, 64);
}

const char *tdm_get_string(struct tdm_reader *r)
{
    size_t end = r->position;

    if (r->failed)
        return "";
    while (end < r->length && r->buffer[end] != 0)
        end++;
    if (end == r->length) {
        r->failed = true;
        return "";
    }
    return (const char *)take(r, end + 1 - r->position);
}

const uint8_t *tdm_get_binary(struct tdm_reader *r, uint16_t *bytes)
{
    uint16_t length = tdm_get_u16(r);
    const uint8_t *data = take(r, length);

    *bytes = data == NULL ? 0 : length;
    return data;
}

bool tdm_reader_done(const struct tdm_reader *r)
{
    return !r->failed && r->position == r->length;
}
