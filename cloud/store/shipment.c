/* Shipments and their waves. */
#include "cloud/store/shipment.h"

#include "cloud/store/database.h"
#include "cloud/store/shelf.h"

#define FIELDS                                                                                               \
    "organization, name, template, firmware, all_devices, state, created, ended, filter, condition, slot, "  \
    "user_controlled, attempts, period, per_minute, bytes_per_second, expires, planned, wave, planner, "     \
    "steps, sweep, turn, due, why"
#define WAVE_FIELDS                                                                                          \
    "shipment, number, kind, amount, filter, success_percent, failure_percent, minimum, soak, size, "        \
    "updated, there, skipped, failed, stuck, sent_bytes, plain_bytes, opened, reached, forgiven, "           \
    "forgiven_sample, forgiven_bad"

static void read_shipment(struct query *query, void *record)
{
    struct shipment *shipment = record;
    shipment->id = db__int(query);
    shipment->organization = db__int(query);
    db__text(query, shipment->name, sizeof shipment->name);
    db__text(query, shipment->template, sizeof shipment->template);
    shipment->firmware = db__int(query);
    shipment->all_devices = db__int(query) != 0;
    shipment->state = (enum shipment_state)db__int(query);
    shipment->created = db__int(query);
    shipment->ended = db__int(query);
    db__text(query, shipment->filter, sizeof shipment->filter);
    shipment->condition = (enum shipment_condition)db__int(query);
    shipment->slot = (enum shipment_slot)db__int(query);
    shipment->user_controlled = db__int(query) != 0;
    shipment->attempts = db__int(query);
    shipment->period_ms = db__int(query);
    shipment->per_minute = db__int(query);
    shipment->bytes_per_second = db__int(query);
    shipment->expires = db__int(query);
    shipment->planned = db__int(query) != 0;
    shipment->wave = db__int(query);
    shipment->planner = db__int(query);
    shipment->steps = db__int(query);
    shipment->sweep = db__int(query);
    shipment->turn = db__int(query);
    shipment->due = db__int(query);
    db__text(query, shipment->why, sizeof shipment->why);
}

