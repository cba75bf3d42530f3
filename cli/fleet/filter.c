/* tandem filter: filters that have a name. */
#include "cli/base/commands.h"
#include "cli/base/show.h"
#include "cli/rest/ask.h"

static const struct column columns[] = {{"id", "ID"}, {"name", "NAME"}, {"filter", "FILTER"}, {NULL, NULL}};

static int run_list(const struct invocation *call)
{
    return ask_list(call, "/filters", NULL, "filters", columns);
}

/* Name and expression stand from the first-th argument on. */
static json_t *filter_of(const struct invocation *call, size_t first)
{
    return json_pack("{s:s, s:s}", "name", call->argument[first], "filter", call->argument[first + 1]);
}

static int run_add(const struct invocation *call)
{
    return ask(call, "POST", "/filters", NULL, filter_of(call, 0));
}

static int run_set(const struct invocation *call)
{
    return ask(call, "PUT", "/filters/", "", filter_of(call, 1));
}

static int run_delete(const struct invocation *call)
{
    return ask(call, "DELETE", "/filters/", "", NULL);
}

ASK_COMMAND(filter_list, "filter list", "", "list saved filters", NULL, run_list);
ASK_COMMAND(filter_add, "filter add", "NAME FILTER", "save a filter, as \"tag=canary version<1.2.0\"", NULL,
            run_add);
ASK_COMMAND(filter_set, "filter set", "ID NAME FILTER", "change a saved filter; shipments keep what it was",
            NULL, run_set);
ASK_COMMAND(filter_delete, "filter delete", "ID", "delete a saved filter", NULL, run_delete);
