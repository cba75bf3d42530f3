/* Message fields: the types of docs/PROTOCOL.md section 2, little-endian.
 *
 * Writer and reader latch failure: check failed once at the end, not after each field. */
#ifndef TANDEM_MESSAGE_H
#define TANDEM_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tdm_writer {
    uint8_t *buffer; /* the caller's */
    size_t capacity;
    size_t length;
    size_t skip; /* of a window: bytes before it */
    bool failed; /* something did not fit; length then counts only what did */
    bool window;
};

void tdm_writer_init(struct tdm_writer *w, uint8_t *buffer, size_t capacity);
/* A window on a message of any length: of what is put, bytes [skip, skip + capacity) come to stand in buffer,
 * and length counts all. So a message is written piece by piece, by putting the same fields once per piece.
 */
void tdm_writer_init_window(struct tdm_writer *w, uint8_t *buffer, size_t capacity, size_t skip);
void tdm_put_bool(struct tdm_writer *w, bool value);
void tdm_put_u8(struct tdm_writer *w, uint8_t value);
void tdm_put_u16(struct tdm_writer *w, uint16_t value);
void tdm_put_u32(struct tdm_writer *w, uint32_t value);
void tdm_put_i16(struct tdm_writer *w, int16_t value);
void tdm_put_i64(struct tdm_writer *w, int64_t value);
void tdm_put_string(struct tdm_writer *w, const char *text); /* with its NUL; NULL writes "" */
void tdm_put_binary(struct tdm_writer *w, const void *data, uint16_t bytes);

struct tdm_reader {
    const uint8_t *buffer;
    size_t length;
    size_t position;
    bool failed; /* a field was missing or ran past the end; every later get returns 0, "" or NULL */
};

void tdm_reader_init(struct tdm_reader *r, const uint8_t *buffer, size_t length);
bool tdm_get_bool(struct tdm_reader *r); /* any non-zero byte is true */
uint8_t tdm_get_u8(struct tdm_reader *r);
uint16_t tdm_get_u16(struct tdm_reader *r);
uint32_t tdm_get_u32(struct tdm_reader *r);
int16_t tdm_get_i16(struct tdm_reader *r);
int64_t tdm_get_i64(struct tdm_reader *r);
/* Points into the buffer, NUL-terminated there; "" on failure. */
const char *tdm_get_string(struct tdm_reader *r);
/* Points into the buffer; NULL and *bytes 0 on failure. */
const uint8_t *tdm_get_binary(struct tdm_reader *r, uint16_t *bytes);
/* True when every get succeeded and nothing is left. */
bool tdm_reader_done(const struct tdm_reader *r);

#endif