int store_shipment_add(struct store *store, struct shipment *shipment)
{
    struct query query =
        db__query(store, "INSERT INTO shipment (" FIELDS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                         "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_int(&query, shipment->organization);
    db__put_text(&query, shipment->name);
    db__put_text(&query, shipment->template);
    db__put_int(&query, shipment->firmware);
    db__put_int(&query, shipment->all_devices);
    db__put_int(&query, shipment->state);
    db__put_int(&query, shipment->created);
    db__put_int(&query, shipment->ended);
    db__put_text(&query, shipment->filter);
    db__put_int(&query, shipment->condition);
    db__put_int(&query, shipment->slot);
    db__put_int(&query, shipment->user_controlled);
    db__put_int(&query, shipment->attempts);
    db__put_int(&query, shipment->period_ms);
    db__put_int(&query, shipment->per_minute);
    db__put_int(&query, shipment->bytes_per_second);
    db__put_int(&query, shipment->expires);
    db__put_int(&query, shipment->planned);
    db__put_int(&query, shipment->wave);
    db__put_int(&query, shipment->planner);
    db__put_int(&query, shipment->steps);
    db__put_int(&query, shipment->sweep);
    db__put_int(&query, shipment->turn);
    db__put_int(&query, shipment->due);
    db__put_text(&query, shipment->why);
    return db__run_add(&query, &shipment->id);
}

int store_shipment_update(struct store *store, const struct shipment *shipment)
{
    struct query query =
        db__query(store, "UPDATE shipment SET (state, ended, planned, wave, planner, steps, sweep, turn, "
                         "due, why) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?");
    db__put_int(&query, shipment->state);
    db__put_int(&query, shipment->ended);
    db__put_int(&query, shipment->planned);
    db__put_int(&query, shipment->wave);
    db__put_int(&query, shipment->planner);
    db__put_int(&query, shipment->steps);
    db__put_int(&query, shipment->sweep);
    db__put_int(&query, shipment->turn);
    db__put_int(&query, shipment->due);
    db__put_text(&query, shipment->why);
    db__put_int(&query, shipment->id);
    shelf__drop_shipment(store, shipment->id);
    return db__run_one(&query);
}

int store_shipment_get(struct store *store, int64_t id, struct shipment *shipment)
{
    if (shelf__shipment(store, id, shipment))
        return STORE_OK;
    struct query query = db__query(store, "SELECT id, " FIELDS " FROM shipment WHERE id = ?");
    db__put_int(&query, id);
    int result = db__one(&query, read_shipment, shipment, sizeof *shipment);
    if (result == STORE_OK)
        shelf__keep_shipment(store, shipment);
    return result;
}

/* It is over, but one that has finished might take in a device that comes meanwhile. */
static int cancel(struct store *store, int64_t id)
{
    struct query query = db__query(store, "UPDATE shipment SET state = ? WHERE id = ?");
    db__put_int(&query, SHIPMENT_CANCELLED);
    db__put_int(&query, id);
    shelf__drop_shipment(store, id);
    return db__run_one(&query);
}

int store_shipment_delete(struct store *store, int64_t id, int64_t *after, bool *more)
{
    int result = store_targets_remove(store, id, after, more);
    if (result != STORE_OK)
        return result;
    if (*more)
        return cancel(store, id);
    struct query query = db__query(store, "DELETE FROM shipment WHERE id = ?");
    db__put_int(&query, id);
    shelf__drop_shipment(store, id);
    return db__run_one(&query);
}

int store_shipment_of_firmware(struct store *store, int64_t firmware, int64_t *id)
{
    struct query query = db__query(store, "SELECT id FROM shipment WHERE firmware = ? ORDER BY id LIMIT 1");
    db__put_int(&query, firmware);
    return db__one_int(&query, id);
}

int store_shipments(struct store *store, int64_t organization, struct shipment **shipments, size_t *count)
{
    struct query query =
        db__query(store, "SELECT id, " FIELDS " FROM shipment WHERE organization = ? ORDER BY id DESC");
    db__put_int(&query, organization);
    return db__list(&query, read_shipment, sizeof **shipments, shipments, count);
}

int store_shipments_page(struct store *store, int64_t organization, int state, int64_t before, size_t limit,
                         struct shipment **shipments, size_t *count)
{
    struct query query = db__query(store, "SELECT id, " FIELDS " FROM shipment WHERE organization = ?4 AND "
                                          "(?1 < 0 OR state = ?1) AND id < ?2 ORDER BY id DESC LIMIT ?3");
    db__put_int(&query, state);
    db__put_int(&query, before == 0 ? INT64_MAX : before);
    db__put_int(&query, (int64_t)limit);
    db__put_int(&query, organization);
    return db__list(&query, read_shipment, sizeof **shipments, shipments, count);
}

int store_shipments_of_template(struct store *store, int64_t organization, const char *template,
                                struct shipment **shipments, size_t *count)
{
    struct query query = db__query(store, "SELECT id, " FIELDS " FROM shipment WHERE organization = ? AND "
                                          "template = ? ORDER BY id DESC LIMIT 200");
    db__put_int(&query, organization);
    db__put_text(&query, template);
    return db__list(&query, read_shipment, sizeof **shipments, shipments, count);
}

int store_shipments_due(struct store *store, int64_t now, struct shipment **shipments, size_t *count)
{
    struct query query = db__query(store, "SELECT id, " FIELDS
                                          " FROM shipment WHERE due > 0 AND due <= ? ORDER BY due LIMIT 100");
    db__put_int(&query, now);
    return db__list(&query, read_shipment, sizeof **shipments, shipments, count);
}

int store_image_shipped(struct store *store, int64_t organization, const uint8_t digest[RECORD_DIGEST_BYTES],
                        bool *shipped)
{
    struct query query =
        db__query(store, "SELECT 1 FROM firmware JOIN shipment ON shipment.firmware = firmware.id "
                         "WHERE firmware.organization = ? AND firmware.digest = ? LIMIT 1");
    db__put_int(&query, organization);
    db__put_bytes(&query, digest, RECORD_DIGEST_BYTES);
    *shipped = db__row(&query);
    return db__end(&query);
}

int store_shipment_unplanned(struct store *store, int64_t node, struct shipment *shipment)
{
    struct query query = db__query(
        store, "SELECT id, " FIELDS " FROM shipment WHERE planned = 0 AND (planner = ?1 OR planner NOT IN "
               "(SELECT id FROM node)) ORDER BY id LIMIT 1");
    db__put_int(&query, node);
    return db__one(&query, read_shipment, shipment, sizeof *shipment);
}

int store_shipment_sweeping(struct store *store, struct shipment *shipment)
{
    struct query query =
        db__query(store, "SELECT id, " FIELDS " FROM shipment WHERE sweep >= 0 ORDER BY id DESC LIMIT 1");
    return db__one(&query, read_shipment, shipment, sizeof *shipment);
}

int store_shipment_sweep_slots(struct store *store, int64_t organization)
{
    struct query query = db__query(store, "UPDATE shipment SET sweep = 0 WHERE organization = ? AND "
                                          "state = ? AND planned <> 0 AND slot <> ?");
    db__put_int(&query, organization);
    db__put_int(&query, SHIPMENT_LIVE);
    db__put_int(&query, SLOT_ANY);
    shelf__drop_shipment(store, 0);
    return db__run(&query);
}

static void read_id(struct query *query, void *record)
{
    *(int64_t *)record = db__int(query);
}

int store_shipment_online(struct store *store, int64_t shipment, int64_t after, size_t limit,
                          int64_t **devices, size_t *count, int64_t *next)
{
    int64_t last = 0, looked_at = 0;
    *devices = NULL;
    *count = 0;
    int result = store_targets_next(store, shipment, after, STORE_ONLINE_LOOK, &last, &looked_at);
    if (result != STORE_OK)
        return result;
    struct query query =
        db__query(store, "SELECT p.device FROM presence p JOIN target t ON t.device = p.device "
                         "WHERE t.shipment = ? AND t.device > ? AND t.device <= ? ORDER BY t.device LIMIT ?");
    db__put_int(&query, shipment);
    db__put_int(&query, after);
    db__put_int(&query, last);
    db__put_int(&query, (int64_t)limit);
    result = db__list(&query, read_id, sizeof **devices, devices, count);
    *next = looked_at == STORE_ONLINE_LOOK ? last : -1;
    if (*count == limit)
        *next = (*devices)[limit - 1];
    return result;
}

static void read_progress(struct query *query, void *record)
{
    struct progress *progress = record;
    progress->target = db__int(query);
    progress->updated = db__int(query);
    progress->failed = db__int(query);
    progress->skipped = db__int(query);
    progress->sent_bytes = db__int(query);
    progress->plain_bytes = db__int(query);
}

int store_shipment_progress(struct store *store, int64_t shipment, struct progress *progress)
{
    struct query query =
        db__query(store, "SELECT CAST(coalesce(sum(size), 0) AS BIGINT), "
                         "CAST(coalesce(sum(updated + there), 0) AS BIGINT), "
                         "CAST(coalesce(sum(failed), 0) AS BIGINT), "
                         "CAST(coalesce(sum(skipped), 0) AS BIGINT), "
                         "CAST(coalesce(sum(sent_bytes), 0) AS BIGINT), "
                         "CAST(coalesce(sum(plain_bytes), 0) AS BIGINT) FROM wave WHERE shipment = ?");
    db__put_int(&query, shipment);
    return db__one(&query, read_progress, progress, sizeof *progress);
}

/* --- Waves --- */

static void read_wave(struct query *query, void *record)
{
    struct wave *wave = record;
    wave->shipment = db__int(query);
    wave->number = db__int(query);
    wave->kind = (enum wave_kind)db__int(query);
    wave->amount = db__int(query);
    db__text(query, wave->filter, sizeof wave->filter);
    wave->success_percent = db__int(query);
    wave->failure_percent = db__int(query);
    wave->minimum = db__int(query);
    wave->soak_ms = db__int(query);
    wave->size = db__int(query);
    wave->updated = db__int(query);
    wave->there = db__int(query);
    wave->skipped = db__int(query);
    wave->failed = db__int(query);
    wave->stuck = db__int(query);
    wave->sent_bytes = db__int(query);
    wave->plain_bytes = db__int(query);
    wave->opened = db__int(query);
    wave->reached = db__int(query);
    wave->forgiven = db__int(query) != 0;
    wave->forgiven_sample = db__int(query);
    wave->forgiven_bad = db__int(query);
}

static void put_counters(struct query *query, const struct wave *wave)
{
    db__put_int(query, wave->size);
    db__put_int(query, wave->updated);
    db__put_int(query, wave->there);
    db__put_int(query, wave->skipped);
    db__put_int(query, wave->failed);
    db__put_int(query, wave->stuck);
    db__put_int(query, wave->sent_bytes);
    db__put_int(query, wave->plain_bytes);
}

static void put_passage(struct query *query, const struct wave *wave)
{
    db__put_int(query, wave->opened);
    db__put_int(query, wave->reached);
    db__put_int(query, wave->forgiven);
    db__put_int(query, wave->forgiven_sample);
    db__put_int(query, wave->forgiven_bad);
}

int store_wave_add(struct store *store, const struct wave *wave)
{
    struct query query =
        db__query(store, "INSERT INTO wave (" WAVE_FIELDS
                         ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    db__put_int(&query, wave->shipment);
    db__put_int(&query, wave->number);
    db__put_int(&query, wave->kind);
    db__put_int(&query, wave->amount);
    db__put_text(&query, wave->filter);
    db__put_int(&query, wave->success_percent);
    db__put_int(&query, wave->failure_percent);
    db__put_int(&query, wave->minimum);
    db__put_int(&query, wave->soak_ms);
    put_counters(&query, wave);
    put_passage(&query, wave);
    return db__run(&query);
}

int store_waves(struct store *store, int64_t shipment, struct wave **waves, size_t *count)
{
    struct query query =
        db__query(store, "SELECT " WAVE_FIELDS " FROM wave WHERE shipment = ? ORDER BY number");
    db__put_int(&query, shipment);
    return db__list(&query, read_wave, sizeof **waves, waves, count);
}

int store_wave_update(struct store *store, const struct wave *wave)
{
    struct query query =
        db__query(store, "UPDATE wave SET (opened, reached, forgiven, forgiven_sample, forgiven_bad) = "
                         "(?, ?, ?, ?, ?) WHERE shipment = ? AND number = ?");
    put_passage(&query, wave);
    db__put_int(&query, wave->shipment);
    db__put_int(&query, wave->number);
    return db__run_one(&query);
}

int store_wave_count(struct store *store, const struct wave *more)
{
    struct query query =
        db__query(store, "UPDATE wave SET size = size + ?, updated = updated + ?, there = there + ?, "
                         "skipped = skipped + ?, failed = failed + ?, stuck = stuck + ?, "
                         "sent_bytes = sent_bytes + ?, plain_bytes = plain_bytes + ? "
                         "WHERE shipment = ? AND number = ?");
    put_counters(&query, more);
    db__put_int(&query, more->shipment);
    db__put_int(&query, more->number);
    return db__run_one(&query);
}

int store_waves_clear(struct store *store, int64_t shipment)
{
    struct query query = db__query(
        store, "UPDATE wave SET size = 0, updated = 0, there = 0, skipped = 0, failed = 0, stuck = 0, "
               "sent_bytes = 0, plain_bytes = 0 WHERE shipment = ?");
    db__put_int(&query, shipment);
    int result = db__run(&query);
    if (result != STORE_OK)
        return result;
    query = db__query(store, "DELETE FROM target WHERE shipment = ?");
    db__put_int(&query, shipment);
    return db__run(&query);
}
