/* tandem tag: the firmware tag, with the arguments, output and exit status of blynk_tag.py. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/output.h"
#include "tandem/tag.h"

#define MARKER_BYTES 8 /* "blnkinf" and its NUL */

/* A tag inside of a file that was read. */
struct found_tag {
    struct file_bytes file;
    const char *start;
    size_t length;
};

/* CLI_OK, or CLI_FAILED with the reason printed. The file is to be freed either way. */
static int find_tag(struct found_tag *found, const char *path)
{
    struct tdm_tag tag;
    int rc = file_read(&found->file, path);
    long offset;
    int length;

    if (rc != CLI_OK) {
        return rc;
    }
    offset = tdm_tag_find(&tag, found->file.data, found->file.size);
    if (offset < 0) {
        fprintf(stderr, "Blynk info tag not found\n");
        return CLI_FAILED;
    }
    found->start = (const char *)found->file.data + offset;
    length = tdm_tag_parse(&tag, found->start, found->file.size - (size_t)offset);
    found->length = length > 0 ? (size_t)length : 0;
    return CLI_OK;
}

static int run_extract(const struct invocation *call)
{
    struct found_tag found;
    int rc = find_tag(&found, call->argument[0]);

    if (rc == CLI_OK) {
        rc = file_write(call->argument[1], found.start, found.length, 0666);
    }
    file_free(&found.file);
    return rc;
}

/* The pairs in the order of the file, keys that the library does not know included. */
static json_t *tag_pairs(const struct found_tag *found)
{
    const char *end = found->start + found->length;
    json_t *pairs = json_object();

    for (const char *key = found->start + MARKER_BYTES; key < end && *key;) {
        const char *value = key + strlen(key) + 1;

        json_object_set_new(pairs, key, json_string(value));
        key = value + strlen(value) + 1;
    }
    return pairs;
}

static int run_show(const struct invocation *call)
{
    struct found_tag found;
    int rc = find_tag(&found, call->argument[0]);
    json_t *pairs = rc == CLI_OK ? tag_pairs(&found) : NULL;
    const char *key;
    json_t *value;

    file_free(&found.file);
    if (rc != CLI_OK || option_given(call, "json")) {
        return rc != CLI_OK ? rc : output_json(pairs);
    }
    json_object_foreach(pairs, key, value)
    {
        printf("%s: %s\n", key, json_string_value(value));
    }
    json_decref(pairs);
    return CLI_OK;
}

/* The values of a tag, by option. */
static const struct {
    const char *option;
    size_t offset;
} values[] = {
    {"mcu", offsetof(struct tdm_tag, version)},
    {"type", offsetof(struct tdm_tag, type)},
    {"build", offsetof(struct tdm_tag, build)},
    {"blynk", offsetof(struct tdm_tag, library)},
};

static int take_values(const struct invocation *call, struct tdm_tag *tag)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const char *text = option_text(call, values[i].option);

        if (text && (text[0] == '\0' || strlen(text) > TDM_TAG_VALUE_MAX)) {
            return output_fail(CLI_USAGE, "--%s \"%s\": must have 1 to %d characters", values[i].option, text,
                               TDM_TAG_VALUE_MAX);
        }
        if (text) {
            memcpy((char *)tag + values[i].offset, text, strlen(text) + 1);
        }
    }
    return CLI_OK;
}

static int run_create(const struct invocation *call)
{
    struct tdm_tag tag = {.version = ""};
    char bytes[TDM_TAG_MAX];
    int rc = take_values(call, &tag);
    int length;

    if (rc != CLI_OK) {
        return rc;
    }
    length = tdm_tag_build(&tag, bytes, sizeof bytes);
    if (length < 0) {
        return output_fail(
            CLI_USAGE, "a value has a character that tag scanners do not take; letters, digits, space and "
                       ". , : - ( ) _ are possible");
    }
    return file_write(call->argument[0], bytes, (size_t)length, 0666);
}

static const struct option create_options[] = {
    {"mcu", 0, "VERSION", "version of the firmware", OPTION_REQUIRED},
    {"type", 0, "TYPE", "type of the firmware, which devices compare with their own", OPTION_REQUIRED},
    {"build", 0, "TEXT", "build date and time", 0},
    {"blynk", 0, "VERSION", "version of the library", 0},
    {NULL, 0, NULL, NULL, 0},
};

const struct command command_tag_create = {
    .name = "tag create",
    .arguments = "FILE_OUT",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "write a firmware tag",
    .options = create_options,
    .run = run_create,
};

const struct command command_tag_extract = {
    .name = "tag extract",
    .arguments = "FILE_IN FILE_OUT",
    .arguments_min = 2,
    .arguments_max = 2,
    .summary = "copy the tag of a firmware file to a file of its own",
    .run = run_extract,
};

const struct command command_tag_show = {
    .name = "tag show",
    .arguments = "FILE_IN",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "print the tag of a firmware file",
    .uses = USES_JSON,
    .run = run_show,
};
