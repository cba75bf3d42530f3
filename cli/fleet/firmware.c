/* tandem firmware: uploads firmware, lists it and what the server made of it, deletes it. */
#include "cli/fleet/firmware.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/show.h"
#include "cli/fleet/saving.h"
#include "cli/rest/ask.h"

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

    if (rc == CLI_OK)
        rc = firmware_upload(&rest, call->argument[0], &firmware);
    if (rc == CLI_OK)
        rc = show_fields(call, firmware);
    rest_close(&rest);
    return rc;
}

static const struct column columns[] = {
    {"id", "ID"},           {"name", "NAME"}, {"kind", "KIND"},         {"type", "TYPE"},
    {"version", "VERSION"}, {"size", "SIZE"}, {"uploaded", "UPLOADED"}, {NULL, NULL},
};

static int run_list(const struct invocation *call)
{
    return ask_list(call, "/firmware", NULL, "firmware", columns);
}

static const struct column delta_columns[] = {
    {"encoding", "ENCODING"}, {"base_version", "BASE"}, {"state", "STATE"}, {"sent", "SIZE"},
    {"tries", "TRIES"},       {"took_ms", "MS"},        {"why", "WHY"},     {NULL, NULL},
};

static int run_deltas(const struct invocation *call)
{
    json_t *answer;
    json_t *delta;
    size_t i;
    char text[SAVING_TEXT_BYTES];
    int rc = ask_for(call, "GET", "/firmware/", "/deltas", NULL, &answer);

    if (rc != CLI_OK || option_given(call, "json"))
        return rc != CLI_OK ? rc : show_json(answer);
    json_array_foreach(json_object_get(answer, "deltas"), i, delta)
    {
        json_int_t size = json_integer_value(json_object_get(delta, "size"));
        json_int_t full = json_integer_value(json_object_get(delta, "full_size"));

        json_object_set_new(delta, "sent",
                            size > 0 ? json_string(saving_text(size, full, text)) : json_null());
    }
    return show_list(call, delta_columns, "deltas", answer);
}

static int run_delete(const struct invocation *call)
{
    return ask(call, "DELETE", "/firmware/", "", NULL);
}

ASK_COMMAND(firmware_upload, "firmware upload", "FILE", "upload a package (or a tagged .bin) to the server",
            NULL, run_upload);
ASK_COMMAND(firmware_list, "firmware list", "", "list the firmware on the server", NULL, run_list);
ASK_COMMAND(firmware_deltas, "firmware deltas", "ID",
            "list the deltas and compressed packages that the server made of it", NULL, run_deltas);
ASK_COMMAND(firmware_delete, "firmware delete", "ID", "delete a firmware, and its shipments that have ended",
            NULL, run_delete);
