/* Commands that are one request: what the REST interface answers is what they print. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <jansson.h>

#include "cli/base/command.h"
#include "cli/base/options.h"
#include "cli/base/show.h"

/* One request, to prefix, the command's first argument and suffix; suffix NULL: to prefix as it is. body may
 * be NULL and is freed. CLI_OK and *answer (the caller's; NULL where there is none), or another code with the
 * reason on standard error. */
int ask_for(const struct invocation *call, const char *method, const char *prefix, const char *suffix,
            json_t *body, json_t **answer);

/* The same, and the answer is printed as fields. */
int ask(const struct invocation *call, const char *method, const char *prefix, const char *suffix,
        json_t *body);

/* All pages of a list, as a table of the rows in member; prefix and suffix as above. */
int ask_list(const struct invocation *call, const char *prefix, const char *suffix, const char *member,
             const struct column *columns);

/* An option that was given, as the member of the same name: a text, a list of texts, a number up to max.
 * CLI_USAGE, after a message, where it is not a number. */
void ask_put_text(json_t *body, const struct invocation *call, const char *name);
void ask_put_list(json_t *body, const struct invocation *call, const char *option, const char *member);
int ask_put_number(json_t *body, const struct invocation *call, const char *name, uint32_t max);

/* "disabled", from --disable and --enable; CLI_USAGE for both. */
int ask_put_disabled(json_t *body, const struct invocation *call);

/* Changes to body, which is freed, what the first argument names, or prefix where the command takes none;
 * CLI_USAGE where body is empty. rc is what reading the options has come to: anything but CLI_OK is returned,
 * and nothing is asked. */
int ask_change(const struct invocation *call, const char *prefix, json_t *body, int rc);

/* The command's row: id, name, arguments, summary, options, function. */
#define ASK_COMMAND(id, text, args, help, option_list, function)                                             \
    const struct command command_##id = {                                                                    \
        .name = text,                                                                                        \
        .arguments = args,                                                                                   \
        .summary = help,                                                                                     \
        .options = option_list,                                                                              \
        .uses = USES_JSON | USES_SERVER,                                                                     \
        .run = function,                                                                                     \
    }

#endif
