/* What the command says: errors, JSON, fields for people, progress. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

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

/* Prints value on standard output with indentation and frees it. NULL: out of memory. */
int output_json(json_t *value);

/* Prints the members of an object as lines for people, or as JSON with --json, and frees it. Member names are
 * the labels; members that are null and lists of objects are left out for people. */
int output_fields(const struct invocation *call, json_t *object);

/* A list of texts as one, "lab, canary"; an empty one or none: null. */
json_t *output_words(const json_t *list);

/* A column of a table: the member it shows ("firmware.version": a member of a member) and its heading. */
struct column {
    const char *member;
    const char *heading;
};

/* Prints rows (an array of objects) as a table for people; columns are ended by a row without a member. */
void output_table(const struct column *columns, const json_t *rows);

/* The same for an answer that has its rows in member: a table, or the whole answer as JSON with --json. Frees
 * the answer. */
int output_list(const struct invocation *call, const struct column *columns, const char *member,
                json_t *answer);

/* A value as people read it: text as it is, numbers, yes or no, "-" for nothing. text has bytes bytes. */
const char *output_text(const json_t *value, char *text, size_t bytes);

/* The member called path of object, "." steps into a member; NULL if there is none. */
const json_t *output_member(const json_t *object, const char *path);
/* The same as a text, "" where it is none; as a number, 0 where it is none. */
const char *output_member_text(const json_t *object, const char *path);
json_int_t output_member_number(const json_t *object, const char *path);

/* Flushes standard output: CLI_FAILED, with a message, if what was printed could not be written (disk full).
 */
int output_finish(void);

/* count bytes as lower-case hexadecimal; text has 2 * count + 1 bytes. Returns text. */
char *output_hex(char *text, const uint8_t *bytes, size_t count);

#endif
