/* Filters that are kept by name. */
#include "cloud/api/api.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/rules/filter.h"
#include "cloud/text.h"

static json_t *render_filter(const struct saved_filter *filter)
{
    char id[TEXT_ID_MAX];
    return json_pack("{s:s, s:s, s:s}", "id", text_id('q', filter->id, id), "name", filter->name, "filter",
                     filter->text);
}

int api_filter_list(struct api_call *call, struct fleet *fleet)
{
    struct saved_filter *filters;
    size_t count;
    int result = store_filters(fleet->store, call->caller.organization, &filters, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_filter(&filters[i]));
    free(filters);
    call->answer = json_pack("{s:o}", "filters", list);
    return STORE_OK;
}

int api_filter_show(struct api_call *call, struct fleet *fleet)
{
    struct saved_filter filter;
    int result = store_filter_get(fleet->store, call->id, &filter);
    if (result == STORE_OK)
        call->answer = render_filter(&filter);
    return result;
}

static int read_filter(struct api_call *call, struct saved_filter *saved)
{
    static const char *const members[] = {"name", "filter", NULL};
    struct filter filter;
    char why[FILTER_WHY];
    json_t *body = api_body(call, members);
    bool ok = body != NULL &&
              api_text(call, body, "name", saved->name, sizeof saved->name, RECORD_NAME_LETTERS) &&
              api_text(call, body, "filter", saved->text, sizeof saved->text, RECORD_FILTER - 1);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    if (saved->name[0] == '\0')
        return api_refuse(call, 400, "malformed request", "name is missing: what people call the filter");
    if (saved->text[strspn(saved->text, " ")] == '\0')
        return api_refuse(call, 400, "malformed request",
                          "filter is missing: an expression such as tag=canary");
    if (!filter_parse(&filter, saved->text, why, sizeof why))
        return api_refuse(call, 422, "not a filter", "%s", why);
    return STORE_OK;
}

/* Adds it, or changes the one that the path names. */
static int keep(struct api_call *call, struct fleet *fleet, bool add)
{
    struct saved_filter saved = {.id = call->id, .organization = call->caller.organization};
    int result = read_filter(call, &saved);
    if (result != STORE_OK)
        return result;
    result = add ? store_filter_add(fleet->store, &saved) : store_filter_update(fleet->store, &saved);
    if (result == STORE_CONFLICT)
        return api_refuse(call, 409, "name in use", "there is a filter named \"%s\" already", saved.name);
    if (result == STORE_OK)
        call->answer = render_filter(&saved);
    return result;
}

int api_filter_create(struct api_call *call, struct fleet *fleet)
{
    struct saved_filter *filters;
    size_t count;
    int result = store_filters(fleet->store, call->caller.organization, &filters, &count);
    if (result != STORE_OK)
        return result;
    free(filters);
    if (count == STORE_FILTERS_MAX)
        return api_refuse(call, 409, "too many", "an organization has %d filters at most", STORE_FILTERS_MAX);
    return keep(call, fleet, true);
}

int api_filter_change(struct api_call *call, struct fleet *fleet)
{
    return keep(call, fleet, false);
}

int api_filter_delete(struct api_call *call, struct fleet *fleet)
{
    return store_filter_delete(fleet->store, call->id);
}
