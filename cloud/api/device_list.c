/* The device table: filtered, sorted, in pages. A request looks at so many devices at most, and hands out a
 * cursor where it stopped: nobody's search keeps the others waiting. */
#include "cloud/api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/order.h"
#include "cloud/fleet/rules/filter.h"
#include "cloud/text.h"

#define LOOK_AT   20000 /* devices in a request */
#define COUNT_TO  1000  /* those that match */
#define READ_STEP 500

struct search {
    struct filter filter;
    struct device_page page;
    char template[RECORD_TEXT];
    struct device after;
    size_t limit;
    size_t found;
    json_t *list; /* NULL: they are counted alone */
    bool end;     /* there are no more */
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
    search->page.after = &search->after;
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
    if (result != STORE_OK)
        return result;
    if (!filter_parse(&search->filter, text, why, sizeof why))
        return refuse(call, why);
    const char *exact = filter_exact(&search->filter, FILTER_TEMPLATE);
    search->page.template = search->template[0] != '\0' ? search->template : exact;
    search->page.organization = call->caller.organization;
    search->page.limit = READ_STEP;
    return STORE_OK;
}

/* --- The answer --- */

/* One read; what matches goes into the list, until it is full. */
static int look(struct fleet *fleet, struct search *search)
{
    const struct filter_meta meta = {fleet_metadata, fleet};
    struct device *devices;
    size_t count;
    int result = store_devices_page(fleet->store, &search->page, &devices, &count);
    search->end = count < search->page.limit;
    for (size_t i = 0; i < count; i++) {
        if (search->found == search->limit) {
            search->end = false;
            break;
        }
        if (filter_matches(&search->filter, &devices[i], &meta)) {
            search->found++;
            if (search->list != NULL)
                json_array_append_new(search->list, render_device(&devices[i]));
        }
        search->after = devices[i];
        search->page.after = &search->after;
    }
    free(devices);
    return result;
}

static int run(struct fleet *fleet, struct search *search)
{
    int result = STORE_OK;
    if (search->filter.count == 0 && search->limit < READ_STEP)
        search->page.limit = search->limit + 1;
    for (size_t seen = 0; seen < LOOK_AT && !search->end && result == STORE_OK; seen += search->page.limit) {
        result = look(fleet, search);
        if (search->found == search->limit)
            break;
    }
    return result;
}

/* How many there are from the page on: exactly where they are few, else that there may be more. */
static int add_count(struct api_call *call, struct fleet *fleet)
{
    struct search search = {0};
    int result = take_question(call, fleet, &search);
    search.limit = COUNT_TO + 1;
    if (result == STORE_OK)
        result = run(fleet, &search);
    if (result != STORE_OK)
        return result;
    const bool more = search.found > COUNT_TO || !search.end;
    const size_t devices = search.found > COUNT_TO ? COUNT_TO : search.found;
    json_object_set_new(call->answer, "count",
                        json_pack("{s:I, s:b}", "devices", (json_int_t)devices, "more", more));
    return STORE_OK;
}

int api_device_list(struct api_call *call, struct fleet *fleet)
{
    struct search search = {0};
    const char *count = api_parameter(call, "count");
    if (count != NULL && strcmp(count, "true") != 0)
        return refuse(call, "count must be true, or be left out");
    int result = take_question(call, fleet, &search);
    if (result != STORE_OK)
        return result;
    search.list = json_array();
    result = run(fleet, &search);
    call->answer = json_pack("{s:o, s:o}", "devices", search.list, "next",
                             search.end || search.page.after == NULL ? json_null() : render_place(&search));
    return result == STORE_OK && count != NULL ? add_count(call, fleet) : result;
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
