/* The dry run of a shipment: as numbers, or device by device. */
#include "cloud/fleet/shipments/preview.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/api/order.h"
#include "cloud/text.h"

#define LOOK_AT 20000 /* devices in a request for single ones, */
#define TURN    250   /* so many in each turn */

/* A page of devices that is being filled. */
struct listing {
    json_t *list; /* NULL: none is asked for yet */
    size_t limit;
    size_t looked_at;
    struct device after; /* the last one that was looked at */
    bool end;            /* no other stands behind it */
};

struct preview_work {
    struct api_steps steps; /* first: the call frees it */
    struct order_request request;
    struct preview_run *run;
    struct listing listing;
};

static void free_work(struct api_steps *base)
{
    struct preview_work *work = (struct preview_work *)base;
    json_decref(work->listing.list);
    preview_free(work->run);
    order_clear(&work->request);
    free(work);
}

static int begin(struct api_call *call, struct fleet *fleet)
{
    struct preview_work *work = calloc(1, sizeof *work);
    if (work == NULL)
        abort();
    work->steps.free = free_work;
    call->steps = &work->steps;
    int result = order_read(call, fleet, &work->request);
    if (result != STORE_OK)
        return result;
    work->run = preview_start(&work->request.order, &work->request.firmware);
    return work->run != NULL ? STORE_OK : STORE_FAILED;
}

/* --- Numbers --- */

static json_t *render_rule(const struct preview_rule *rule)
{
    json_t *examples = json_array();
    for (int64_t i = 0; i < rule->devices && i < PREVIEW_EXAMPLES_MAX; i++)
        json_array_append_new(examples, render_cursor('d', rule->examples[i]));
    return json_pack("{s:s, s:s, s:b, s:I, s:o}", "rule", rule->rule, "text", rule->text, "later",
                     rule->later, "devices", (json_int_t)rule->devices, "examples", examples);
}

static json_t *render_preview(const struct preview *preview, size_t waves)
{
    json_t *rules = json_array();
    json_t *sizes = json_array();
    json_int_t now = 0, later = 0, never = 0;
    for (size_t i = 0; i < preview->rule_count; i++) {
        const struct preview_rule *rule = &preview->rules[i];
        json_int_t *sum = rule->rule == NULL ? &now : rule->later ? &later : &never;
        *sum += rule->devices;
        if (rule->rule != NULL)
            json_array_append_new(rules, render_rule(rule));
    }
    for (size_t i = 0; i < waves; i++)
        json_array_append_new(sizes, json_pack("{s:I, s:I}", "number", (json_int_t)i + 1, "size",
                                               (json_int_t)preview->sizes[i]));
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "target", (json_int_t)preview->target, "now", now,
                     "later", later, "never", never, "waves", sizes, "rules", rules);
}

/* --- Device by device --- */

static bool is_wanted(const char *rule, const struct verdict *verdict)
{
    return rule == NULL || strcmp(rule, verdict->rule != NULL ? verdict->rule : "none") == 0;
}

static void append_device(json_t *list, const struct device *device, const struct verdict *verdict)
{
    char id[TEXT_ID_MAX];
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:s, s:o, s:s, s:b}", "id", text_id('d', device->id, id),
                                    "name", device->name, "version", device->version, "rule",
                                    verdict->rule != NULL ? json_string(verdict->rule) : json_null(), "text",
                                    verdict->rule != NULL ? verdict->text : "would get an offer at once",
                                    "later", verdict->later));
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The list is in order (order.h). */
static bool is_listed(const struct order_request *request, int64_t id)
{
    size_t count = request->order.device_count;
    return count == 0 || bsearch(&id, request->devices, count, sizeof id, by_id) != NULL;
}

static bool is_full(const struct listing *page)
{
    return json_array_size(page->list) == page->limit;
}

static bool is_over(const struct listing *page)
{
    return page->end || is_full(page) || page->looked_at >= LOOK_AT;
}

/* Looks at some more devices. */
static int list_devices(struct api_call *call, struct fleet *fleet, struct preview_work *work)
{
    struct listing *listing = &work->listing;
    const char *rule = api_parameter(call, "rule");
    struct device *devices;
    size_t count;
    struct device_page page = {.organization = call->caller.organization,
                               .pick = DEVICE_PICK_TEMPLATE,
                               .picked = work->request.order.shipment.template,
                               .after = &listing->after,
                               .limit = TURN};
    int result = store_devices_page(fleet->store, &page, &devices, &count);
    if (result != STORE_OK)
        return result;
    for (size_t i = 0; i < count && result == STORE_OK && !is_full(listing); i++) {
        struct verdict verdict;
        bool included = false;
        if (is_listed(&work->request, devices[i].id))
            result = preview_device(fleet, work->run, &devices[i], &included, &verdict);
        if (result == STORE_OK && included && is_wanted(rule, &verdict))
            append_device(listing->list, &devices[i], &verdict);
        if (result == STORE_OK)
            listing->after.id = devices[i].id;
    }
    listing->end = result == STORE_OK && count < page.limit && !is_full(listing);
    listing->looked_at += count;
    free(devices);
    return result;
}

static int answer_devices(struct api_call *call, struct fleet *fleet, struct preview_work *work)
{
    struct listing *listing = &work->listing;
    if (listing->list == NULL) {
        if (!api_limit(call, &listing->limit) || !api_cursor(call, 'd', &listing->after.id))
            return STORE_CONFLICT;
        listing->list = json_array();
    }
    int result = is_over(listing) ? STORE_OK : list_devices(call, fleet, work);
    if (result != STORE_OK)
        return result;
    if (!is_over(listing))
        return DESK_MORE;
    call->answer = json_pack("{s:O, s:o}", "devices", listing->list, "next",
                             render_cursor('d', listing->end ? 0 : listing->after.id));
    return STORE_OK;
}

int api_shipment_preview(struct api_call *call, struct fleet *fleet)
{
    bool more = false;
    int result = call->steps == NULL ? begin(call, fleet) : STORE_OK;
    if (result != STORE_OK)
        return result;
    struct preview_work *work = (struct preview_work *)call->steps;
    if (api_parameter(call, "limit") != NULL || api_parameter(call, "cursor") != NULL ||
        api_parameter(call, "rule") != NULL)
        return answer_devices(call, fleet, work);
    result = preview_step(fleet, work->run, &more);
    if (result != STORE_OK || more)
        return more && result == STORE_OK ? DESK_MORE : result;
    call->answer = render_preview(preview_result(work->run), work->request.order.wave_count);
    return STORE_OK;
}
