/* How an organization's fleet stands, and what failed in it lately. */
#include "cloud/api/api.h"

#include <stdlib.h>

#include "cloud/fleet/rules/words.h"
#include "tandem/reason.h"

int api_overview(struct api_call *call, struct fleet *fleet)
{
    struct store_figures figures;
    int result = store_count_of(fleet->store, call->caller.organization, &figures);
    if (result != STORE_OK)
        return result;
    json_t *shipments = json_object();
    for (int state = SHIPMENT_LIVE; state <= SHIPMENT_CANCELLED; state++)
        json_object_set_new(shipments, shipment_state_slug((enum shipment_state)state),
                            json_integer(figures.shipments[state]));
    call->answer = json_pack("{s:I, s:I, s:I, s:o}", "devices", (json_int_t)figures.devices, "online",
                             (json_int_t)figures.online, "firmware", (json_int_t)figures.firmware,
                             "shipments", shipments);
    return STORE_OK;
}

static json_t *render_failure(const struct failure *failure)
{
    bool why = failure->reason != TDM_REASON_NONE;
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:s, s:s, s:s, s:s, s:s}", "id", render_id('x', failure->id),
                     "time", render_time(failure->time), "device", render_id('d', failure->device),
                     "device_name", failure->device_name, "shipment", render_id('s', failure->shipment),
                     "shipment_name", failure->shipment_name, "version", failure->version, "status",
                     status_slug(failure->status), "reason", tdm_reason_slug(failure->reason), "text",
                     why ? tdm_reason_text(failure->reason) : status_text(failure->status));
}

int api_failure_list(struct api_call *call, struct fleet *fleet)
{
    struct failure *failures;
    struct page page;
    size_t count;
    if (!api_page(call, 'x', &page))
        return STORE_CONFLICT;
    int result = store_failures(fleet->store, call->caller.organization, page, &failures, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_failure(&failures[i]));
    api_answer_page(call, "failures", list, page, 'x', count > 0 ? failures[count - 1].id : 0);
    free(failures);
    return STORE_OK;
}
