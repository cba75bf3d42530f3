/* A command of `tandem` as data: its name, arguments, options, help text and the function that runs it.
 *
 * Every command file defines its commands as constants; main.c lists them. Parsing, help and error texts come
 * from these rows, so an option that is declared is parsed, explained and checked everywhere in one way. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(NAME, code, uses, text): what the exit status says, and of which commands; 0: of all. docs/CLI.md has the
 * same list. */
#define CLI_EXITS(X)                                                                                         \
    X(OK, 0, 0, "done")                                                                                      \
    X(FAILED, 1, 0, "failed: the input is wrong, something was not found or could not be written")           \
    X(USAGE, 2, 0, "the command line is wrong")                                                              \
    X(SERVER, 3, USES_SERVER, "the server can't be reached, or refused the request")                         \
    X(SHIPMENT, 4, USES_WATCH,                                                                               \
      "the shipment ended, and not every device runs the firmware, or a gate stopped it")                    \
    X(TIMEOUT, 5, USES_WATCH, "the time limit passed; the shipment goes on")

enum cli_exit {
#define CLI_EXIT_ENUM(name, code, uses, text) CLI_##name = (code),
    CLI_EXITS(CLI_EXIT_ENUM)
#undef CLI_EXIT_ENUM
};

enum option_rule {
    OPTION_REQUIRED = 1,
    OPTION_REPEATED = 2, /* may be given several times */
};

struct option {
    const char *name;  /* without the dashes; NULL ends a list */
    char letter;       /* 0: has none */
    const char *value; /* what help calls the value; NULL: a switch */
    const char *help;
    uint8_t rules;
};

/* What several commands share: options, exit statuses. */
enum command_uses {
    USES_JSON = 1,   /* --json */
    USES_SERVER = 2, /* --url, --token, --config */
    USES_WATCH = 4,  /* follows a shipment */
};

struct invocation;

struct command {
    const char *name;             /* "pack", or group and verb: "tag show" */
    const char *arguments;        /* as help shows them, a word for each that it takes; "" if none */
    const char *summary;          /* one line */
    const char *details;          /* more lines for `tandem help NAME`, or NULL */
    const struct option *options; /* ended by a row without a name, or NULL */
    uint8_t uses;                 /* enum command_uses */
    int (*run)(const struct invocation *call);
};

#define COMMAND_ARGUMENTS_MAX 8
#define COMMAND_OPTIONS_MAX   64

/* A parsed command line. Strings are those of argv. */
struct invocation {
    const struct command *command;
    const char *argument[COMMAND_ARGUMENTS_MAX];
    size_t argument_count;
    struct {
        const struct option *option;
        const char *value; /* "" for a switch */
    } given[COMMAND_OPTIONS_MAX];
    size_t given_count;
    bool help; /* --help was given */
};

/* Commands, ended by NULL (main.c). */
extern const struct command *const commands[];

#endif
