/* Templates, devices, their timelines and rejections. */
#include "cloud/store/device.h"

#include "cloud/store/database.h"

#define FIELDS                                                                                               \
    "template, name, last_seen, checked_in, foreign_template, type, version, build, hardware, digest, "      \
    "state, counter, reports, shipment"
#define COLUMNS "id, token_hash, created, " FIELDS

int store_template_add(struct store *store, const char *template)
{
    struct query query = db__query(store, "INSERT INTO template (name) VALUES (?) ON CONFLICT DO NOTHING");
    db__put_text(&query, template);
    return db__run(&query);
}

int store_template_exists(struct store *store, const char *template)
{
    struct query query = db__query(store, "SELECT 1 FROM template WHERE name = ?");
    db__put_text(&query, template);
    bool found = db__row(&query);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

/* In the order of FIELDS. */
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
    db__put_bytes(query, device->digest_known ? device->digest : NULL, RECORD_DIGEST_BYTES);
    db__put_int(query, device->state);
    db__put_int(query, device->counter);
    db__put_int(query, device->reports);
    db__put_int(query, device->shipment);
}

static void read_device(struct query *query, void *record)
{
    struct device *device = record;
    device->id = db__int(query);
    (void)db__bytes(query, device->token_hash, RECORD_DIGEST_BYTES);
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
    device->digest_known = db__bytes(query, device->digest, RECORD_DIGEST_BYTES);
    device->state = (enum device_state)db__int(query);
    device->counter = db__int(query);
    device->reports = db__int(query) != 0;
    device->shipment = db__int(query);
}

int store_device_add(struct store *store, struct device *device)
{
    struct query query = db__query(
        store, "INSERT INTO device (token_hash, created, " FIELDS ") VALUES "
               "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_bytes(&query, device->token_hash, RECORD_DIGEST_BYTES);
    db__put_int(&query, device->created);
    put_device(&query, device);
    return db__run_add(&query, &device->id);
}

int store_device_update(struct store *store, const struct device *device)
{
    struct query query = db__query(store, "UPDATE device SET (" FIELDS
                                          ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?");
    put_device(&query, device);
    db__put_int(&query, device->id);
    return db__run_one(&query);
}

int store_device_get(struct store *store, int64_t id, struct device *device)
{
    struct query query = db__query(store, "SELECT " COLUMNS " FROM device WHERE id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_device, device, sizeof *device);
}

int store_device_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, "DELETE FROM device WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_devices(struct store *store, const char *template, struct device **devices, size_t *count)
{
    struct query query =
        template == NULL ? db__query(store, "SELECT " COLUMNS " FROM device ORDER BY id")
                         : db__query(store, "SELECT " COLUMNS " FROM device WHERE template = ? ORDER BY id");
    if (template != NULL)
        db__put_text(&query, template);
    return db__list(&query, read_device, sizeof **devices, devices, count);
}

int store_event_add(struct store *store, int64_t device, const struct event *event)
{
    struct query query = db__query(store, "INSERT INTO event (device, time, kind, text) VALUES (?, ?, ?, ?)");
    db__put_int(&query, device);
    db__put_int(&query, event->time);
    db__put_text(&query, event->kind);
    db__put_text(&query, event->text);
    int result = db__run(&query);
    if (result != STORE_OK)
        return result;
    query = db__query(store, "DELETE FROM event WHERE device = ?1 AND id <= "
                             "(SELECT id FROM event WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)");
    db__put_int(&query, device);
    db__put_int(&query, STORE_EVENTS_KEPT);
    return db__run(&query);
}

static void read_event(struct query *query, void *record)
{
    struct event *event = record;
    event->time = db__int(query);
    db__text(query, event->kind, sizeof event->kind);
    db__text(query, event->text, sizeof event->text);
}

int store_events(struct store *store, int64_t device, struct event **events, size_t *count)
{
    struct query query = db__query(store, "SELECT time, kind, text FROM event WHERE device = ? ORDER BY id");
    db__put_int(&query, device);
    return db__list(&query, read_event, sizeof **events, events, count);
}

int store_rejection_add(struct store *store, int64_t device, const uint8_t head[RECORD_SHORT_BYTES],
                        uint8_t reason, int64_t now)
{
    struct query query = db__query(
        store, "INSERT INTO rejection (device, head, reason, time) VALUES (?, ?, ?, ?) "
               "ON CONFLICT (device, head) DO UPDATE SET reason = excluded.reason, time = excluded.time");
    db__put_int(&query, device);
    db__put_bytes(&query, head, RECORD_SHORT_BYTES);
    db__put_int(&query, reason);
    db__put_int(&query, now);
    return db__run(&query);
}

int store_rejection_get(struct store *store, int64_t device, const uint8_t head[RECORD_SHORT_BYTES],
                        uint8_t *reason)
{
    struct query query = db__query(store, "SELECT reason FROM rejection WHERE device = ? AND head = ?");
    db__put_int(&query, device);
    db__put_bytes(&query, head, RECORD_SHORT_BYTES);
    bool found = db__row(&query);
    if (found)
        *reason = (uint8_t)db__int(&query);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}
