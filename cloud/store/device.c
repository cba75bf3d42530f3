#include "cloud/store/device.h"

#include <stdio.h>

#include "cloud/store/database.h"

#define FIELDS                                                                                               \
    "template, name, foreign_template, type, version, build, hardware, digest, state, counter, reports, "    \
    "library, tags, zone, location_zone, version_key, decodes"
#define PULSE_FIELDS "last_seen, checked_in, shipment, said, line, line_flow"
#define OWN_COLUMNS  "id, organization, token_hash, created, revoked, " FIELDS ", " PULSE_FIELDS
#define COLUMNS      OWN_COLUMNS ", (SELECT connection FROM presence WHERE device = device.id)"
#define DEVICES      "device JOIN pulse ON pulse.device = device.id"

/* In the order of FIELDS. */
static void put_device(struct query *query, const struct device *device)
{
    db__put_text(query, device->template);
    db__put_text(query, device->name);
    db__put_int(query, device->foreign);
    db__put_text(query, device->type);
    db__put_text(query, device->version);
    db__put_text(query, device->build);
    db__put_text(query, device->hardware);
    db__put_bytes(query, device->digest_known ? device->digest : NULL, RECORD_DIGEST_BYTES);
    db__put_int(query, device->state);
    db__put_int(query, device->counter);
    db__put_int(query, device->reports);
    db__put_text(query, device->library);
    db__put_text(query, device->tags);
    db__put_text(query, device->zone);
    db__put_text(query, device->location_zone);
    db__put_text(query, device->version_key);
    db__put_int(query, device->decodes);
}

/* In the order of PULSE_FIELDS. */
static void put_pulse(struct query *query, const struct device *device)
{
    db__put_int(query, device->last_seen);
    db__put_int(query, device->checked_in);
    db__put_int(query, device->shipment);
    db__put_int(query, device->said);
    db__put_int(query, device->line);
    db__put_int(query, device->line_flow);
}

static void read_pulse(struct query *query, struct device *device)
{
    device->last_seen = db__int(query);
    device->checked_in = db__int(query);
    device->shipment = db__int(query);
    device->said = db__int(query);
    device->line = db__int(query);
    device->line_flow = db__int(query);
}

/* In the order of OWN_COLUMNS. */
static void read_own(struct query *query, struct device *device)
{
    device->id = db__int(query);
    device->organization = db__int(query);
    (void)db__bytes(query, device->token_hash, RECORD_DIGEST_BYTES);
    device->created = db__int(query);
    device->revoked = db__int(query) != 0;
    db__text(query, device->template, sizeof device->template);
    db__text(query, device->name, sizeof device->name);
    device->foreign = db__int(query) != 0;
    db__text(query, device->type, sizeof device->type);
    db__text(query, device->version, sizeof device->version);
    db__text(query, device->build, sizeof device->build);
    db__text(query, device->hardware, sizeof device->hardware);
    device->digest_known = db__bytes(query, device->digest, RECORD_DIGEST_BYTES);
    device->state = (enum device_state)db__int(query);
    device->counter = db__int(query);
    device->reports = db__int(query) != 0;
    db__text(query, device->library, sizeof device->library);
    db__text(query, device->tags, sizeof device->tags);
    db__text(query, device->zone, sizeof device->zone);
    db__text(query, device->location_zone, sizeof device->location_zone);
    db__text(query, device->version_key, sizeof device->version_key);
    device->decodes = db__int(query);
    read_pulse(query, device);
}

static enum device_presence presence_of(const struct device *device, uint64_t connection)
{
    if (connection == 0)
        return DEVICE_OFFLINE;
    return device->said & SAID_CHECK_IN ? DEVICE_CHECKED_IN : DEVICE_CONNECTED;
}

static void read_device(struct query *query, void *record)
{
    struct device *device = record;
    read_own(query, device);
    device->presence = presence_of(device, (uint64_t)db__int(query));
}

/* How many a template has is counted along, since a million take long to count. */
static int count_device(struct store *store, const struct device *device, int64_t by)
{
    struct query query = db__query(
        store, "UPDATE template_owner SET devices = devices + ? WHERE organization = ? AND template = ?");
    db__put_int(&query, by);
    db__put_int(&query, device->organization);
    db__put_text(&query, device->template);
    return db__run(&query);
}

