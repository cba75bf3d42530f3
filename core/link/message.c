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

/* What does not fit is left out, and so is all that follows: the buffer stays full. A window takes
 * everything. */
static void append(struct tdm_writer *w, uint8_t byte)
{
    size_t at = w->length - w->skip;

    if (at < w->capacity)
        w->buffer[at] = byte;
    else if (!w->window)
        w->failed = true;
    w->length += !w->failed;
}

static void put_bytes(struct tdm_writer *w, const uint8_t *data, size_t bytes)
{
    while (bytes-- > 0)
        append(w, *data++);
}

static void put_number(struct tdm_writer *w, uint32_t value, unsigned bytes)
{
    for (; bytes > 0; bytes--, value >>= 8)
        append(w, (uint8_t)value);
}

void tdm_put_bool(struct tdm_writer *w, bool value)
{
    put_number(w, value, 1);
}

void tdm_put_u8(struct tdm_writer *w, uint8_t value)
{
    put_number(w, value, 1);
}

void tdm_put_u16(struct tdm_writer *w, uint16_t value)
{
    put_number(w, value, 2);
}

void tdm_put_u32(struct tdm_writer *w, uint32_t value)
{
    put_number(w, value, 4);
}

void tdm_put_i16(struct tdm_writer *w, int16_t value)
{
    put_number(w, (uint16_t)value, 2);
}

void tdm_put_i64(struct tdm_writer *w, int64_t value)
{
    put_number(w, (uint32_t)value, 4);
    put_number(w, (uint32_t)((uint64_t)value >> 32), 4);
}

void tdm_put_string(struct tdm_writer *w, const char *text)
{
    if (text == NULL)
        text = "";
    put_bytes(w, (const uint8_t *)text, strlen(text) + 1);
}

void tdm_put_binary(struct tdm_writer *w, const void *data, uint16_t bytes)
{
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

static uint32_t get_number(struct tdm_reader *r, unsigned bytes)
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
    return get_number(r, 1) != 0;
}

uint8_t tdm_get_u8(struct tdm_reader *r)
{
    return (uint8_t)get_number(r, 1);
}

uint16_t tdm_get_u16(struct tdm_reader *r)
{
    return (uint16_t)get_number(r, 2);
}

uint32_t tdm_get_u32(struct tdm_reader *r)
{
    return get_number(r, 4);
}

int16_t tdm_get_i16(struct tdm_reader *r)
{
    return (int16_t)as_signed(get_number(r, 2), 16);
}

int64_t tdm_get_i64(struct tdm_reader *r)
{
    uint64_t low = get_number(r, 4);

    return as_signed((uint64_t)get_number(r, 4) << 32 | low, 64);
}

/* Past the end there is no byte but 0. */
const char *tdm_get_string(struct tdm_reader *r)
{
    size_t start = r->position;

    while (tdm_get_u8(r) != 0) {
    }
    return r->failed ? "" : (const char *)r->buffer + start;
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
