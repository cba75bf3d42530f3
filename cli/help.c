#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"

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
        if (strncmp((*c)->name, group, length) == 0 && (*c)->name[length] == ' ') {
            print_summary(*c);
        }
    }
    printf("\n`tandem help %s COMMAND` tells more.\n", group);
}

static void print_exits(void)
{
    printf("\nExit status:\n");
#define CLI_EXIT_LINE(name, code, text) printf("  %d  %s\n", code, text);
    CLI_EXITS(CLI_EXIT_LINE)
#undef CLI_EXIT_LINE
}

void help_overview(void)
{
    printf("tandem %s: firmware updates for products with two processors\n\n"
           "Usage: tandem COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n",
           TANDEM_VERSION);
    for (const struct command *const *c = commands; *c; c++) {
        print_summary(*c);
    }
    printf("\n`tandem help COMMAND` tells more; `tandem --version` prints the version.\n");
    print_exits();
}

static void print_option(const struct option *row)
{
    char left[48];

    snprintf(left, sizeof left, "%c%c%s --%s%s%s", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
             row->letter ? "," : " ", row->name, row->value ? " " : "", row->value ? row->value : "");
    printf("  %-30s %s%s%s\n", left, row->help, row->rules & OPTION_REQUIRED ? " (required)" : "",
           row->rules & OPTION_REPEATED ? " (may be repeated)" : "");
}

void help_command(const struct command *command)
{
    const struct option *row;

    printf("tandem %s: %s\n\nUsage: tandem %s%s%s [OPTIONS]\n", command->name, command->summary,
           command->name, command->arguments[0] ? " " : "", command->arguments);
    if (command->details) {
        printf("\n%s", command->details);
    }
    printf("\nOptions:\n");
    for (size_t i = 0; (row = options_list(command, i)) != NULL; i++) {
        for (; row->name; row++) {
            print_option(row);
        }
    }
    print_exits();
}
