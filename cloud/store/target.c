#include "cloud/store/target.h"

#include "cloud/store/database.h"

#define FIELDS                                                                                               \
    "status, reason, ended, stage, bytes, size, wire_bytes, attempts, period_start, attempt_start, "         \
    "repeats, due, updated, wave, consent, turn, form, sent_bytes, plain_bytes, encoded"
#define COLUMNS "shipment, device, " FIELDS

/* In the order of FIELDS. */
static void put_target(struct query *query, const struct target *target)
{
    db__put_int(query, target->status);
    db__put_int(query, target->reason);
    db__put_int(query, target->ended);
    db__put_int(query, target->stage);
    db__put_int(query, target->bytes);
    db__put_int(query, target->size);
    db__put_int(query, target->wire_bytes);
    db__put_int(query, target->attempts);
    db__put_int(query, target->period_start);
    db__put_int(query, target->attempt_start);
    db__put_int(query, target->repeats);
    db__put_int(query, target->due);
    db__put_int(query, target->updated);
    db__put_int(query, target->wave);
    db__put_int(query, target->consent);
    db__put_int(query, target->turn);
    db__put_int(query, target->form);
    db__put_int(query, target->sent_bytes);
    db__put_int(query, target->plain_bytes);
    db__put_int(query, target->encoded);
}

static void read_target(struct query *query, void *record)
{
    struct target *target = record;
    target->shipment = db__int(query);
    target->device = db__int(query);
    target->status = (enum target_status)db__int(query);
    target->reason = (uint8_t)db__int(query);
    target->ended = db__int(query) != 0;
    target->stage = (enum target_stage)db__int(query);
    target->bytes = db__int(query);
    target->size = db__int(query);
    target->wire_bytes = db__int(query);
    target->attempts = db__int(query);
    target->period_start = db__int(query);
    target->attempt_start = db__int(query);
    target->repeats = db__int(query);
    target->due = db__int(query);
    target->updated = db__int(query);
    target->wave = db__int(query);
    target->consent = db__int(query);
    target->turn = db__int(query);
    target->form = (enum form_kind)db__int(query);
    target->sent_bytes = db__int(query);
    target->plain_bytes = db__int(query);
    target->encoded = (enum target_encoded)db__int(query);
}

int store_target_add(struct store *store, const struct target *target)
{
    struct query query = db__query(
        store,
        "INSERT INTO target (" COLUMNS
        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    db__put_int(&query, target->shipment);
    db__put_int(&query, target->device);
    put_target(&query, target);
    int result = db__run_one(&query);
    return result == STORE_NOT_FOUND ? STORE_CONFLICT : result;
}

#define NEW_ROW     "(?, ?, ?, ?, ?, ?, ?, 0, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
#define THREE(rows) rows ", " rows ", " rows
#define NEW_ROWS_9  THREE(THREE(NEW_ROW))
#define NEW_ROWS_81 THREE(THREE(NEW_ROWS_9))

#define ADD_NEW                                                                                              \
    "INSERT INTO target (shipment, device, status, reason, ended, wave, updated, stage, bytes, size, "       \
    "wire_bytes, attempts, period_start, attempt_start, repeats, due, consent, turn, form, sent_bytes, "     \
    "plain_bytes, encoded) VALUES "

static int add_new(struct store *store, const char *sql, const struct target *targets, size_t count)
{
    struct query query = db__query(store, sql);
    for (size_t i = 0; i < count; i++) {
        db__put_int(&query, targets[i].shipment);
        db__put_int(&query, targets[i].device);
        db__put_int(&query, targets[i].status);
        db__put_int(&query, targets[i].reason);
        db__put_int(&query, targets[i].ended);
        db__put_int(&query, targets[i].wave);
        db__put_int(&query, targets[i].updated);
    }
    return db__run(&query);
}

/* Many rows in a statement: it is run, and answered, as a whole. */
int store_targets_add(struct store *store, const struct target *targets, size_t count)
{
    static const struct {
        size_t rows;
        const char *sql;
    } statements[] = {{81, ADD_NEW NEW_ROWS_81}, {9, ADD_NEW NEW_ROWS_9}, {1, ADD_NEW NEW_ROW}};
    int result = STORE_OK;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        size_t rows = statements[i].rows;
        for (; count >= rows && result == STORE_OK; count -= rows, targets += rows)
            result = add_new(store, statements[i].sql, targets, rows);
    }
    return result;
}

