/* tandem webhook: who is told of shipments, and what became of it. */
#include "cli/base/commands.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/rest/ask.h"
#include "cli/rest/rest.h"

/* The list as a text for people. */
static void name_events(json_t *webhook)
{
    const json_t *events = json_object_get(webhook, "events");

    json_object_set_new(webhook, "events",
                        json_array_size(events) > 0 ? show_words(events) : json_string("all"));
}

static const struct column webhook_columns[] = {
    {"id", "ID"},         {"url", "URL"},         {"disabled", "DISABLED"},
    {"events", "EVENTS"}, {"created", "CREATED"}, {NULL, NULL},
};

static int run_list(const struct invocation *call)
{
    struct rest rest;
    json_t *answer;
    json_t *webhook;
    size_t i;
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK)
        rc = rest_list(&rest, "/webhooks", "webhooks", &answer);
    rest_close(&rest);
    if (rc != CLI_OK)
        return rc;
    json_array_foreach(json_object_get(answer, "webhooks"), i, webhook)
    {
        if (!option_given(call, "json"))
            name_events(webhook);
    }
    return show_list(call, webhook_columns, "webhooks", answer);
}

static int run_add(const struct invocation *call)
{
    json_t *body = json_pack("{s:s}", "url", call->argument[0]);
    json_t *answer;
    int rc;

    ask_put_list(body, call, "event", "events");
    rc = ask_for(call, "POST", "/webhooks", NULL, body, &answer);
    if (rc != CLI_OK)
        return rc;
    output_warn("the secret is shown this once; the receiver checks the signature with it (docs/API.md)");
    if (!option_given(call, "json"))
        name_events(answer);
    return show_fields(call, answer);
}

static int run_set(const struct invocation *call)
{
    json_t *body = json_object();
    const char *address = option_text(call, "address");

    if (address)
        json_object_set_new(body, "url", json_string(address));
    ask_put_list(body, call, "event", "events");
    return ask_change(call, "/webhooks/", body, ask_put_disabled(body, call));
}

static int run_delete(const struct invocation *call)
{
    return ask(call, "DELETE", "/webhooks/", "", NULL);
}

static int run_test(const struct invocation *call)
{
    json_t *answer;
    int rc = ask_for(call, "POST", "/webhooks/", "/test", NULL, &answer);

    if (rc == CLI_OK && !option_given(call, "json")) {
        printf("on its way; what became of it: tandem webhook deliveries %s\n", call->argument[0]);
        json_decref(answer);
        return CLI_OK;
    }
    return rc == CLI_OK && answer ? show_fields(call, answer) : rc;
}

static const struct column delivery_columns[] = {
    {"created", "CREATED"}, {"event", "EVENT"}, {"state", "STATE"}, {"attempts", "ATTEMPTS"},
    {"status", "STATUS"},   {"error", "ERROR"}, {"next", "NEXT"},   {NULL, NULL},
};

static int run_deliveries(const struct invocation *call)
{
    return ask_list(call, "/webhooks/", "/deliveries", "deliveries", delivery_columns);
}

#define EVENT_OPTION                                                                                         \
    {                                                                                                        \
        "event", 'e', "EVENT",                                                                               \
            "only this one: shipment.live, shipment.paused, shipment.finished, shipment.cancelled or "       \
            "target.ended",                                                                                  \
            OPTION_REPEATED                                                                                  \
    }

static const struct option add_options[] = {EVENT_OPTION, {0}};

static const struct option set_options[] = {
    {"address", 0, "URL", "where to", 0}, /* --url is the server, which gets our token */
    EVENT_OPTION,
    {"disable", 0, NULL, "tell it nothing any more", 0},
    {"enable", 0, NULL, "tell it again", 0},
    {0},
};

ASK_COMMAND(webhook_list, "webhook list", "", "list who is told of shipments", NULL, run_list);
ASK_COMMAND(webhook_add, "webhook add", "URL",
            "tell this address of shipments; its secret is shown this once", add_options, run_add);
ASK_COMMAND(webhook_set, "webhook set", "ID", "change a webhook", set_options, run_set);
ASK_COMMAND(webhook_delete, "webhook delete", "ID", "tell it nothing any more, and forget it", NULL,
            run_delete);
ASK_COMMAND(webhook_test, "webhook test", "ID", "send the event \"test\"", NULL, run_test);
ASK_COMMAND(webhook_deliveries, "webhook deliveries", "ID",
            "show what was sent in the last 7 days, and what became of it", NULL, run_deliveries);
