/* Shipments and their targets. */
#include "cloud/store/shipment.h"

#include "cloud/store/database.h"

#define FIELDS "id, name, template, firmware, all_devices, state, created, ended"
#define TARGET_FIELDS                                                                                        \
    "status, reason, ended, stage, bytes, size, wire_bytes, attempts, period_start, attempt_start, "         \
    "repeats, due, updated"
#define TARGET_COLUMNS "shipment, device, " TARGET_FIELDS

static void read_shipment(struct query *query, void *record)
{
    struct shipment *shipment = record;
    shipment->id = db__int(query);
    db__text(query, shipment->name, sizeof shipment->name);
    db__text(query, shipment->template, sizeof shipment->template);
    shipment->firmware = db__int(query);
    shipment->all_devices = db__int(query) != 0;
    shipment->state = (enum shipment_state)db__int(query);
    shipment->created = db__int(query);
    shipment->ended = db__int(query);
}

int store_shipment_add(struct store *store, struct shipment *shipment)
{
    struct query query = db__query(
        store, "INSERT INTO shipment (name, template, firmware, all_devices, state, created, ended) "
               "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_text(&query, shipment->name);
    db__put_text(&query, shipment->template);
    db__put_int(&query, shipment->firmware);
    db__put_int(&query, shipment->all_devices);
    db__put_int(&query, shipment->state);
    db__put_int(&query, shipment->created);
    db__put_int(&query, shipment->ended);
    return db__run_add(&query, &shipment->id);
}

int store_shipment_update(struct store *store, const struct shipment *shipment)
{
    struct query query = db__query(store, "UPDATE shipment SET state = ?, ended = ? WHERE id = ?");
    db__put_int(&query, shipment->state);
    db__put_int(&query, shipment->ended);
    db__put_int(&query, shipment->id);
    return db__run_one(&query);
}

int store_shipment_get(struct store *store, int64_t id, struct shipment *shipment)
{
    struct query query = db__query(store, "SELECT " FIELDS " FROM shipment WHERE id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_shipment, shipment, sizeof *shipment);
}

int store_shipments(struct store *store, struct shipment **shipments, size_t *count)
{
    struct query query = db__query(store, "SELECT " FIELDS " FROM shipment ORDER BY id DESC");
    return db__list(&query, read_shipment, sizeof **shipments, shipments, count);
}

static void read_progress(struct query *query, void *record)
{
    struct progress *progress = record;
    progress->target = db__int(query);
    progress->updated = db__int(query);
    progress->failed = db__int(query);
}

int store_shipment_progress(struct store *store, int64_t shipment, struct progress *progress)
{
    struct query query = db__query(
        store,
        "SELECT count(*), count(CASE WHEN ended <> 0 AND status IN (?2, ?3) THEN 1 END), "
        "count(CASE WHEN ended <> 0 AND status NOT IN (?2, ?3) THEN 1 END) FROM target WHERE shipment = ?1");
    db__put_int(&query, shipment);
    db__put_int(&query, TARGET_SUCCESS);
    db__put_int(&query, TARGET_ALREADY_THERE);
    return db__one(&query, read_progress, progress, sizeof *progress);
}

/* In the order of TARGET_FIELDS. */
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
}

int store_target_add(struct store *store, const struct target *target)
{
    struct query query =
        db__query(store, "INSERT INTO target (" TARGET_COLUMNS
                         ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    db__put_int(&query, target->shipment);
    db__put_int(&query, target->device);
    put_target(&query, target);
    int result = db__run_one(&query);
    return result == STORE_NOT_FOUND ? STORE_CONFLICT : result;
}

int store_target_update(struct store *store, const struct target *target)
{
    struct query query =
        db__query(store, "UPDATE target SET (" TARGET_FIELDS
                         ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE shipment = ? AND device = ?");
    put_target(&query, target);
    db__put_int(&query, target->shipment);
    db__put_int(&query, target->device);
    return db__run_one(&query);
}

int store_target_get(struct store *store, int64_t shipment, int64_t device, struct target *target)
{
    struct query query =
        db__query(store, "SELECT " TARGET_COLUMNS " FROM target WHERE shipment = ? AND device = ?");
    db__put_int(&query, shipment);
    db__put_int(&query, device);
    return db__one(&query, read_target, target, sizeof *target);
}

int store_targets_of_shipment(struct store *store, int64_t shipment, struct target **targets, size_t *count)
{
    struct query query =
        db__query(store, "SELECT " TARGET_COLUMNS " FROM target WHERE shipment = ? ORDER BY device");
    db__put_int(&query, shipment);
    return db__list(&query, read_target, sizeof **targets, targets, count);
}

int store_targets_of_device(struct store *store, int64_t device, struct target **targets, size_t *count)
{
    struct query query =
        db__query(store, "SELECT " TARGET_COLUMNS " FROM target WHERE device = ? ORDER BY shipment DESC");
    db__put_int(&query, device);
    return db__list(&query, read_target, sizeof **targets, targets, count);
}

int store_targets_due(struct store *store, int64_t now, size_t limit, struct target **targets, size_t *count)
{
    struct query query = db__query(store, "SELECT " TARGET_COLUMNS
                                          " FROM target WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?");
    db__put_int(&query, now);
    db__put_int(&query, (int64_t)limit);
    return db__list(&query, read_target, sizeof **targets, targets, count);
}
