/* tandem retention: how long the server keeps firmware that nothing needs. */
#include <stdio.h>

#include "cli/base/commands.h"
#include "cli/base/show.h"
#include "cli/rest/ask.h"

#define DAYS_MAX 36500
#define KEEP_MAX 10000

static int say(const struct invocation *call, const char *method, json_t *body)
{
    json_t *kept;
    char days[32], keep[32];
    int rc = ask_for(call, method, "/retention", NULL, body, &kept);

    if (rc != CLI_OK || option_given(call, "json"))
        return rc != CLI_OK ? rc : show_json(kept);
    if (json_integer_value(json_object_get(kept, "days")) == 0)
        puts("Firmware is never deleted for its age.");
    else
        printf(
            "Firmware older than %s days that nothing needs is deleted; the newest %s of each type stay.\n",
            show_text(json_object_get(kept, "days"), days, sizeof days),
            show_text(json_object_get(kept, "keep"), keep, sizeof keep));
    json_decref(kept);
    return CLI_OK;
}

static int run_show(const struct invocation *call)
{
    return say(call, "GET", NULL);
}

static int run_set(const struct invocation *call)
{
    json_t *body = json_object();
    int rc = ask_put_number(body, call, "days", DAYS_MAX);

    if (rc == CLI_OK)
        rc = ask_put_number(body, call, "keep", KEEP_MAX);
    if (rc != CLI_OK) {
        json_decref(body);
        return rc;
    }
    return say(call, "PUT", body);
}

static const struct option set_options[] = {
    {"days", 'd', "N", "firmware older than this is deleted once nothing needs it; 0: never",
     OPTION_REQUIRED},
    {"keep", 'k', "N", "the newest N of each type stay", OPTION_REQUIRED},
    {0},
};

ASK_COMMAND(retention_show, "retention show", "", "show how long firmware is kept", NULL, run_show);
ASK_COMMAND(retention_set, "retention set", "", "say how long firmware is kept", set_options, run_set);
