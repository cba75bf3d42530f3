/* tandem shipment report: every device of a shipment, as CSV or JSON, from the server's report. */
#include <stdlib.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/files.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/rest/rest.h"

/* To a new file, or to standard output. */
static int keep(const struct invocation *call, const struct file_bytes *report)
{
    const char *path = option_text(call, "output");

    if (path)
        return file_create(path, report->data, report->size, 0644);
    fwrite(report->data, 1, report->size, stdout);
    return output_finish();
}

static int run(const struct invocation *call)
{
    struct rest rest;
    struct file_bytes report = {0};
    const char *format = option_given(call, "json") ? "json" : "csv";
    char suffix[32];
    char *path;
    int rc = rest_open(&rest, call);

    if (rc != CLI_OK)
        return rc;
    snprintf(suffix, sizeof suffix, "/report?format=%s", format);
    path = rest_path(&rest, "/shipments/", call->argument[0], suffix);
    rc = rest_download(&rest, path, &report);
    free(path);
    if (rc == CLI_OK)
        rc = keep(call, &report);
    free(report.data);
    rest_close(&rest);
    return rc;
}

static const struct option options[] = {
    {"output", 'o', "FILE", "write it to a new file instead of standard output", 0},
    {0},
};

const struct command command_shipment_report = {
    .name = "shipment report",
    .arguments = "ID",
    .summary = "where each device stands, as CSV, or as JSON with --json",
    .options = options,
    .uses = USES_JSON | USES_SERVER,
    .run = run,
};
