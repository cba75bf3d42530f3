/* tandem firmware: uploads firmware and lists it. */
#include "cli/firmware.h"

#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"

int firmware_upload(struct rest *rest, const char *path, json_t **firmware)
{
    const char *slash = strrchr(path, '/');
    struct file_bytes file;
    int rc = file_read(&file, path);

    *firmware = NULL;
    if (rc == CLI_OK) {
        char *url = rest_path(rest, "/firmware?name=", slash ? slash + 1 : path, "");
        rc = rest_upload(rest, url, path, &file, firmware);
        free(url);
    }
    file_free(&file);
    return rc;
}

static int run_upload(const struct invocation *call)
{
    struct rest rest;
    json_t *firmware;
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        rc = firmware_upload(&rest, call->argument[0], &firmware);
    }
    if (rc == CLI_OK) {
        rc = output_fields(call, firmware);
    }
    rest_close(&rest);
    return rc;
}

static const struct column columns[] = {
    {"id", "ID"},           {"name", "NAME"}, {"kind", "KIND"},         {"type", "TYPE"},
    {"version", "VERSION"}, {"size", "SIZE"}, {"uploaded", "UPLOADED"}, {NULL, NULL},
};

static int run_list(const struct invocation *call)
{
    struct rest rest;
    json_t *answer;
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        rc = rest_request(&rest, "GET", "/firmware", NULL, &answer);
    }
    if (rc == CLI_OK) {
        rc = output_list(call, columns, "firmware", answer);
    }
    rest_close(&rest);
    return rc;
}

const struct command command_firmware_upload = {
    .name = "firmware upload",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "upload a package (or a tagged .bin) to the server",
    .uses = USES_JSON | USES_SERVER,
    .run = run_upload,
};

const struct command command_firmware_list = {
    .name = "firmware list",
    .arguments = "",
    .summary = "list the firmware on the server",
    .uses = USES_JSON | USES_SERVER,
    .run = run_list,
};
