/* What the command shows: JSON values as they are, or as fields and tables for people. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stddef.h>

#include <jansson.h>

#include "cli/base/command.h"

/* Prints value on standard output with indentation and frees it. NULL: out of memory. */
int show_json(json_t *value);

/* Prints the members of an object as lines for people, or as JSON with --json, and frees it. Member names are
 * the labels; members that are null and lists of objects are left out for people. */
int show_fields(const struct invocation *call, json_t *object);

/* A list of texts as one, "lab, canary"; an empty one or none: null. */
json_t *show_words(const json_t *list);

/* A column of a table: the member it shows ("firmware.version": a member of a member) and its heading. */
struct column {
    const char *member;
    const char *heading;
};

/* Prints rows (an array of objects) as a table for people; columns are ended by a row without a member. */
void show_table(const struct column *columns, const json_t *rows);

/* The same for an answer that has its rows in member: a table, or the whole answer as JSON with --json. Frees
 * the answer. */
int show_list(const struct invocation *call, const struct column *columns, const char *member,
              json_t *answer);

/* A value as people read it: text as it is, numbers, yes or no, "-" for nothing. text has bytes bytes. */
const char *show_text(const json_t *value, char *text, size_t bytes);

#endif