int store_device_add(struct store *store, struct device *device)
{
    struct query query =
        db__query(store, "INSERT INTO device (organization, token_hash, created, " FIELDS ") VALUES "
                         "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                         "ON CONFLICT DO NOTHING RETURNING id");
    db__put_int(&query, device->organization);
    db__put_bytes(&query, device->token_hash, RECORD_DIGEST_BYTES);
    db__put_int(&query, device->created);
    put_device(&query, device);
    int result = db__run_add(&query, &device->id);
    if (result != STORE_OK)
        return result;
    query = db__query(store, "INSERT INTO pulse (device, " PULSE_FIELDS ") VALUES (?, ?, ?, ?, ?, ?, ?)");
    db__put_int(&query, device->id);
    put_pulse(&query, device);
    result = db__run(&query);
    return result == STORE_OK ? count_device(store, device, 1) : result;
}

int store_device_pulse(struct store *store, const struct device *device)
{
    struct query query =
        db__query(store, "UPDATE pulse SET (" PULSE_FIELDS ") = (?, ?, ?, ?, ?, ?) WHERE device = ?");
    put_pulse(&query, device);
    db__put_int(&query, device->id);
    return db__run_one(&query);
}

/* Without what an index holds: a check-in that brings no new version touches no index. */
int store_device_update(struct store *store, const struct device *device)
{
    struct query query =
        db__query(store, "UPDATE device SET (foreign_template, type, version, build, hardware, digest, "
                         "state, counter, reports, library, decodes) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                         "WHERE id = ?");
    db__put_int(&query, device->foreign);
    db__put_text(&query, device->type);
    db__put_text(&query, device->version);
    db__put_text(&query, device->build);
    db__put_text(&query, device->hardware);
    db__put_bytes(&query, device->digest_known ? device->digest : NULL, RECORD_DIGEST_BYTES);
    db__put_int(&query, device->state);
    db__put_int(&query, device->counter);
    db__put_int(&query, device->reports);
    db__put_text(&query, device->library);
    db__put_int(&query, device->decodes);
    db__put_int(&query, device->id);
    return db__run_one(&query);
}

int store_device_describe(struct store *store, const struct device *device)
{
    struct query query = db__query(
        store,
        "UPDATE device SET (name, tags, zone, location_zone, version_key) = (?, ?, ?, ?, ?) WHERE id = ?");
    db__put_text(&query, device->name);
    db__put_text(&query, device->tags);
    db__put_text(&query, device->zone);
    db__put_text(&query, device->location_zone);
    db__put_text(&query, device->version_key);
    db__put_int(&query, device->id);
    return db__run_one(&query);
}

int store_device_token(struct store *store, const struct device *device)
{
    struct query query = db__query(store, "UPDATE device SET (token_hash, revoked) = (?, ?) WHERE id = ?");
    db__put_bytes(&query, device->token_hash, RECORD_DIGEST_BYTES);
    db__put_int(&query, device->revoked);
    db__put_int(&query, device->id);
    return db__run_one(&query);
}

int store_device_get(struct store *store, int64_t id, struct device *device)
{
    struct query query = db__query(store, "SELECT " COLUMNS " FROM " DEVICES " WHERE id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_device, device, sizeof *device);
}

struct connected_device {
    struct device device;
    struct presence presence;
};

static void read_connected(struct query *query, void *record)
{
    struct connected_device *both = record;
    read_own(query, &both->device);
    db__read_presence(query, &both->presence);
    both->device.presence = presence_of(&both->device, both->presence.connection);
}

int store_device_and_presence(struct store *store, int64_t id, struct device *device,
                              struct presence *presence)
{
    struct connected_device both;
    struct query query = db__query(store, "SELECT " OWN_COLUMNS ", node, connection, origin FROM " DEVICES
                                          " LEFT JOIN presence "
                                          "ON presence.device = device.id WHERE id = ?");
    db__put_int(&query, id);
    int result = db__one(&query, read_connected, &both, sizeof both);
    if (result == STORE_OK) {
        *device = both.device;
        *presence = both.presence;
    }
    return result;
}

int store_device_delete(struct store *store, const struct device *device)
{
    int result = store_events_delete(store, device->id);
    if (result != STORE_OK)
        return result;
    struct query query = db__query(store, "DELETE FROM device WHERE id = ?");
    db__put_int(&query, device->id);
    result = db__run_one(&query);
    return result == STORE_OK ? count_device(store, device, -1) : result;
}

static void read_device_token(struct query *query, void *record)
{
    struct device_token *token = record;
    token->device = db__int(query);
    (void)db__bytes(query, token->hash, sizeof token->hash);
}

int store_device_tokens(struct store *store, int64_t after, size_t limit, struct device_token **tokens,
                        size_t *count)
{
    struct query query =
        db__query(store, "SELECT id, token_hash FROM device WHERE id > ? ORDER BY id LIMIT ?");
    db__put_int(&query, after);
    db__put_int(&query, (int64_t)limit);
    return db__list(&query, read_device_token, sizeof **tokens, tokens, count);
}

int store_devices_count(struct store *store, int64_t organization, const char *template, int64_t *count)
{
    struct query query =
        db__query(store, "SELECT devices FROM template_owner WHERE organization = ? AND template = ?");
    db__put_int(&query, organization);
    db__put_text(&query, template);
    *count = db__row(&query) ? db__int(&query) : 0;
    return db__end(&query);
}

/* Every order and every pick, up and down. Places are unique, because the id ends them. */
#define PAGE(key, than, way)                                                                                 \
    "SELECT " COLUMNS " FROM " DEVICES " WHERE organization = ? AND (" key ", id) " than                     \
    " (?, ?) ORDER BY " key " " way ", id " way " LIMIT ?"
#define PAGES(key)                                                                                           \
    {                                                                                                        \
        PAGE(key, ">", "ASC"), PAGE(key, "<", "DESC")                                                        \
    }
/* The place is said of both tables: where PostgreSQL merges them, it would read pulse from its start. */
#define PAGE_BY_ID(where, than, way)                                                                         \
    "SELECT " COLUMNS " FROM " DEVICES " WHERE organization = ? AND " where "id " than                       \
    " ? AND pulse.device " than " ? ORDER BY id " way " LIMIT ?"
#define PAGES_BY_ID(where)                                                                                   \
    {                                                                                                        \
        PAGE_BY_ID(where, ">", "ASC"), PAGE_BY_ID(where, "<", "DESC")                                        \
    }
static const char *const picks[][2] = {
    [DEVICE_PICK_ALL] = PAGES_BY_ID(""),
    [DEVICE_PICK_TEMPLATE] = PAGES_BY_ID("template = ? AND "),
    [DEVICE_PICK_NAME] = PAGES_BY_ID("name = ? AND "),
    [DEVICE_PICK_VERSION] = PAGES_BY_ID("version_key = ? AND "),
};
static const char *const orders[][2] = {
    [DEVICE_ORDER_NAME] = PAGES("name"),
    [DEVICE_ORDER_VERSION] = PAGES("version_key"),
};

/* Behind all texts that UTF-8 has. */
#define LAST_TEXT "\xF4\x8F\xBF\xBF"

/* Where the page starts: behind a device, or before the first one. */
static void put_place(struct query *query, const struct device_page *page, bool by_id)
{
    const struct device *after = page->after;
    bool down = page->descending;
    int64_t id = after != NULL ? after->id : down ? INT64_MAX : 0;
    if (by_id)
        db__put_int(query, id);
    else if (after == NULL)
        db__put_text(query, down ? LAST_TEXT : "");
    else
        db__put_text(query, page->order == DEVICE_ORDER_NAME ? after->name : after->version_key);
    db__put_int(query, id);
}

int store_devices_page(struct store *store, const struct device_page *page, struct device **devices,
                       size_t *count)
{
    bool by_id = page->pick != DEVICE_PICK_ALL || page->order == DEVICE_ORDER_ID;
    int way = page->descending ? 1 : 0;
    struct query query = db__query(store, by_id ? picks[page->pick][way] : orders[page->order][way]);
    db__put_int(&query, page->organization);
    if (page->pick != DEVICE_PICK_ALL)
        db__put_text(&query, page->picked);
    put_place(&query, page, by_id);
    db__put_int(&query, (int64_t)page->limit);
    return db__list(&query, read_device, sizeof **devices, devices, count);
}

static void read_seen(struct query *query, void *record)
{
    struct device_seen *seen = record;
    seen->time = db__int(query);
    seen->id = db__int(query);
}

#define SEEN(where)                                                                                          \
    "SELECT last_seen, id FROM " DEVICES " WHERE organization = ?1 AND " where "id > ?2 AND id <= ?3 "       \
    "AND pulse.device > ?2 AND pulse.device <= ?3 AND (last_seen, id) > (?4, ?5) "                           \
    "AND (last_seen, id) < (?6, ?7)"

int store_devices_seen(struct store *store, const struct device_seen_range *range, struct device_seen **list,
                       size_t *count)
{
    struct query query =
        range->template == NULL ? db__query(store, SEEN("")) : db__query(store, SEEN("template = ?8 AND "));
    db__put_int(&query, range->organization);
    db__put_int(&query, range->after);
    db__put_int(&query, range->through);
    db__put_int(&query, range->above.time);
    db__put_int(&query, range->above.id);
    db__put_int(&query, range->below.time);
    db__put_int(&query, range->below.id);
    if (range->template != NULL)
        db__put_text(&query, range->template);
    return db__list(&query, read_seen, sizeof **list, list, count);
}

#define TEN(mark) mark mark mark mark mark mark mark mark mark mark

int store_devices_some(struct store *store, const struct device_seen *ids, size_t id_count,
                       struct device **devices, size_t *count)
{
    struct query query =
        db__query(store, "SELECT " COLUMNS " FROM " DEVICES " WHERE id IN (" TEN(TEN("?, ")) "0)");
    for (size_t i = 0; i < STORE_DEVICES_SOME; i++)
        db__put_int(&query, i < id_count ? ids[i].id : 0);
    return db__list(&query, read_device, sizeof **devices, devices, count);
}

int store_device_last(struct store *store, int64_t *id)
{
    struct query query = db__query(store, "SELECT coalesce(max(id), 0) FROM device");
    *id = 0;
    return db__one_int(&query, id);
}

#define JUDGED                                                                                               \
    "id, name, foreign_template, type, version, build, hardware, digest, state, reports, library, tags, "    \
    "zone, location_zone, checked_in, said, connection"

/* In the order of JUDGED. */
static void read_judged(struct query *query, struct device *device)
{
    device->id = db__int(query);
    db__text(query, device->name, sizeof device->name);
    device->foreign = db__int(query) != 0;
    db__text(query, device->type, sizeof device->type);
    db__text(query, device->version, sizeof device->version);
    db__text(query, device->build, sizeof device->build);
    db__text(query, device->hardware, sizeof device->hardware);
    device->digest_known = db__bytes(query, device->digest, RECORD_DIGEST_BYTES);
    device->state = (enum device_state)db__int(query);
    device->reports = db__int(query) != 0;
    db__text(query, device->library, sizeof device->library);
    db__text(query, device->tags, sizeof device->tags);
    db__text(query, device->zone, sizeof device->zone);
    db__text(query, device->location_zone, sizeof device->location_zone);
    device->checked_in = db__int(query);
    device->said = db__int(query);
    device->presence = presence_of(device, (uint64_t)db__int(query));
}

static struct query query_walk(struct store *store, const struct device_walk *walk, size_t limit)
{
    struct query query =
        db__query(store, "SELECT " JUDGED " FROM " DEVICES " "
                         "LEFT JOIN presence ON presence.device = id AND presence.device > ?3 "
                         "WHERE organization = ?1 AND template = ?2 AND id > ?3 AND pulse.device > ?3 "
                         "ORDER BY id LIMIT ?4");
    db__put_int(&query, walk->organization);
    db__put_text(&query, walk->template);
    db__put_int(&query, walk->after);
    db__put_int(&query, (int64_t)limit);
    return query;
}

int store_devices_walk(struct store *store, struct device_walk *walk, size_t limit, device_take_fn *take,
                       void *ctx)
{
    struct device common = {.organization = walk->organization};
    snprintf(common.template, sizeof common.template, "%s", walk->template);
    struct query query = query_walk(store, walk, limit);
    int result = STORE_OK;
    size_t count = 0;
    for (; result == STORE_OK && db__row(&query); count++) {
        struct device device = common;
        read_judged(&query, &device);
        walk->after = device.id;
        result = take(ctx, &device);
    }
    walk->end = count < limit;
    int ended = db__end(&query);
    return result == STORE_OK ? ended : result;
}
