/* tandem device: adds devices and tells about them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/rest.h"

#define TOKEN_LINE_BYTES 256

static json_t *describe_new(const struct invocation *call)
{
    json_t *body = json_pack("{s:s}", "template", option_text(call, "template"));

    if (option_given(call, "name")) {
        json_object_set_new(body, "name", json_string(option_text(call, "name")));
    }
    if (option_given(call, "timezone")) {
        json_object_set_new(body, "timezone", json_string(option_text(call, "timezone")));
    }
    if (option_given(call, "tag")) {
        json_t *tags = json_array();
        const char *tag;

        for (size_t i = 0; (tag = option_text_at(call, "tag", i)) != NULL; i++) {
            json_array_append_new(tags, json_string(tag));
        }
        json_object_set_new(body, "tags", tags);
    }
    return body;
}

/* Where the co-processor reads it: a file of its own, which nobody else may read. If that fails the token is
 * printed after all, or it would be lost. */
static int keep_token(const struct invocation *call, json_t *answer)
{
    const char *path = option_text(call, "token-file");
    const char *token = json_string_value(json_object_get(answer, "token"));
    char text[TOKEN_LINE_BYTES];
    int length = snprintf(text, sizeof text, "%s\n", token ? token : "");

    if (!path) {
        output_warn("the token is shown this once; the co-processor reads it from a file (--token-file)");
        return CLI_OK;
    }
    if (!token || length >= (int)sizeof text) {
        return output_fail(CLI_SERVER, "the server's answer holds no token");
    }
    return file_create(path, text, (size_t)length, 0600);
}

static int print_added(const struct invocation *call, int kept, json_t *answer)
{
    if (kept == CLI_OK && option_given(call, "token-file") && !option_given(call, "json")) {
        json_object_set_new(answer, "token", json_sprintf("kept in %s", option_text(call, "token-file")));
    }
    return output_fields(call, answer);
}

static int run_add(const struct invocation *call)
{
    struct rest rest;
    json_t *body;
    json_t *answer;
    int rc = rest_open(&rest, call);
    int printed;

    if (rc == CLI_OK) {
        body = describe_new(call);
        rc = rest_request(&rest, "POST", "/devices", body, &answer);
        json_decref(body);
    }
    if (rc == CLI_OK) {
        rc = keep_token(call, answer);
        printed = print_added(call, rc, answer);
        rc = rc == CLI_OK ? printed : rc;
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

/* "/devices?template=T&filter=F&sort=S", from malloc. */
static char *list_path(const struct rest *rest, const struct invocation *call)
{
    static const char *const names[] = {"template", "filter", "sort"};
    char *path = rest_path(rest, "/devices", "", "");
    bool first = true;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = option_text(call, names[i]);
        char prefix[16];
        char *part;
        char *longer;

        if (!value) {
            continue;
        }
        snprintf(prefix, sizeof prefix, "%c%s=", first ? '?' : '&', names[i]);
        part = rest_path(rest, prefix, value, "");
        longer = memory_take(strlen(path) + strlen(part) + 1);
        memcpy(longer, path, strlen(path));
        memcpy(longer + strlen(path), part, strlen(part) + 1);
        free(path);
        free(part);
        path = longer;
        first = false;
    }
    return path;
}

static int run_list(const struct invocation *call)
{
    struct rest rest;
    json_t *answer;
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        char *path = list_path(&rest, call);
        rc = rest_list(&rest, path, "devices", &answer);
        free(path);
    }
    if (rc == CLI_OK) {
        rc = output_list(call, device_columns, "devices", answer);
    }
    rest_close(&rest);
    return rc;
}

static const struct column why_columns[] = {
    {"id", "SHIPMENT"}, {"name", "NAME"}, {"status", "STATUS"}, {"rule", "RULE"},
    {"later", "LATER"}, {"text", "TEXT"}, {NULL, NULL},
};

static int run_why(const struct invocation *call)
{
    struct rest rest;
    json_t *answer;
    char text[32];
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        char *path = rest_path(&rest, "/devices/", call->argument[0], "/why");
        rc = rest_request(&rest, "GET", path, NULL, &answer);
        free(path);
    }
    rest_close(&rest);
    if (rc != CLI_OK || option_given(call, "json")) {
        return rc != CLI_OK ? rc : output_json(answer);
    }
    output_put(stdout, output_text(output_member(answer, "text"), text, sizeof text), -1);
    putchar('\n');
    if (json_array_size(json_object_get(answer, "shipments")) > 0) {
        putchar('\n');
        output_table(why_columns, json_object_get(answer, "shipments"));
    }
    json_decref(answer);
    return CLI_OK;
}

static int run_consent(const struct invocation *call)
{
    struct rest rest;
    json_t *answer;
    json_t *body = json_object();
    int rc = rest_open(&rest, call);

    if (option_given(call, "shipment")) {
        json_object_set_new(body, "shipment", json_string(option_text(call, "shipment")));
    }
    if (rc == CLI_OK) {
        char *path = rest_path(&rest, "/devices/", call->argument[0], "/consent");
        rc = rest_request(&rest, "POST", path, body, &answer);
        free(path);
    }
    json_decref(body);
    rest_close(&rest);
    return rc == CLI_OK ? output_fields(call, answer) : rc;
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
    {"tag", 0, "TAG", "a word that filters can ask for", OPTION_REPEATED},
    {"timezone", 0, "ZONE", "where it stands, as Europe/Berlin", 0},
    {"token-file", 0, "FILE", "write the token into a new file (mode 0600), for tandem-ncp", 0},
    {NULL, 0, NULL, NULL, 0},
};

static const struct option list_options[] = {
    {"template", 't', "TEMPLATE", "only devices of this template", 0},
    {"filter", 'f', "FILTER", "only devices that match: a saved filter, or an expression (docs/API.md)", 0},
    {"sort", 0, "FIELD", "id, name, version or seen; -name turns it round", 0},
    {NULL, 0, NULL, NULL, 0},
};

const struct command command_device_add = {
    .name = "device add",
    .arguments = "",
    .summary = "add a device; its token is shown this once",
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

static const struct option consent_options[] = {
    {"shipment", 0, "ID", "to this shipment alone", 0},
    {NULL, 0, NULL, NULL, 0},
};

const struct command command_why = {
    .name = "why",
    .arguments = "DEVICE",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "say why a device is not being updated, and what it waits for",
    .uses = USES_JSON | USES_SERVER,
    .run = run_why,
};

const struct command command_consent = {
    .name = "consent",
    .arguments = "DEVICE",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "agree, for its owner, to updates that wait for that",
    .options = consent_options,
    .uses = USES_JSON | USES_SERVER,
    .run = run_consent,
};
