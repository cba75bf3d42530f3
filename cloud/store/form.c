/* Forms of firmware. */
#include "cloud/store/form.h"

#include "cloud/store/database.h"
#include "cloud/store/shelf.h"

#define FIELDS  "firmware, base, state, wanted, node, due, tries, size, sha256, md5, took, used, why"
#define COLUMNS "id, " FIELDS

static void read_form(struct query *query, void *record)
{
    struct form *form = record;
    form->id = db__int(query);
    form->firmware = db__int(query);
    (void)db__bytes(query, form->base, sizeof form->base);
    form->state = (enum form_state)db__int(query);
    form->wanted = db__int(query);
    form->node = db__int(query);
    form->due = db__int(query);
    form->tries = db__int(query);
    form->size = db__int(query);
    (void)db__bytes(query, form->sha256, sizeof form->sha256);
    (void)db__bytes(query, form->md5, sizeof form->md5);
    form->took_ms = db__int(query);
    form->used = db__int(query);
    db__text(query, form->why, sizeof form->why);
}

static void put_form(struct query *query, const struct form *form)
{
    bool made = form->state == FORM_STATE_READY;
    db__put_int(query, form->firmware);
    db__put_bytes(query, form->base, sizeof form->base);
    db__put_int(query, form->state);
    db__put_int(query, form->wanted);
    db__put_int(query, form->node);
    db__put_int(query, form->due);
    db__put_int(query, form->tries);
    db__put_int(query, form->size);
    db__put_bytes(query, made ? form->sha256 : NULL, sizeof form->sha256);
    db__put_bytes(query, made ? form->md5 : NULL, sizeof form->md5);
    db__put_int(query, form->took_ms);
    db__put_int(query, form->used);
    db__put_text(query, form->why);
}

int store_form_add(struct store *store, struct form *form)
{
    struct query query =
        db__query(store, "INSERT INTO form (" FIELDS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                         "ON CONFLICT DO NOTHING RETURNING id");
    put_form(&query, form);
    return db__run_add(&query, &form->id);
}

int store_form_get(struct store *store, int64_t id, struct form *form)
{
    struct query query = db__query(store, "SELECT " COLUMNS " FROM form WHERE id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_form, form, sizeof *form);
}

int store_form_find(struct store *store, int64_t firmware, const uint8_t base[RECORD_DIGEST_BYTES],
                    struct form *form)
{
    struct query query = db__query(store, "SELECT " COLUMNS " FROM form WHERE firmware = ? AND base = ?");
    db__put_int(&query, firmware);
    db__put_bytes(&query, base, RECORD_DIGEST_BYTES);
    return db__one(&query, read_form, form, sizeof *form);
}

int store_form_update(struct store *store, const struct form *form)
{
    struct query query = db__query(store, "UPDATE form SET (" FIELDS ") = "
                                          "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?");
    put_form(&query, form);
    db__put_int(&query, form->id);
    return db__run_one(&query);
}

int store_form_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, "DELETE FROM form WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_forms(struct store *store, int64_t firmware, struct form **forms, size_t *count)
{
    struct query query =
        db__query(store, "SELECT " COLUMNS " FROM form WHERE firmware = ? ORDER BY id LIMIT 1000");
    db__put_int(&query, firmware);
    return db__list(&query, read_form, sizeof **forms, forms, count);
}

int store_form_due(struct store *store, int64_t now, struct form *form)
{
    struct query query =
        db__query(store, "SELECT " COLUMNS " FROM form WHERE state = ? OR (state = ? AND (due <= ? OR NOT "
                         "EXISTS (SELECT 1 FROM node WHERE node.id = form.node))) ORDER BY wanted LIMIT 1");
    db__put_int(&query, FORM_STATE_WANTED);
    db__put_int(&query, FORM_STATE_MAKING);
    db__put_int(&query, now);
    return db__one(&query, read_form, form, sizeof *form);
}

int store_form_oldest(struct store *store, int64_t but, struct form *form)
{
    struct query query = db__query(store, "SELECT " COLUMNS " FROM form WHERE state = ? AND id <> ? "
                                          "ORDER BY used, id LIMIT 1");
    db__put_int(&query, FORM_STATE_READY);
    db__put_int(&query, but);
    return db__one(&query, read_form, form, sizeof *form);
}

int store_form_known(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES], bool *known)
{
    struct query query = db__query(store, "SELECT 1 FROM form WHERE sha256 = ? LIMIT 1");
    db__put_bytes(&query, sha256, RECORD_DIGEST_BYTES);
    *known = db__row(&query);
    return db__end(&query);
}

int store_form_sums(struct store *store, int64_t *count, int64_t *bytes)
{
    struct query query =
        db__query(store, "SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM form WHERE state = ?");
    db__put_int(&query, FORM_STATE_READY);
    *count = *bytes = 0;
    if (db__row(&query)) {
        *count = db__int(&query);
        *bytes = db__int(&query);
    }
    return db__end(&query);
}

int store_form_arrived(struct store *store, int64_t firmware)
{
    struct query query =
        db__query(store, "UPDATE shipment SET sweep = 0 WHERE firmware = ? AND state = ? AND planned <> 0");
    db__put_int(&query, firmware);
    db__put_int(&query, SHIPMENT_LIVE);
    shelf__drop_shipment(store, 0);
    return db__run(&query);
}
