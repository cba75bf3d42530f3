/* Command lines: parsing against a command's rows, and reading what was given. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/base/command.h"

/* Fills call from the words after the command's name. Options and arguments may stand in any order, "--" ends
 * the options. CLI_OK, or CLI_USAGE with the reason on standard error. */
int options_parse(struct invocation *call, const struct command *command, char *const *words, int count);

/* The index-th option list of a command (its own, then the shared ones), NULL after the last. */
const struct option *options_list(const struct command *command, size_t index);

/* Value of option name, NULL if it was not given. name must be declared by the command. */
const char *option_text(const struct invocation *call, const char *name);
/* Values of a repeated option, one after the other: index from 0; NULL after the last. */
const char *option_text_at(const struct invocation *call, const char *name, size_t index);
bool option_given(const struct invocation *call, const char *name);

/* Reads a number (decimal, or hexadecimal with 0x) up to max into *value, which keeps its value if the option
 * was not given. CLI_OK, or CLI_USAGE with the reason on standard error. */
int option_number(const struct invocation *call, const char *name, uint32_t max, uint32_t *value);

/* The same for any text: true if all of it is such a number. */
bool number_parse(const char *text, uint32_t max, uint32_t *value);

#endif
