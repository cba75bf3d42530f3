/* What the command says: errors, and text that a terminal may be given. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/base/command.h"

/* Prints "tandem: ..." on standard error and returns code, so that a caller can say
 * `return output_fail(CLI_FAILED, ...)`. The text says what happened, to which file, and what to do next. */
int output_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for something that does not stop the command. */
void output_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints text without what would steer a terminal: names and texts come from devices and servers. At most
 * columns characters; negative: all. */
void output_put(FILE *to, const char *text, int columns);

/* As many characters of text as fit into columns, filled up with spaces. Returns to, 4 * columns + 1 bytes.
 */
char *output_fit(char *to, const char *text, int columns);

/* Flushes standard output: CLI_FAILED, with a message, if what was printed could not be written (disk full).
 */
int output_finish(void);

/* count bytes as lower-case hexadecimal; text has 2 * count + 1 bytes. Returns text. */
char *output_hex(char *text, const uint8_t *bytes, size_t count);

#endif
