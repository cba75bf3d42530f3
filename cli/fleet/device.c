/* tandem device, why: tells about devices, changes and deletes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/files.h"
#include "cli/base/member.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/rest/ask.h"
#include "cli/rest/rest.h"

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

        if (!value)
            continue;
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
    if (rc == CLI_OK)
        rc = show_list(call, device_columns, "devices", answer);
    rest_close(&rest);
    return rc;
}

static const struct column why_columns[] = {
    {"id", "SHIPMENT"},
    {"name", "NAME"},
    {"status", "STATUS"},
    {"rule", "RULE"},
    {"later", "PASSES BY ITSELF"},
    {"text", "TEXT"},
    {NULL, NULL},
};

static int run_why(const struct invocation *call)
{
    json_t *answer;
    char text[32];
    int rc = ask_for(call, "GET", "/devices/", "/why", NULL, &answer);

    if (rc != CLI_OK || option_given(call, "json"))
        return rc != CLI_OK ? rc : show_json(answer);
    output_put(stdout, show_text(member_find(answer, "text"), text, sizeof text), -1);
    putchar('\n');
    if (json_array_size(json_object_get(answer, "shipments")) > 0) {
        putchar('\n');
        show_table(why_columns, json_object_get(answer, "shipments"));
    }
    json_decref(answer);
    return CLI_OK;
}

static const struct column timeline_columns[] = {
    {"time", "TIME"},
    {"event", "EVENT"},
    {"text", "TEXT"},
    {NULL, NULL},
};

static int run_show(const struct invocation *call)
{
    json_t *answer;
    json_t *timeline;
    int rc = ask_for(call, "GET", "/devices/", "", NULL, &answer);

    if (rc != CLI_OK)
        return rc;
    timeline = json_incref(json_object_get(answer, "timeline"));
    rc = show_fields(call, answer);
    if (!option_given(call, "json") && json_array_size(timeline) > 0) {
        putchar('\n');
        show_table(timeline_columns, timeline);
    }
    json_decref(timeline);
    return rc;
}

static int run_set(const struct invocation *call)
{
    json_t *body = json_object();

    ask_put_text(body, call, "name");
    ask_put_list(body, call, "tag", "tags");
    ask_put_text(body, call, "timezone");
    return ask_change(call, "/devices/", body, CLI_OK);
}

static int run_delete(const struct invocation *call)
{
    return ask(call, "DELETE", "/devices/", "", NULL);
}

static const struct option list_options[] = {
    {"template", 't', "TEMPLATE", "only devices of this template", 0},
    {"filter", 'f', "FILTER", "only devices that match: a saved filter, or an expression (docs/API.md)", 0},
    {"sort", 0, "FIELD", "id, name, version or seen; -name turns it round", 0},
    {0},
};

static const struct option set_options[] = {
    {"name", 'n', "NAME", "what people call it", 0},
    {"tag", 0, "TAG", "in place of the tags that it has", OPTION_REPEATED},
    {"timezone", 0, "ZONE", "where it stands, as Europe/Berlin", 0},
    {0},
};

ASK_COMMAND(device_list, "device list", "", "list devices", list_options, run_list);
ASK_COMMAND(device_show, "device show", "ID", "show a device and what happened to it", NULL, run_show);
ASK_COMMAND(device_set, "device set", "ID", "change what people say of a device", set_options, run_set);
ASK_COMMAND(device_delete, "device delete", "ID", "delete a device; its connection closes", NULL, run_delete);
ASK_COMMAND(why, "why", "DEVICE", "say why a device is not being updated, and what it waits for", NULL,
            run_why);