int store_target_update(struct store *store, const struct target *target)
{
    struct query query = db__query(
        store,
        "UPDATE target SET (" FIELDS
        ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE shipment = ? AND device = ?");
    put_target(&query, target);
    db__put_int(&query, target->shipment);
    db__put_int(&query, target->device);
    return db__run_one(&query);
}

int store_target_get(struct store *store, int64_t shipment, int64_t device, struct target *target)
{
    struct query query = db__query(store, "SELECT " COLUMNS " FROM target WHERE shipment = ? AND device = ?");
    db__put_int(&query, shipment);
    db__put_int(&query, device);
    return db__one(&query, read_target, target, sizeof *target);
}

int store_targets_page(struct store *store, int64_t shipment, int64_t after, size_t limit,
                       struct target **targets, size_t *count)
{
    struct query query = db__query(store, "SELECT " COLUMNS " FROM target WHERE shipment = ? AND "
                                          "device > ? ORDER BY device LIMIT ?");
    db__put_int(&query, shipment);
    db__put_int(&query, after);
    db__put_int(&query, (int64_t)limit);
    return db__list(&query, read_target, sizeof **targets, targets, count);
}

static void read_line(struct query *query, void *record)
{
    struct target_line *line = record;
    read_target(query, &line->target);
    db__text(query, line->name, sizeof line->name);
    db__text(query, line->version, sizeof line->version);
}

/* The place is said of both tables, as for pages of devices (device.c). */
int store_target_lines(struct store *store, int64_t shipment, int64_t after, size_t limit,
                       struct target_line **lines, size_t *count)
{
    struct query query =
        db__query(store, "SELECT shipment, device, t.status, t.reason, t.ended, t.stage, t.bytes, t.size, "
                         "t.wire_bytes, t.attempts, t.period_start, t.attempt_start, t.repeats, t.due, "
                         "t.updated, t.wave, t.consent, t.turn, t.form, t.sent_bytes, t.plain_bytes, "
                         "t.encoded, d.name, d.version FROM target t JOIN device d ON d.id = t.device "
                         "WHERE t.shipment = ?1 AND t.device > ?2 AND d.id > ?2 ORDER BY t.device LIMIT ?3");
    db__put_int(&query, shipment);
    db__put_int(&query, after);
    db__put_int(&query, (int64_t)limit);
    return db__list(&query, read_line, sizeof **lines, lines, count);
}

int store_targets_next(struct store *store, int64_t shipment, int64_t after, int64_t limit, int64_t *last,
                       int64_t *count)
{
    struct query query =
        db__query(store, "SELECT coalesce(max(device), 0), count(*) FROM (SELECT device FROM target "
                         "WHERE shipment = ? AND device > ? ORDER BY device LIMIT ?) AS part");
    db__put_int(&query, shipment);
    db__put_int(&query, after);
    db__put_int(&query, limit);
    if (db__row(&query)) {
        *last = db__int(&query);
        *count = db__int(&query);
    }
    return db__end(&query);
}

int store_targets_remove(struct store *store, int64_t shipment, int64_t *after, bool *more)
{
    int64_t last = 0, count = 0;
    int result = store_targets_next(store, shipment, *after, STORE_TARGETS_REMOVED, &last, &count);
    *more = count == STORE_TARGETS_REMOVED;
    if (result != STORE_OK || count == 0)
        return result;
    struct query query =
        db__query(store, "DELETE FROM target WHERE shipment = ? AND device > ? AND device <= ?");
    db__put_int(&query, shipment);
    db__put_int(&query, *after);
    db__put_int(&query, last);
    *after = last;
    return db__run(&query);
}

int store_targets_of_device(struct store *store, int64_t device, struct target **targets, size_t *count)
{
    struct query query =
        db__query(store, "SELECT " COLUMNS " FROM target WHERE device = ? ORDER BY shipment DESC");
    db__put_int(&query, device);
    return db__list(&query, read_target, sizeof **targets, targets, count);
}

int store_targets_due(struct store *store, int64_t node, int64_t now, size_t limit, struct target **targets,
                      size_t *count)
{
    struct query query =
        db__query(store, "SELECT " COLUMNS
                         " FROM target WHERE due > 0 AND due <= ? AND NOT EXISTS (SELECT 1 FROM presence "
                         "WHERE presence.device = target.device AND presence.node <> ?) "
                         "ORDER BY due LIMIT ?");
    db__put_int(&query, now);
    db__put_int(&query, node);
    db__put_int(&query, (int64_t)limit);
    return db__list(&query, read_target, sizeof **targets, targets, count);
}
