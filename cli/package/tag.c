/* tandem tag: the firmware tag, with the arguments, output and exit status of blynk_tag.py. */
#include <stdio.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/files.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/package/tag_scan.h"
#include "tandem/tag.h"

/* CLI_OK, or CLI_FAILED with the reason printed. The file is to be freed either way. */
static int find_tag(struct file_bytes *file, struct tag_slice *tag, const char *path)
{
    int rc = file_read(file, path);

    if (rc == CLI_OK && !tag_scan(file, tag)) {
        fprintf(stderr, "Blynk info tag not found\n");
        rc = CLI_FAILED;
    }
    return rc;
}

static int run_extract(const struct invocation *call)
{
    struct file_bytes file;
    struct tag_slice tag;
    int rc = find_tag(&file, &tag, call->argument[0]);

    if (rc == CLI_OK)
        rc = file_write_output(call->argument[1], tag.start, tag.length);
    file_free(&file);
    return rc;
}

/* The pairs in the order of the file, keys that the library does not know included. */
static int show_pairs(const struct tag_slice *tag)
{
    size_t cursor = 0;
    const char *key;
    const char *value;

    while (tdm_tag_next_pair(tag->start, tag->length, &cursor, &key, &value))
        printf("%s: %s\n", key, value);
    return CLI_OK;
}

static int show_members(const struct tag_slice *tag)
{
    size_t cursor = 0;
    const char *key;
    const char *value;
    json_t *pairs = json_object();

    while (tdm_tag_next_pair(tag->start, tag->length, &cursor, &key, &value))
        json_object_set_new(pairs, key, json_string(value));
    return show_json(pairs);
}

static int run_show(const struct invocation *call)
{
    struct file_bytes file;
    struct tag_slice tag;
    int rc = find_tag(&file, &tag, call->argument[0]);

    if (rc == CLI_OK)
        rc = option_given(call, "json") ? show_members(&tag) : show_pairs(&tag);
    file_free(&file);
    return rc;
}

/* The values of a tag, by option. */
static const struct {
    const char *option;
    size_t offset;
    size_t shortest; /* blynk_tag.py takes an empty one for none */
} values[] = {
    {"mcu", offsetof(struct tdm_tag, version), 1},
    {"type", offsetof(struct tdm_tag, type), 1},
    {"build", offsetof(struct tdm_tag, build), 0},
    {"blynk", offsetof(struct tdm_tag, library), 0},
};

static int take_values(const struct invocation *call, struct tdm_tag *tag)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const char *text = option_text(call, values[i].option);

        if (text && (strlen(text) < values[i].shortest || strlen(text) > TDM_TAG_VALUE_MAX))
            return output_fail(CLI_USAGE, "--%s \"%s\": must have %zu to %d characters", values[i].option,
                               text, values[i].shortest, TDM_TAG_VALUE_MAX);
        if (text)
            memcpy((char *)tag + values[i].offset, text, strlen(text) + 1);
    }
    return CLI_OK;
}

static int run_create(const struct invocation *call)
{
    struct tdm_tag tag = {.version = ""};
    char bytes[TDM_TAG_MAX];
    int rc = take_values(call, &tag);
    int length;

    if (rc != CLI_OK)
        return rc;
    length = tdm_tag_build(&tag, bytes, sizeof bytes);
    if (length < 0)
        return output_fail(
            CLI_USAGE, "a value has a character that tag scanners do not take; letters, digits, space and "
                       ". , : - ( ) _ are possible");
    return file_write_output(call->argument[0], bytes, (size_t)length);
}

static const struct option create_options[] = {
    {"mcu", 0, "VERSION", "version of the firmware", OPTION_REQUIRED},
    {"type", 0, "TYPE", "type of the firmware, which devices compare with their own", OPTION_REQUIRED},
    {"build", 0, "TEXT", "build date and time", 0},
    {"blynk", 0, "VERSION", "version of the library", 0},
    {0},
};

const struct command command_tag_create = {
    .name = "tag create",
    .arguments = "FILE_OUT",
    .summary = "write a firmware tag",
    .options = create_options,
    .run = run_create,
};

const struct command command_tag_extract = {
    .name = "tag extract",
    .arguments = "FILE_IN FILE_OUT",
    .summary = "copy the tag of a firmware file to a file of its own",
    .run = run_extract,
};

const struct command command_tag_show = {
    .name = "tag show",
    .arguments = "FILE_IN",
    .summary = "print the tag of a firmware file",
    .uses = USES_JSON,
    .run = run_show,
};
