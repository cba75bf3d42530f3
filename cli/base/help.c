#include "cli/base/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/base/options.h"

static void print_summary(const struct command *command)
{
    char synopsis[80];

    snprintf(synopsis, sizeof synopsis, "%s %s", command->name, command->arguments);
    printf("  %-32s %s\n", synopsis, command->summary);
}

void help_group(const char *group)
{
    size_t length = strlen(group);

    printf("Usage: tandem %s COMMAND ...\n\nCommands:\n", group);
    for (const struct command *const *c = commands; *c; c++) {
        if (strncmp((*c)->name, group, length) == 0 && (*c)->name[length] == ' ')
            print_summary(*c);
    }
    printf("\n`tandem help %s COMMAND` tells more.\n", group);
}

static void print_exits(unsigned uses)
{
    static const struct {
        int code;
        unsigned uses;
        const char *text;
    } exits[] = {
#define CLI_EXIT_ROW(name, code, uses, text) {code, uses, text},
        CLI_EXITS(CLI_EXIT_ROW)
#undef CLI_EXIT_ROW
    };

    printf("\nExit status:\n");
    for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++) {
        if (exits[i].uses == 0 || (exits[i].uses & uses))
            printf("  %d  %s\n", exits[i].code, exits[i].text);
    }
}

void help_overview(void)
{
    printf("tandem %s: firmware updates for products with two processors\n\n"
           "Usage: tandem COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n",
           TANDEM_VERSION);
    for (const struct command *const *c = commands; *c; c++)
        print_summary(*c);
    printf("\n`tandem help COMMAND` tells more; `tandem --version` prints the version.\n");
    print_exits(USES_SERVER | USES_WATCH);
}

static void print_option(const struct option *row)
{
    char left[48];

    snprintf(left, sizeof left, "%c%c%s --%s%s%s", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
             row->letter ? "," : " ", row->name, row->value ? " " : "", row->value ? row->value : "");
    printf("  %-30s %s%s%s\n", left, row->help, row->rules & OPTION_REQUIRED ? " (required)" : "",
           row->rules & OPTION_REPEATED ? " (may be repeated)" : "");
}

/* What can't be left out, then that there is more. */
static void print_usage(const struct command *command)
{
    printf("Usage: tandem %s%s%s", command->name, command->arguments[0] ? " " : "", command->arguments);
    for (const struct option *row = command->options; row && row->name; row++) {
        if (row->rules & OPTION_REQUIRED)
            printf(" --%s %s", row->name, row->value);
    }
    printf(" [OPTIONS]\n");
}

void help_command(const struct command *command)
{
    const struct option *row;

    printf("tandem %s: %s\n\n", command->name, command->summary);
    print_usage(command);
    if (command->details)
        printf("\n%s", command->details);
    printf("\nOptions:\n");
    for (size_t i = 0; (row = options_list(command, i)) != NULL; i++) {
        for (; row->name; row++)
            print_option(row);
    }
    print_exits(command->uses);
}
