/* tandem retention: how long the server keeps firmware that nothing needs. */
#include "cli/ask.h"
#include "cli/commands.h"

#define DAYS_MAX 36500
#define KEEP_MAX 10000

static int run_show(const struct invocation *call)
{
    return ask(call, "GET", "/retention", NULL, NULL);
}

static int run_set(const struct invocation *call)
{
    json_t *body = json_object();
    int rc = ask_put_number(body, call, "days", DAYS_MAX);

    if (rc == CLI_OK) {
        rc = ask_put_number(body, call, "keep", KEEP_MAX);
    }
    if (rc != CLI_OK) {
        json_decref(body);
        return rc;
    }
    return ask(call, "PUT", "/retention", NULL, body);
}

static const struct option set_options[] = {
    {"days", 'd', "N", "firmware older than this is deleted once nothing needs it; 0: never",
     OPTION_REQUIRED},
    {"keep", 'k', "N", "the newest N of each type stay", OPTION_REQUIRED},
    ASK_OPTIONS_END,
};

ASK_COMMAND(retention_show, "retention show", "", 0, "show how long firmware is kept", NULL, run_show);
ASK_COMMAND(retention_set, "retention set", "", 0, "say how long firmware is kept", set_options, run_set);
