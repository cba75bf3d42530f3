#include "cli/base/options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/output.h"

static const struct option common_options[] = {
    {"help", 'h', NULL, "show this help", 0},
    {0},
};

static const struct option json_options[] = {
    {"json", 0, NULL, "print JSON instead of lines for people", 0},
    {0},
};

static const struct option server_options[] = {
    {"url", 0, "URL", "the server (or TANDEM_URL, or url in the configuration file)", 0},
    {"token", 0, "TOKEN", "the API token (or TANDEM_TOKEN, or token in the configuration file)", 0},
    {"ca", 0, "FILE", "authorities that signed its certificate (or TANDEM_CA, or ca in that file)", 0},
    {"config", 0, "FILE", "configuration file instead of ~/.config/tandem/config", 0},
    {0},
};

const struct option *options_list(const struct command *command, size_t index)
{
    const struct option *lists[5];
    size_t count = 0;

    if (command->options)
        lists[count++] = command->options;
    if (command->uses & USES_SERVER)
        lists[count++] = server_options;
    if (command->uses & USES_JSON)
        lists[count++] = json_options;
    lists[count++] = common_options;
    return index < count ? lists[index] : NULL;
}

/* The option called name (length bytes of it), or the one with that letter. */
static const struct option *find(const struct command *command, const char *name, size_t length, char letter)
{
    const struct option *row;

    for (size_t i = 0; (row = options_list(command, i)) != NULL; i++) {
        for (; row->name; row++) {
            bool same_name = name && strlen(row->name) == length && memcmp(row->name, name, length) == 0;
            if (same_name || (letter && row->letter == letter))
                return row;
        }
    }
    return NULL;
}

static size_t times_given(const struct invocation *call, const struct option *option)
{
    size_t times = 0;

    for (size_t i = 0; i < call->given_count; i++)
        times += call->given[i].option == option;
    return times;
}

static int usage(const struct invocation *call, const char *what, const char *which)
{
    return output_fail(CLI_USAGE, "%s %s; see: tandem help %s", what, which, call->command->name);
}

static int take_option(struct invocation *call, const struct option *option, const char *value)
{
    if (times_given(call, option) && !(option->rules & OPTION_REPEATED))
        return usage(call, "given twice: option", option->name);
    if (call->given_count == COMMAND_OPTIONS_MAX)
        return usage(call, "too many options, at", option->name);
    call->given[call->given_count].option = option;
    call->given[call->given_count++].value = value ? value : "";
    return CLI_OK;
}

/* Takes the option in words[0], and words[1] if that is its value; *used tells. */
static int parse_option(struct invocation *call, char *const *words, int count, int *used)
{
    const char *word = words[0];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    size_t length = is_long ? strcspn(name, "=") : 1;
    const char *value = name[length] == '\0' ? NULL : name + length + is_long;
    const struct option *option = find(call->command, is_long ? name : NULL, length, is_long ? 0 : name[0]);

    *used = 1;
    if (!option)
        return usage(call, "unknown option", word);
    if (!option->value && value)
        return usage(call, "takes no value: option", word);
    if (option->value && !value) {
        if (count < 2)
            return usage(call, "needs a value: option", word);
        value = words[1];
        *used = 2;
    }
    return take_option(call, option, value);
}

static size_t words_of(const char *text)
{
    size_t count = *text != '\0';

    for (; *text; text++)
        count += *text == ' ';
    return count;
}

static int parse_argument(struct invocation *call, const char *word)
{
    if (call->argument_count == words_of(call->command->arguments))
        return usage(call, "one argument too many:", word);
    call->argument[call->argument_count++] = word;
    return CLI_OK;
}

static int check_complete(const struct invocation *call)
{
    const struct option *row;

    if (call->argument_count < words_of(call->command->arguments))
        return usage(call, "an argument is missing; it takes", call->command->arguments);
    for (row = call->command->options; row && row->name; row++) {
        if ((row->rules & OPTION_REQUIRED) && !times_given(call, row))
            return output_fail(CLI_USAGE, "option --%s %s is missing (%s); see: tandem help %s", row->name,
                               row->value, row->help, call->command->name);
    }
    return CLI_OK;
}

int options_parse(struct invocation *call, const struct command *command, char *const *words, int count)
{
    bool options_over = false;
    int rc = CLI_OK;

    memset(call, 0, sizeof *call);
    call->command = command;
    for (int i = 0, used = 1; i < count && rc == CLI_OK; i += used) {
        used = 1;
        if (!options_over && strcmp(words[i], "--") == 0)
            options_over = true;
        else if (!options_over && words[i][0] == '-' && words[i][1] != '\0')
            rc = parse_option(call, words + i, count - i, &used);
        else
            rc = parse_argument(call, words[i]);
    }
    call->help = rc == CLI_OK && option_given(call, "help");
    return rc == CLI_OK && !call->help ? check_complete(call) : rc;
}

const char *option_text_at(const struct invocation *call, const char *name, size_t index)
{
    const struct option *option = find(call->command, name, strlen(name), 0);

    assert(option);
    for (size_t i = 0; i < call->given_count; i++) {
        if (call->given[i].option == option && index-- == 0)
            return call->given[i].value;
    }
    return NULL;
}

const char *option_text(const struct invocation *call, const char *name)
{
    return option_text_at(call, name, 0);
}

bool option_given(const struct invocation *call, const char *name)
{
    return option_text(call, name) != NULL;
}

bool number_parse(const char *text, uint32_t max, uint32_t *value)
{
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = is_hex ? text + 2 : text;
    unsigned long long number;
    char *end;

    if (is_hex ? !isxdigit((unsigned char)digits[0]) : !isdigit((unsigned char)digits[0]))
        return false;
    errno = 0;
    number = strtoull(digits, &end, is_hex ? 16 : 10);
    if (errno || *end != '\0' || number > max)
        return false;
    *value = (uint32_t)number;
    return true;
}

int option_number(const struct invocation *call, const char *name, uint32_t max, uint32_t *value)
{
    const char *text = option_text(call, name);

    if (!text || number_parse(text, max, value))
        return CLI_OK;
    return output_fail(CLI_USAGE, "--%s %s: not a number from 0 to %lu (0x for hexadecimal)", name, text,
                       (unsigned long)max);
}
