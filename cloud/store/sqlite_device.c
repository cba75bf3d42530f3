/* Templates, devices, their timelines and rejections. */
#include "cloud/store/database.h"

int store_template_add(struct store *store, const char *template)
{
    struct query query = db__query(store, SQL_TEMPLATE_ADD);
    db__put_text(&query, template);
    return db__run(&query);
}

int store_template_exists(struct store *store, const char *template)
{
    struct query query = db__query(store, SQL_TEMPLATE_GET);
    db__put_text(&query, template);
    bool found = db__row(&query);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

/* In the order of DEVICE_FIELDS. */
static void put_device(struct query *query, const struct device *device)
{
    db__put_text(query, device->template);
    db__put_text(query, device->name);
    db__put_int(query, device->last_seen);
    db__put_int(query, device->checked_in);
    db__put_int(query, device->foreign);
    db__put_text(query, device->type);
    db__put_text(query, device->version);
    db__put_text(query, device->build);
    db__put_text(query, device->hardware);
    db__put_blob(query, device->digest_known ? device->digest : NULL, RECORD_DIGEST_BYTES);
    db__put_int(query, device->state);
    db__put_int(query, device->counter);
    db__put_int(query, device->reports);
    db__put_int(query, device->shipment);
}

static void read_device(struct query *query, struct device *device)
{
    *device = (struct device){.id = db__int(query)};
    (void)db__blob(query, device->token_hash, RECORD_DIGEST_BYTES);
    device->created = db__int(query);
    db__text(query, device->template, sizeof device->template);
    db__text(query, device->name, sizeof device->name);
    device->last_seen = db__int(query);
    device->checked_in = db__int(query);
    device->foreign = db__int(query) != 0;
    db__text(query, device->type, sizeof device->type);
    db__text(query, device->version, sizeof device->version);
    db__text(query, device->build, sizeof device->build);
    db__text(query, device->hardware, sizeof device->hardware);
    device->digest_known = db__blob(query, device->digest, RECORD_DIGEST_BYTES);
    device->state = (enum device_state)db__int(query);
    device->counter = db__int(query);
    device->reports = db__int(query) != 0;
    device->shipment = db__int(query);
}

int store_device_add(struct store *store, struct device *device)
{
    struct query query = db__query(store, SQL_DEVICE_ADD);
    db__put_blob(&query, device->token_hash, RECORD_DIGEST_BYTES);
    db__put_int(&query, device->created);
    put_device(&query, device);
    int result = db__run(&query);
    if (result == STORE_OK)
        device->id = sqlite3_last_insert_rowid(store->database);
    return result;
}

int store_device_update(struct store *store, const struct device *device)
{
    struct query query = db__query(store, SQL_DEVICE_UPDATE);
    put_device(&query, device);
    db__put_int(&query, device->id);
    return db__run_one(&query);
}

int store_device_get(struct store *store, int64_t id, struct device *device)
{
    struct query query = db__query(store, SQL_DEVICE_GET);
    db__put_int(&query, id);
    bool found = db__row(&query);
    if (found)
        read_device(&query, device);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

int store_device_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, SQL_DEVICE_DELETE);
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_devices(struct store *store, const char *template, struct device **devices, size_t *count)
{
    void *list = NULL;
    *count = 0;
    struct query query = db__query(store, SQL_DEVICES);
    db__put_text(&query, template);
    while (db__row(&query)) {
        struct device *room = db__append(&query, &list, count, sizeof *room);
        if (room != NULL)
            read_device(&query, room);
    }
    int result = db__end_list(&query, &list, count);
    *devices = list;
    return result;
}

int store_event_add(struct store *store, int64_t device, const struct event *event)
{
    struct query query = db__query(store, SQL_EVENT_ADD);
    db__put_int(&query, device);
    db__put_int(&query, event->time);
    db__put_text(&query, event->kind);
    db__put_text(&query, event->text);
    int result = db__run(&query);
    if (result != STORE_OK)
        return result;
    query = db__query(store, SQL_EVENT_TRIM);
    db__put_int(&query, device);
    db__put_int(&query, STORE_EVENTS_KEPT);
    return db__run(&query);
}

int store_events(struct store *store, int64_t device, struct event **events, size_t *count)
{
    void *list = NULL;
    *count = 0;
    struct query query = db__query(store, SQL_EVENTS);
    db__put_int(&query, device);
    while (db__row(&query)) {
        struct event *room = db__append(&query, &list, count, sizeof *room);
        if (room == NULL)
            break;
        room->time = db__int(&query);
        db__text(&query, room->kind, sizeof room->kind);
        db__text(&query, room->text, sizeof room->text);
    }
    int result = db__end_list(&query, &list, count);
    *events = list;
    return result;
}

int store_rejection_add(struct store *store, int64_t device, const uint8_t head[RECORD_SHORT_BYTES],
                        uint8_t reason, int64_t now)
{
    struct query query = db__query(store, SQL_REJECTION_ADD);
    db__put_int(&query, device);
    db__put_blob(&query, head, RECORD_SHORT_BYTES);
    db__put_int(&query, reason);
    db__put_int(&query, now);
    return db__run(&query);
}

int store_rejection_get(struct store *store, int64_t device, const uint8_t head[RECORD_SHORT_BYTES],
                        uint8_t *reason)
{
    struct query query = db__query(store, SQL_REJECTION_GET);
    db__put_int(&query, device);
    db__put_blob(&query, head, RECORD_SHORT_BYTES);
    bool found = db__row(&query);
    if (found)
        *reason = (uint8_t)db__int(&query);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}
