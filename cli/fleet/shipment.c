/* tandem shipment: lists shipments, shows one, pauses, resumes, cancels, deletes it. */
#include "cli/fleet/shipment.h"

#include <stdio.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/member.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/fleet/saving.h"
#include "cli/rest/ask.h"

static const struct column shipment_columns[] = {
    {"id", "ID"},
    {"name", "NAME"},
    {"state", "STATE"},
    {"template", "TEMPLATE"},
    {"firmware.version", "VERSION"},
    {"progress.target", "DEVICES"},
    {"progress.updated", "UPDATED"},
    {"progress.failed", "FAILED"},
    {"created", "CREATED"},
    {NULL, NULL},
};

static const struct column device_columns[] = {
    {"id", "DEVICE"},     {"name", "NAME"},     {"version", "VERSION"},
    {"status", "STATUS"}, {"reason", "REASON"}, {"attempts", "ATTEMPTS"},
    {"sent", "SENT"},     {"text", "TEXT"},     {NULL, NULL},
};

bool shipment_is_large(const json_t *shipment)
{
    return json_is_string(json_object_get(shipment, "devices_next"));
}

bool shipment_device_ended(const json_t *device)
{
    return json_is_true(json_object_get(device, "ended"));
}

bool shipment_device_runs(const json_t *device)
{
    const char *status = json_string_value(json_object_get(device, "status"));

    return shipment_device_ended(device) && status &&
           (strcmp(status, "success") == 0 || strcmp(status, "already-there") == 0 ||
            strcmp(status, "not-needed") == 0 || strcmp(status, "declined") == 0);
}

/* Of the devices that are updated. */
static void print_saving(const json_t *shipment)
{
    json_int_t sent = json_integer_value(member_find(shipment, "progress.bytes_sent"));
    json_int_t full = json_integer_value(member_find(shipment, "progress.bytes_full"));
    char text[SAVING_TEXT_BYTES];

    if (full > sent)
        printf("sent: %s\n", saving_text(sent, full, text));
}

/* "s1 live: firmware pump 1.1.0 to template TMPL, 1 of 3 devices updated, 0 failed" */
static void print_line(const json_t *shipment)
{
    static const char *const parts[][2] = {
        {"", "id"},
        {" ", "state"},
        {": firmware ", "firmware.type"},
        {" ", "firmware.version"},
        {" to template ", "template"},
        {", ", "progress.updated"},
        {" of ", "progress.target"},
        {" devices updated, ", "progress.failed"},
    };
    char text[32];

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        fputs(parts[i][0], stdout);
        output_put(stdout, show_text(member_find(shipment, parts[i][1]), text, sizeof text), -1);
    }
    printf(" failed\n");
    print_saving(shipment);
    if (json_is_string(json_object_get(shipment, "why"))) {
        fputs("why: ", stdout);
        output_put(stdout, json_string_value(json_object_get(shipment, "why")), -1);
        putchar('\n');
    }
}

static const struct column wave_columns[] = {
    {"number", "WAVE"},   {"filter", "FILTER"},   {"size", "DEVICES"},  {"updated", "UPDATED"},
    {"there", "THERE"},   {"skipped", "SKIPPED"}, {"failed", "FAILED"}, {"stuck", "STUCK"},
    {"opened", "OPENED"}, {NULL, NULL},
};

/* One wave is all there is where nobody asked for more. */
static void print_waves(const json_t *shipment)
{
    const json_t *waves = json_object_get(shipment, "waves");

    if (json_array_size(waves) > 1) {
        putchar('\n');
        show_table(wave_columns, waves);
    }
}

static void print_devices(json_t *devices)
{
    if (json_array_size(devices) > 0) {
        saving_add(devices);
        putchar('\n');
        show_table(device_columns, devices);
    }
}

