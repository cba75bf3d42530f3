#include "cloud/api/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/api.h"
#include "cloud/fleet/rules/version.h"
#include "cloud/text.h"

#define TURN      1000  /* devices that a turn reads, */
#define TURN_EACH 100   /* with something of each beside, */
#define TURN_SEEN 20000 /* ids in which it looks for when devices were seen */

/* --- The question --- */

/* What an index finds at once. A name is the rarest; who still runs a version is asked of few devices. */
static void pick(struct search *search)
{
    char key[VERSION_KEY_MAX];
    const char *id = filter_exact(&search->filter, FILTER_ID);
    const char *name = filter_exact(&search->filter, FILTER_NAME);
    const char *version = filter_exact(&search->filter, FILTER_VERSION);
    const char *template =
        search->template[0] != '\0' ? search->template : filter_exact(&search->filter, FILTER_TEMPLATE);
    enum device_order order = search->page.order;
    const char *picked = NULL;
    if (id != NULL) { /* there is one at most: the list begins with it, and ends */
        search->page.order = DEVICE_ORDER_ID;
        search->page.descending = false;
        search->placed = true;
        search->after.id = text_id_parse('d', id) - 1;
        search->page.limit = 1;
    } else if (name != NULL && (order == DEVICE_ORDER_ID || order == DEVICE_ORDER_NAME)) {
        search->page.pick = DEVICE_PICK_NAME;
        picked = name;
    } else if (version != NULL && (order == DEVICE_ORDER_ID || order == DEVICE_ORDER_VERSION)) {
        search->page.pick = DEVICE_PICK_VERSION;
        picked = version_key(version, key);
    } else if (template != NULL && (order == DEVICE_ORDER_ID || order == DEVICE_ORDER_SEEN)) {
        search->page.pick = DEVICE_PICK_TEMPLATE;
        picked = template;
    }
    if (picked != NULL)
        snprintf(search->picked, sizeof search->picked, "%s", picked);
}

static void begin_recency(struct search *search, bool all_match)
{
    struct recency *recency = &search->recency;
    struct device_seen_range *range = &recency->range;
    struct device_seen place = {search->after.last_seen, search->after.id};
    recency->keep = all_match && !search->counts ? search->limit + 1 : SEARCH_LOOK_AT;
    *range = (struct device_seen_range){
        .organization = search->page.organization, .above = {-1, 0}, .below = {INT64_MAX, INT64_MAX}};
    if (search->placed)
        *(search->page.descending ? &range->below : &range->above) = place;
}

/* A metadata is read for each device. */
static bool reads_each(const struct filter *filter)
{
    bool found = false;
    for (size_t i = 0; i < filter->count && !found; i++)
        found = filter->terms[i].field == FILTER_META;
    return found;
}

void search_begin(struct search *search)
{
    search->page.limit = reads_each(&search->filter) ? TURN_EACH : TURN;
    pick(search);
    bool judged = search->filter.count > 0 ||
                  (search->template[0] != '\0' && search->page.pick != DEVICE_PICK_TEMPLATE);
    if (!judged)
        search->page.limit = search->limit + 1; /* one more tells whether there are others */
    if (search->page.order == DEVICE_ORDER_SEEN)
        begin_recency(search, !judged);
}

void search_clear(struct search *search)
{
    free(search->recency.list);
    search->recency.list = NULL;
}

/* --- When devices were seen --- */

static int by_time(const void *a, const void *b)
{
    const struct device_seen *x = a, *y = b;
    int time = (x->time > y->time) - (x->time < y->time);
    return time != 0 ? time : (x->id > y->id) - (x->id < y->id);
}

static int by_time_down(const void *a, const void *b)
{
    return by_time(b, a);
}

static void append(struct recency *recency, const struct device_seen *list, size_t count)
{
    if (count == 0)
        return;
    struct device_seen *longer = realloc(recency->list, (recency->count + count) * sizeof *recency->list);
    if (longer == NULL)
        abort();
    memcpy(longer + recency->count, list, count * sizeof *list);
    recency->list = longer;
    recency->count += count;
}

