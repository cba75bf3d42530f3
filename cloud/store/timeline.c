#include "cloud/store/timeline.h"

#include "cloud/store/database.h"

#define TRIM_EVERY 64 /* lines */

/* A clock that was set back has the device wait for no more than a burst. */
static bool may_write(struct device *device, int64_t now)
{
    int64_t burst = STORE_LINES_BURST * STORE_LINES_PAUSE_MS;
    if (device->line_flow < now || device->line_flow > now + 2 * burst)
        device->line_flow = now;
    bool may = device->line_flow - now < burst;
    if (may)
        device->line_flow += STORE_LINES_PAUSE_MS;
    return may;
}

/* Writes over the newest line: STORE_NOT_FOUND if it is gone, or about a shipment. */
static int replace(struct store *store, int64_t line, const struct event *event)
{
    struct query query = db__query(
        store,
        "UPDATE event SET (time, kind, code, reason, text) = (?, ?, ?, ?, ?) WHERE id = ? AND shipment = 0");
    db__put_int(&query, event->time);
    db__put_text(&query, event->kind);
    db__put_text(&query, event->code);
    db__put_int(&query, event->reason);
    db__put_text(&query, event->text);
    db__put_int(&query, line);
    return db__run_one(&query);
}

static int append(struct store *store, struct device *device, const struct event *event)
{
    struct query query =
        db__query(store, "INSERT INTO event (device, before, time, kind, shipment, code, reason, text) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id");
    db__put_int(&query, device->id);
    db__put_int(&query, device->line);
    db__put_int(&query, event->time);
    db__put_text(&query, event->kind);
    db__put_int(&query, event->shipment);
    db__put_text(&query, event->code);
    db__put_int(&query, event->reason);
    db__put_text(&query, event->text);
    return db__run_add(&query, &device->line);
}

/* Makes the room that the table may not have beyond this line. */
static int trim(struct store *store, int64_t line)
{
    struct query query = db__query(store, "SELECT coalesce(max(id), 0) FROM device");
    int64_t devices = db__row(&query) ? db__int(&query) : 0;
    int result = db__end(&query);
    if (result != STORE_OK)
        return result;
    query = db__query(store, "DELETE FROM event WHERE id <= ?");
    db__put_int(&query, line - STORE_LINES_SPARE - devices * STORE_EVENTS_KEPT);
    return db__run(&query);
}

int store_event_add(struct store *store, struct device *device, const struct event *event)
{
    bool may = event->shipment != 0 || may_write(device, event->time);
    int result = may ? STORE_NOT_FOUND : replace(store, device->line, event);
    if (result != STORE_NOT_FOUND)
        return result;
    result = append(store, device, event);
    return result == STORE_OK && device->line % TRIM_EVERY == 0 ? trim(store, device->line) : result;
}

static void read_event(struct query *query, void *record)
{
    struct event *event = record;
    event->time = db__int(query);
    db__text(query, event->kind, sizeof event->kind);
    event->shipment = db__int(query);
    db__text(query, event->code, sizeof event->code);
    event->reason = (uint8_t)db__int(query);
    db__text(query, event->text, sizeof event->text);
}

/* The lines of device ?1 back to the ?2nd. */
#define CHAIN                                                                                                \
    "WITH RECURSIVE chain (id, before, place) AS ("                                                          \
    "SELECT e.id, e.before, CAST(1 AS BIGINT) FROM pulse p JOIN event e ON e.id = p.line WHERE p.device = "  \
    "?1 "                                                                                                    \
    "UNION ALL SELECT e.id, e.before, c.place + 1 FROM chain c JOIN event e ON e.id = c.before "             \
    "WHERE c.place < ?2) "

int store_events(struct store *store, int64_t device, struct event **events, size_t *count)
{
    struct query query =
        db__query(store, CHAIN "SELECT e.time, e.kind, e.shipment, e.code, e.reason, e.text "
                               "FROM chain c JOIN event e ON e.id = c.id ORDER BY c.place DESC");
    db__put_int(&query, device);
    db__put_int(&query, STORE_EVENTS_KEPT);
    return db__list(&query, read_event, sizeof **events, events, count);
}

int store_events_delete(struct store *store, int64_t device)
{
    struct query query = db__query(store, CHAIN "DELETE FROM event WHERE id IN (SELECT id FROM chain)");
    db__put_int(&query, device);
    db__put_int(&query, INT64_MAX);
    return db__run(&query);
}
