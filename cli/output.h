/* What the command says: errors, JSON, fields for people, progress. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* Prints "tandem: ..." on standard error and returns code, so that a caller can say
 * `return output_fail(CLI_FAILED, ...)`. The text says what happened, to which file, and what to do next. */
int output_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for something that does not stop the command. */
void output_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints value on standard output with indentation and frees it. NULL: out of memory. */
int output_json(json_t *value);

/* Flushes standard output: CLI_FAILED, with a message, if what was printed could not be written (disk full).
 */
int output_finish(void);

/* count bytes as lower-case hexadecimal; text has 2 * count + 1 bytes. Returns text. */
char *output_hex(char *text, const uint8_t *bytes, size_t count);

#endif