/* Too many: the next ones stay, and what stands behind them is not asked for any more. */
static void cut(struct recency *recency, bool descending)
{
    qsort(recency->list, recency->count, sizeof *recency->list, descending ? by_time_down : by_time);
    if (recency->count < recency->keep)
        return;
    recency->count = recency->keep;
    *(descending ? &recency->range.above : &recency->range.below) = recency->list[recency->count - 1];
}

static int gather(struct fleet *fleet, struct search *search)
{
    struct recency *recency = &search->recency;
    struct device_seen *list;
    size_t count;
    if (recency->last == 0) {
        int result = store_device_last(fleet->store, &recency->last);
        if (result != STORE_OK)
            return result;
    }
    recency->range.template = search->page.pick == DEVICE_PICK_TEMPLATE ? search->picked : NULL;
    recency->range.through = recency->range.after + TURN_SEEN;
    int result = store_devices_seen(fleet->store, &recency->range, &list, &count);
    if (result != STORE_OK)
        return result;
    append(recency, list, count);
    free(list);
    recency->range.after = recency->range.through;
    recency->ready = recency->range.through >= recency->last;
    if (recency->count > 0 && (recency->ready || recency->count > recency->keep))
        cut(recency, search->page.descending);
    return STORE_OK;
}

/* --- Looking --- */

static bool matches(struct fleet *fleet, const struct search *search, const struct device *device)
{
    const struct filter_meta meta = {fleet_metadata, fleet};
    return (search->template[0] == '\0' || strcmp(device->template, search->template) == 0) &&
           filter_matches(&search->filter, device, &meta);
}

/* False: what was asked for was found before. */
static bool take(struct fleet *fleet, struct search *search, const struct device *device)
{
    if (search->found == search->limit) {
        search->over = true;
        return false;
    }
    if (matches(fleet, search, device)) {
        search->found++;
        if (search->list != NULL)
            json_array_append_new(search->list, render_device(device));
    }
    search->after = *device;
    search->placed = true;
    search->looked_at++;
    return true;
}

static int look(struct fleet *fleet, struct search *search)
{
    struct device *devices;
    size_t count;
    search->page.picked = search->picked;
    search->page.after = search->placed ? &search->after : NULL;
    int result = store_devices_page(fleet->store, &search->page, &devices, &count);
    if (result != STORE_OK)
        return result;
    bool all = true;
    for (size_t i = 0; i < count && all; i++)
        all = take(fleet, search, &devices[i]);
    search->end = all && (count < search->page.limit || search->page.limit == 1);
    free(devices);
    return STORE_OK;
}

static const struct device *find(const struct device *devices, size_t count, int64_t id)
{
    size_t i = 0;
    while (i < count && devices[i].id != id)
        i++;
    return i < count ? &devices[i] : NULL;
}

static int look_at_gathered(struct fleet *fleet, struct search *search)
{
    struct recency *recency = &search->recency;
    size_t left = recency->count - recency->next;
    size_t wanted = left < STORE_DEVICES_SOME ? left : STORE_DEVICES_SOME;
    struct device *devices = NULL;
    size_t count = 0;
    const struct device_seen *next = wanted > 0 ? &recency->list[recency->next] : NULL;
    int result = wanted > 0 ? store_devices_some(fleet->store, next, wanted, &devices, &count) : STORE_OK;
    if (result != STORE_OK)
        return result;
    bool all = true;
    for (size_t i = 0; i < wanted && all; i++) {
        const struct device *there = find(devices, count, next[i].id);
        if (there != NULL) {
            struct device device = *there;
            device.last_seen = next[i].time; /* its place, though it may have been seen meanwhile */
            all = take(fleet, search, &device);
        }
        recency->next += all ? 1 : 0;
    }
    free(devices);
    search->end = all && recency->next == recency->count && recency->count < recency->keep;
    return STORE_OK;
}

int search_turn(struct fleet *fleet, struct search *search)
{
    bool seen = search->page.order == DEVICE_ORDER_SEEN;
    if (seen && !search->recency.ready)
        return gather(fleet, search);
    int result = seen ? look_at_gathered(fleet, search) : look(fleet, search);
    if (search->end || search->looked_at >= SEARCH_LOOK_AT ||
        (seen && search->recency.next == search->recency.count))
        search->over = true;
    return result;
}
