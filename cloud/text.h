/* Small conversions: time, hex, base64, ids, and what makes a text acceptable. */
#ifndef TANDEM_CLOUD_TEXT_H
#define TANDEM_CLOUD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970, from the wall clock: what is stored and shown. */
int64_t text_now_ms(void);
/* Of a clock that nobody sets: what limits and durations go by. */
int64_t text_steady_ms(void);

#define TEXT_TIME_MAX 32
/* RFC 3339 in UTC with milliseconds. Returns to. */
const char *text_time(int64_t ms, char to[TEXT_TIME_MAX]);

/* Reads such a time; whole seconds do. False for anything else. */
bool text_time_parse(const char *text, int64_t *ms);

/* Lower-case hex and a NUL: 2 * bytes + 1 characters. Returns to. */
char *text_hex(const void *data, size_t bytes, char *to);
/* Reads exactly 2 * bytes hex digits and the end of the text. */
bool text_hex_parse(const char *text, void *to, size_t bytes);

/* Base64 with padding and a NUL: 4 * ((bytes + 2) / 3) + 1 characters. Returns to. */
char *text_base64(const void *data, size_t bytes, char *to);

#define TEXT_ID_MAX 24
/* Ids as the outside sees them: a letter and a number, "d17". Returns to. */
const char *text_id(char letter, int64_t id, char to[TEXT_ID_MAX]);
/* The number of such an id; 0 if id is malformed. */
int64_t text_id_parse(char letter, const char *text);

/* How many of these bytes are valid UTF-8, from the first on. */
size_t text_valid_bytes(const char *text, size_t bytes);
/* Valid UTF-8 without control characters. */
bool text_is_clean(const char *text);
/* Copies a text that fits whole and is clean; false otherwise. */
bool text_take(char *to, size_t capacity, const char *from);
/* A text of so many bytes as JSON, at most. */
#define TEXT_JSON_MAX(bytes) (6 * (bytes) + 3)
/* A valid UTF-8 text as a JSON string, in its quotes. Returns to. */
const char *text_json(const char *text, char *to, size_t capacity);
/* Takes a UTF-8 sequence that was cut in the middle off the end of text. */
void text_mend(char *text);
/* Characters (code points) of a valid UTF-8 text. */
size_t text_characters(const char *text);

#endif
