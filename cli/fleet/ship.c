/* tandem ship: uploads a firmware and ships it, in one command. tandem shipment watch: follows it later. */
#include <stdio.h>

#include "cli/base/commands.h"
#include "cli/base/member.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/fleet/firmware.h"
#include "cli/fleet/ship_order.h"
#include "cli/fleet/shipment.h"
#include "cli/fleet/watch.h"

#define WATCH_SECONDS 3600u

/* Uploads, and asks at path for what the options say. */
static int request(struct rest *rest, const struct invocation *call, const char *path, json_t **answer)
{
    json_t *firmware;
    json_t *body;
    const char *id;
    /* The options first: a wrong one uploads nothing. */
    json_t *checked = ship_order(call, "");
    int rc = checked ? firmware_upload(rest, call->argument[0], &firmware) : CLI_USAGE;

    json_decref(checked);
    if (rc != CLI_OK)
        return rc;
    id = json_string_value(json_object_get(firmware, "id"));
    if (!id) {
        json_decref(firmware);
        return output_fail(CLI_SERVER, "the server's answer to the upload names no firmware id");
    }
    body = ship_order(call, id);
    rc = rest_request(rest, "POST", path, body, answer);
    json_decref(body);
    json_decref(firmware);
    return rc;
}

static const struct column rule_columns[] = {
    {"devices", "DEVICES"},  {"rule", "RULE"}, {"later", "PASSES BY ITSELF"},
    {"text", "FOR EXAMPLE"}, {NULL, NULL},
};

/* Who would be updated, and what holds the others back. */
static int dry_run(struct rest *rest, const struct invocation *call)
{
    static const char *const lines[][2] = {{"target", "devices in all"},
                                           {"now", "would get an offer at once"},
                                           {"later", "later, when what holds them back has passed"},
                                           {"never", "not with this shipment, as things are"}};
    json_t *preview;
    char text[32];
    int rc = request(rest, call, "/shipments/preview", &preview);

    if (rc != CLI_OK || option_given(call, "json"))
        return rc != CLI_OK ? rc : show_json(preview);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        printf("%8s  %s\n", show_text(member_find(preview, lines[i][0]), text, sizeof text), lines[i][1]);
    if (json_array_size(json_object_get(preview, "rules")) > 0) {
        putchar('\n');
        show_table(rule_columns, json_object_get(preview, "rules"));
    }
    json_decref(preview);
    return CLI_OK;
}

/* Follows the shipment to its end and puts its last state in its place. */
static int watch(struct rest *rest, const struct invocation *call, uint32_t seconds, json_t **shipment)
{
    const char *id = json_string_value(json_object_get(*shipment, "id"));
    json_t *last;
    int rc;

    if (!id)
        return output_fail(CLI_SERVER, "the server's answer names no shipment id");
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

/* Prints what became of it (shipment NULL: nothing is known) and ends; rc is what was reached. */
static int conclude(struct rest *rest, const struct invocation *call, json_t *shipment, int rc)
{
    int printed = shipment ? shipment_print_result(call, shipment) : CLI_OK;

    rest_close(rest);
    return rc != CLI_OK ? rc : printed;
}

static int run_watch(const struct invocation *call)
{
    struct rest rest;
    json_t *last;
    uint32_t seconds = WATCH_SECONDS;
    int rc = option_number(call, "timeout", UINT32_MAX, &seconds);

    if (rc != CLI_OK || (rc = rest_open(&rest, call)) != CLI_OK)
        return rc;
    rc = watch_shipment(&rest, call->argument[0], seconds, option_given(call, "json"), &last);
    return conclude(&rest, call, last, rc);
}

static int run_ship(const struct invocation *call)
{
    struct rest rest;
    json_t *shipment = NULL;
    uint32_t seconds = WATCH_SECONDS;
    int rc = option_number(call, "timeout", UINT32_MAX, &seconds);

    if (rc == CLI_OK && option_given(call, "timeout") && !option_given(call, "watch"))
        return output_fail(CLI_USAGE, "--timeout goes with --watch");
    if (rc == CLI_OK && option_given(call, "dry-run") && option_given(call, "watch"))
        return output_fail(CLI_USAGE, "--dry-run ships nothing that --watch could follow");
    if (rc != CLI_OK || (rc = rest_open(&rest, call)) != CLI_OK)
        return rc;
    if (option_given(call, "dry-run")) {
        rc = dry_run(&rest, call);
        rest_close(&rest);
        return rc;
    }
    rc = request(&rest, call, "/shipments", &shipment);
    if (rc == CLI_OK && option_given(call, "watch"))
        rc = watch(&rest, call, seconds, &shipment);
    return conclude(&rest, call, shipment, rc);
}

static const struct option watch_options[] = {
    {"timeout", 0, "SECONDS", "how long to follow it (3600)", 0},
    {0},
};

const struct command command_shipment_watch = {
    .name = "shipment watch",
    .arguments = "ID",
    .summary = "follow a shipment until it ends, as `tandem ship --watch` does",
    .options = watch_options,
    .uses = USES_JSON | USES_SERVER | USES_WATCH,
    .run = run_watch,
};

static const struct option ship_options[] = {
    SHIP_ORDER_OPTIONS,
    {"dry-run", 0, NULL, "upload, then say who would be updated and who not and why; ship nothing", 0},
    {"watch", 'w', NULL, "follow it until it ends", 0},
    {"timeout", 0, "SECONDS", "with --watch: how long to follow it (3600)", 0},
    {0},
};

const struct command command_ship = {
    .name = "ship",
    .arguments = "FILE",
    .summary = "upload a firmware and ship it to devices",
    .details =
        "With --watch it shows both legs of every device, the download to the co-processor and the UART\n"
        "to the MCU, until each device has ended, and the exit status says how: 0 if every device runs\n"
        "the firmware, 4 if not or if a gate stopped it. When the time limit passes (5) the shipment goes "
        "on.\n"
        "\n"
        "Waves are served in the order given; the rest of the devices is a last one. --success, --failure,\n"
        "--minimum and --soak are the gate behind each of them:\n"
        "    tandem ship app.tdm -t TMPL --wave tag=lab --wave 1% --wave 10% --failure 5 --soak 60\n",
    .options = ship_options,
    .uses = USES_JSON | USES_SERVER | USES_WATCH,
    .run = run_ship,
};
