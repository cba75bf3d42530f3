/* tandem device: adds devices and tells about them. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/rest.h"

static json_t *describe_new(const struct invocation *call)
{
    json_t *body = json_pack("{s:s}", "template", option_text(call, "template"));

    if (option_given(call, "name")) {
        json_object_set_new(body, "name", json_string(option_text(call, "name")));
    }
    return body;
}

static int run_add(const struct invocation *call)
{
    struct rest rest;
    json_t *body;
    json_t *answer;
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        body = describe_new(call);
        rc = rest_request(&rest, "POST", "/devices", body, &answer);
        json_decref(body);
    }
    if (rc == CLI_OK) {
        rc = output_fields(call, answer);
        output_warn("the token is shown this once; the co-processor reads it from a file (--token-file)");
    }
    rest_close(&rest);
    return rc;
}

static const struct column device_columns[] = {
    {"id", "ID"},
    {"name", "NAME"},
    {"template", "TEMPLATE"},
    {"online", "ONLINE"},
    {"firmware.version", "VERSION"},
    {"firmware.state", "STATE"},
    {"last_seen", "LAST SEEN"},
    {NULL, NULL},
};

static int run_list(const struct invocation *call)
{
    struct rest rest;
    json_t *answer;
    const char *template = option_text(call, "template");
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        char *path =
            rest_path(&rest, template ? "/devices?template=" : "/devices", template ? template : "", "");
        rc = rest_request(&rest, "GET", path, NULL, &answer);
        free(path);
    }
    if (rc == CLI_OK) {
        rc = output_list(call, device_columns, "devices", answer);
    }
    rest_close(&rest);
    return rc;
}

static const struct column timeline_columns[] = {
    {"time", "TIME"},
    {"event", "EVENT"},
    {"text", "TEXT"},
    {NULL, NULL},
};

static int run_show(const struct invocation *call)
{
    struct rest rest;
    json_t *answer;
    json_t *timeline;
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        char *path = rest_path(&rest, "/devices/", call->argument[0], "");
        rc = rest_request(&rest, "GET", path, NULL, &answer);
        free(path);
    }
    if (rc == CLI_OK) {
        timeline = json_incref(json_object_get(answer, "timeline"));
        rc = output_fields(call, answer);
        if (!option_given(call, "json") && json_array_size(timeline) > 0) {
            putchar('\n');
            output_table(timeline_columns, timeline);
        }
        json_decref(timeline);
    }
    rest_close(&rest);
    return rc;
}

static const struct option add_options[] = {
    {"template", 't', "TEMPLATE", "the product it is one of", OPTION_REQUIRED},
    {"name", 'n', "NAME", "what people call it", 0},
    {NULL, 0, NULL, NULL, 0},
};

static const struct option list_options[] = {
    {"template", 't', "TEMPLATE", "only devices of this template", 0},
    {NULL, 0, NULL, NULL, 0},
};

const struct command command_device_add = {
    .name = "device add",
    .arguments = "",
    .summary = "add a device; prints its token, this once",
    .options = add_options,
    .uses = USES_JSON | USES_SERVER,
    .run = run_add,
};

const struct command command_device_list = {
    .name = "device list",
    .arguments = "",
    .summary = "list devices",
    .options = list_options,
    .uses = USES_JSON | USES_SERVER,
    .run = run_list,
};

const struct command command_device_show = {
    .name = "device show",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "show a device and what happened to it",
    .uses = USES_JSON | USES_SERVER,
    .run = run_show,
};
