/* tandem consent, decline: what a device's owner says to an update that asks. */
#include "cli/base/commands.h"
#include "cli/rest/ask.h"

static int answer(const struct invocation *call, const char *action)
{
    json_t *body = json_object();

    ask_put_text(body, call, "shipment");
    return ask(call, "POST", "/devices/", action, body);
}

static int run_consent(const struct invocation *call)
{
    return answer(call, "/consent");
}

static int run_decline(const struct invocation *call)
{
    return answer(call, "/decline");
}

static const struct option options[] = {
    {"shipment", 0, "ID", "to this shipment alone", 0},
    {0},
};

ASK_COMMAND(consent, "consent", "DEVICE", "agree, for its owner, to updates that wait for that", options,
            run_consent);
ASK_COMMAND(decline, "decline", "DEVICE", "refuse, for its owner, updates that wait for consent", options,
            run_decline);
