/* The device table: filtered, sorted, in pages (search.h). */
#include "cloud/api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/order.h"
#include "cloud/api/search.h"
#include "cloud/text.h"

#define COUNT_TO 1000 /* devices that match */

struct list_work {
    struct api_steps steps; /* first: the call frees it */
    struct search page;
    struct search counting; /* from the page on, where that is asked for */
};

/* --- Cursors: the id, and the value that the order goes by --- */

static json_t *render_place(const struct search *search)
{
    const struct device *device = &search->after;
    char hex[2 * RECORD_NAME + 1] = "";
    char text[sizeof hex + 64];
    if (search->page.order == DEVICE_ORDER_NAME)
        text_hex(device->name, strlen(device->name), hex);
    else if (search->page.order == DEVICE_ORDER_VERSION)
        text_hex(device->version_key, strlen(device->version_key), hex);
    else if (search->page.order == DEVICE_ORDER_SEEN)
        snprintf(hex, sizeof hex, "%lld", (long long)device->last_seen);
    snprintf(text, sizeof text, "d%lld.%s", (long long)device->id, hex);
    return json_string(text);
}

static bool read_text(const char *hex, char *to, size_t capacity)
{
    size_t bytes = strlen(hex) / 2;
    if (bytes >= capacity || !text_hex_parse(hex, to, bytes))
        return false;
    to[bytes] = '\0';
    return true;
}

static bool read_place(const char *text, struct search *search)
{
    char id[TEXT_ID_MAX];
    size_t bytes = strcspn(text, ".");
    if (bytes >= sizeof id || text[bytes] != '.')
        return false;
    memcpy(id, text, bytes);
    id[bytes] = '\0';
    text += bytes + 1;
    search->after.id = text_id_parse('d', id);
    search->placed = true;
    switch (search->page.order) {
    case DEVICE_ORDER_NAME:
        return read_text(text, search->after.name, sizeof search->after.name);
    case DEVICE_ORDER_VERSION:
        return read_text(text, search->after.version_key, sizeof search->after.version_key);
    case DEVICE_ORDER_SEEN:
        search->after.last_seen = strtoll(text, NULL, 10);
        return true;
    default:
        return search->after.id != 0;
    }
}

/* --- The question --- */

static int refuse(struct api_call *call, const char *why)
{
    return api_refuse(call, 400, "malformed request", "%s", why);
}

static int take_order(struct api_call *call, struct search *search)
{
    static const char *const orders[] = {"id", "name", "version", "seen"};
    const char *sort = api_parameter(call, "sort");
    const char *cursor = api_parameter(call, "cursor");
    if (sort != NULL) {
        search->page.descending = sort[0] == '-';
        size_t i = 0;
        while (i < 4 && strcmp(orders[i], sort + search->page.descending) != 0)
            i++;
        if (i == 4)
            return refuse(call, "sort must be id, name, version or seen, with a - in front to turn it round");
        search->page.order = (enum device_order)i;
    }
    if (cursor != NULL && !read_place(cursor, search))
        return refuse(call, "cursor must be what `next` of an answer to the same question said");
    return STORE_OK;
}

static int take_question(struct api_call *call, struct fleet *fleet, struct search *search)
{
    char text[RECORD_FILTER] = "";
    char why[FILTER_WHY];
    if (!api_limit(call, &search->limit) ||
        !api_parameter_text(call, "template", search->template, sizeof search->template))
        return STORE_CONFLICT;
    const char *filter = api_parameter(call, "filter");
    int result = filter != NULL && filter[0] != '\0' ? order_filter(call, fleet, filter, text) : STORE_OK;
    if (result == STORE_OK)
        result = take_order(call, search);
    if (result == STORE_OK && !filter_parse(&search->filter, text, why, sizeof why))
        result = refuse(call, why);
    search->page.organization = call->caller.organization;
    return result;
}

static void free_work(struct api_steps *base)
{
    struct list_work *work = (struct list_work *)base;
    search_clear(&work->page);
    search_clear(&work->counting);
    json_decref(work->page.list);
    free(work);
}

static int begin(struct api_call *call, struct fleet *fleet)
{
    struct search search = {0};
    const char *count = api_parameter(call, "count");
    if (count != NULL && strcmp(count, "true") != 0)
        return refuse(call, "count must be true, or be left out");
    search.counts = count != NULL;
    int result = take_question(call, fleet, &search);
    if (result != STORE_OK)
        return result;
    struct list_work *work = calloc(1, sizeof *work);
    if (work == NULL)
        abort();
    work->steps.free = free_work;
    work->page = work->counting = search;
    work->page.list = json_array();
    work->counting.limit = COUNT_TO + 1;
    search_begin(&work->page);
    search_begin(&work->counting);
    call->steps = &work->steps;
    return STORE_OK;
}

/* --- The answer --- */

/* What was gathered for the page is what is counted. */
static void go_on_counting(struct list_work *work)
{
    work->counting.recency = work->page.recency;
    work->counting.recency.next = 0;
    work->page.recency.list = NULL;
}

static bool is_over(const struct list_work *work)
{
    return work->page.over && (work->counting.over || !work->page.counts);
}

static int turn(struct fleet *fleet, struct list_work *work)
{
    if (work->page.over)
        return is_over(work) ? STORE_OK : search_turn(fleet, &work->counting);
    int result = search_turn(fleet, &work->page);
    if (work->page.over && work->page.counts)
        go_on_counting(work);
    return result;
}

static json_t *render_count(const struct search *counting)
{
    const bool more = counting->found > COUNT_TO || !counting->end;
    const size_t devices = counting->found > COUNT_TO ? COUNT_TO : counting->found;
    return json_pack("{s:I, s:b}", "devices", (json_int_t)devices, "more", more);
}

int api_device_list(struct api_call *call, struct fleet *fleet)
{
    int result = call->steps == NULL ? begin(call, fleet) : STORE_OK;
    if (result != STORE_OK)
        return result;
    struct list_work *work = (struct list_work *)call->steps;
    const struct search *page = &work->page;
    result = turn(fleet, work);
    if (result != STORE_OK)
        return result;
    if (!is_over(work))
        return DESK_MORE;
    call->answer = json_pack("{s:O, s:o}", "devices", page->list, "next",
                             page->end || !page->placed ? json_null() : render_place(page));
    if (page->counts)
        json_object_set_new(call->answer, "count", render_count(&work->counting));
    return STORE_OK;
}

int api_template_list(struct api_call *call, struct fleet *fleet)
{
    struct template_size *templates;
    size_t count;
    int result = store_templates(fleet->store, call->caller.organization, &templates, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:I}", "template", templates[i].template, "devices",
                                              (json_int_t)templates[i].devices));
    free(templates);
    call->answer = json_pack("{s:o}", "templates", list);
    return STORE_OK;
}
