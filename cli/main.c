/* tandem: the command. Finds the command in the table, parses its words, runs it. */
#include <stdio.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/help.h"
#include "cli/base/options.h"
#include "cli/base/output.h"

const struct command *const commands[] = {
#define CLI_COMMAND_ROW(name) &command_##name,
    CLI_COMMANDS(CLI_COMMAND_ROW)
#undef CLI_COMMAND_ROW
        NULL,
};

/* Words of argv that name the command: 0 if they are not its name. */
static int name_matches(const struct command *command, char *const *words, int count)
{
    const char *space = strchr(command->name, ' ');
    size_t first = space ? (size_t)(space - command->name) : strlen(command->name);

    if (count < 1 || strlen(words[0]) != first || memcmp(words[0], command->name, first) != 0)
        return 0;
    if (!space)
        return 1;
    return count >= 2 && strcmp(words[1], space + 1) == 0 ? 2 : 0;
}

static const struct command *find_command(char *const *words, int count, int *name_words)
{
    for (const struct command *const *c = commands; *c; c++) {
        *name_words = name_matches(*c, words, count);
        if (*name_words)
            return *c;
    }
    return NULL;
}

static bool is_group(const char *word)
{
    size_t length = strlen(word);

    for (const struct command *const *c = commands; *c; c++) {
        if (strncmp((*c)->name, word, length) == 0 && (*c)->name[length] == ' ')
            return true;
    }
    return false;
}

/* `tandem help ...`, and `tandem tag --help`. */
static int help(char *const *words, int count)
{
    int name_words;
    const struct command *command = find_command(words, count, &name_words);

    if (count == 0)
        help_overview();
    else if (command)
        help_command(command);
    else if (is_group(words[0]))
        help_group(words[0]);
    else
        return output_fail(CLI_USAGE, "no command %s; see: tandem help", words[0]);
    return CLI_OK;
}

static int no_such_command(char *const *words, int count)
{
    if (words[0][0] == '-')
        return output_fail(CLI_USAGE,
                           "%s stands before the command; options stand behind it: tandem COMMAND %s",
                           words[0], words[0]);
    if (!is_group(words[0]))
        return output_fail(CLI_USAGE, "no command %s; see: tandem help", words[0]);
    if (count < 2)
        return output_fail(CLI_USAGE, "%s needs a second word; see: tandem help %s", words[0], words[0]);
    return output_fail(CLI_USAGE, "no command %s %s; see: tandem help %s", words[0], words[1], words[0]);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run(char *const *words, int count)
{
    struct invocation call;
    int name_words;
    const struct command *command;
    int rc;

    if (count == 0)
        return output_fail(CLI_USAGE, "which command? see: tandem help");
    if (strcmp(words[0], "--version") == 0) {
        printf("tandem %s\n", TANDEM_VERSION);
        return CLI_OK;
    }
    if (strcmp(words[0], "help") == 0 || is_help(words[0]))
        return help(words + 1, count - 1);
    if (count == 2 && is_group(words[0]) && is_help(words[1]))
        return help(words, 1);
    command = find_command(words, count, &name_words);
    if (!command)
        return no_such_command(words, count);
    rc = options_parse(&call, command, words + name_words, count - name_words);
    if (rc == CLI_OK && call.help) {
        help_command(command);
        return CLI_OK;
    }
    return rc == CLI_OK ? command->run(&call) : rc;
}

int main(int count, char **words)
{
    int rc = run(words + 1, count - 1);
    int written = output_finish();

    return rc != CLI_OK ? rc : written;
}