/* Prints a shipment and all its devices, or its JSON, and frees it. */
static int print_shipment(const struct invocation *call, json_t *shipment)
{
    char text[32];

    if (option_given(call, "json"))
        return show_json(shipment);
    print_line(shipment);
    putchar('"');
    output_put(stdout, show_text(member_find(shipment, "name"), text, sizeof text), -1);
    fputs("\", created ", stdout);
    output_put(stdout, show_text(member_find(shipment, "created"), text, sizeof text), -1);
    putchar('\n');
    print_waves(shipment);
    print_devices(json_object_get(shipment, "devices"));
    if (json_is_string(json_object_get(shipment, "devices_next")))
        printf("... and more: tandem shipment report %s\n",
               show_text(member_find(shipment, "id"), text, sizeof text));
    json_decref(shipment);
    return CLI_OK;
}

int shipment_print_result(const struct invocation *call, json_t *shipment)
{
    json_t *bad;
    json_t *device;
    size_t i;

    if (option_given(call, "json"))
        return show_json(shipment);
    bad = json_array();
    json_array_foreach(json_object_get(shipment, "devices"), i, device)
    {
        if (shipment_device_ended(device) && !shipment_device_runs(device))
            json_array_append(bad, device);
    }
    print_line(shipment);
    print_devices(bad);
    json_decref(bad);
    json_decref(shipment);
    return CLI_OK;
}

static int run_list(const struct invocation *call)
{
    return ask_list(call, "/shipments", NULL, "shipments", shipment_columns);
}

/* One request about the shipment that the command line names; its answer is the shipment. */
static int request_with(const struct invocation *call, const char *method, const char *action, json_t *body)
{
    json_t *shipment;
    int rc = ask_for(call, method, "/shipments/", action, body, &shipment);

    return rc == CLI_OK ? print_shipment(call, shipment) : rc;
}

static int request_shipment(const struct invocation *call, const char *method, const char *action)
{
    return request_with(call, method, action, NULL);
}

static int run_show(const struct invocation *call)
{
    return request_shipment(call, "GET", "");
}

static int run_pause(const struct invocation *call)
{
    return request_shipment(call, "POST", "/pause");
}

static int run_resume(const struct invocation *call)
{
    return request_shipment(call, "POST", "/resume");
}

static int run_cancel(const struct invocation *call)
{
    return request_shipment(call, "POST", "/cancel");
}

static int run_advance(const struct invocation *call)
{
    return request_shipment(call, "POST", "/advance");
}

static int run_revert(const struct invocation *call)
{
    json_t *body = option_given(call, "firmware") ? json_object() : NULL;

    if (body != NULL)
        ask_put_text(body, call, "firmware");
    return request_with(call, "POST", "/revert", body);
}

static const struct option revert_options[] = {
    {"firmware", 0, "ID", "to this one, not to what an earlier shipment brought", 0},
    {0},
};

static int run_delete(const struct invocation *call)
{
    return ask(call, "DELETE", "/shipments/", "", NULL);
}

ASK_COMMAND(shipment_list, "shipment list", "", "list shipments, newest first", NULL, run_list);
ASK_COMMAND(shipment_show, "shipment show", "ID", "show a shipment and where each device stands", NULL,
            run_show);
ASK_COMMAND(shipment_pause, "shipment pause", "ID", "offer the firmware to no further device for now", NULL,
            run_pause);
ASK_COMMAND(shipment_resume, "shipment resume", "ID", "go on with a paused shipment", NULL, run_resume);
ASK_COMMAND(shipment_cancel, "shipment cancel", "ID", "end a shipment", NULL, run_cancel);
ASK_COMMAND(shipment_advance, "shipment advance", "ID", "open the next wave now, whatever the gate says",
            NULL, run_advance);
ASK_COMMAND(shipment_revert, "shipment revert", "ID",
            "ship the previous version back to the devices that run this one", revert_options, run_revert);
ASK_COMMAND(shipment_delete, "shipment delete", "ID", "delete a shipment that has ended", NULL, run_delete);
