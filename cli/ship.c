/* tandem ship: uploads a firmware and ships it, in one command. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/firmware.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/shipment.h"
#include "cli/watch.h"

#define WATCH_SECONDS 3600u

static json_t *describe(const struct invocation *call, const json_t *firmware)
{
    json_t *body = json_pack("{s:s, s:O}", "template", option_text(call, "template"), "firmware",
                             json_object_get(firmware, "id"));
    json_t *devices = json_array();
    const char *id;

    if (option_given(call, "name")) {
        json_object_set_new(body, "name", json_string(option_text(call, "name")));
    }
    for (size_t i = 0; (id = option_text_at(call, "device", i)) != NULL; i++) {
        json_array_append_new(devices, json_string(id));
    }
    if (json_array_size(devices) > 0) {
        json_object_set(body, "devices", devices);
    }
    json_decref(devices);
    return body;
}

/* Uploads, and creates the shipment. */
static int create(struct rest *rest, const struct invocation *call, json_t **shipment)
{
    json_t *firmware;
    json_t *body;
    int rc = firmware_upload(rest, call->argument[0], &firmware);

    if (rc != CLI_OK) {
        return rc;
    }
    if (!json_is_string(json_object_get(firmware, "id"))) {
        json_decref(firmware);
        return output_fail(CLI_SERVER, "the server's answer to the upload names no firmware id");
    }
    body = describe(call, firmware);
    rc = rest_request(rest, "POST", "/shipments", body, shipment);
    json_decref(body);
    json_decref(firmware);
    return rc;
}

/* Follows the shipment to its end and puts its last state in its place. */
static int watch(struct rest *rest, const struct invocation *call, uint32_t seconds, json_t **shipment)
{
    const char *id = json_string_value(json_object_get(*shipment, "id"));
    json_t *last;
    int rc;

    if (!id) {
        return output_fail(CLI_SERVER, "the server's answer names no shipment id");
    }
    if (!option_given(call, "json")) {
        printf("shipment %s\n", id);
        fflush(stdout);
    }
    rc = watch_shipment(rest, id, seconds, option_given(call, "json"), &last);
    if (last) {
        json_decref(*shipment);
        *shipment = last;
    }
    return rc;
}

static int run(const struct invocation *call)
{
    struct rest rest;
    json_t *shipment = NULL;
    uint32_t seconds = WATCH_SECONDS;
    int rc = option_number(call, "timeout", UINT32_MAX, &seconds);
    int printed;

    if (rc == CLI_OK && option_given(call, "timeout") && !option_given(call, "watch")) {
        return output_fail(CLI_USAGE, "--timeout goes with --watch");
    }
    if (rc != CLI_OK || (rc = rest_open(&rest, call)) != CLI_OK) {
        return rc;
    }
    rc = create(&rest, call, &shipment);
    if (rc == CLI_OK && option_given(call, "watch")) {
        rc = watch(&rest, call, seconds, &shipment);
    }
    printed = shipment ? shipment_print_result(call, shipment) : CLI_OK;
    rest_close(&rest);
    return rc != CLI_OK ? rc : printed;
}

static const struct option options[] = {
    {"template", 't', "TEMPLATE", "the product to update", OPTION_REQUIRED},
    {"device", 'd', "ID", "only this device; without it all of the template, future ones too",
     OPTION_REPEATED},
    {"name", 'n', "NAME", "the shipment's name", 0},
    {"watch", 'w', NULL, "follow it until it ends", 0},
    {"timeout", 0, "SECONDS", "with --watch: how long to follow it (3600)", 0},
    {NULL, 0, NULL, NULL, 0},
};

const struct command command_ship = {
    .name = "ship",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "upload a firmware and ship it to devices",
    .details =
        "With --watch it shows both legs of every device, the download to the co-processor and the UART\n"
        "to the MCU, until each device has ended, and the exit status says how: 0 if every device runs\n"
        "the firmware, 4 if not. When the time limit passes (5) the shipment itself goes on.\n",
    .options = options,
    .uses = USES_JSON | USES_SERVER,
    .run = run,
};
