/* Saved filters. */
#include "cloud/store/filter.h"

#include "cloud/store/database.h"

static void read_filter(struct query *query, void *record)
{
    struct saved_filter *filter = record;
    filter->id = db__int(query);
    filter->organization = db__int(query);
    db__text(query, filter->name, sizeof filter->name);
    db__text(query, filter->text, sizeof filter->text);
}

int store_filter_add(struct store *store, struct saved_filter *filter)
{
    struct query query =
        db__query(store, "INSERT INTO saved_filter (organization, name, text) VALUES (?, ?, ?) "
                         "ON CONFLICT DO NOTHING RETURNING id");
    db__put_int(&query, filter->organization);
    db__put_text(&query, filter->name);
    db__put_text(&query, filter->text);
    return db__run_add(&query, &filter->id);
}

int store_filter_update(struct store *store, const struct saved_filter *filter)
{
    struct saved_filter there;
    int result = store_filter_find(store, filter->organization, filter->name, &there);
    if (result == STORE_OK && there.id != filter->id)
        return STORE_CONFLICT;
    if (result != STORE_OK && result != STORE_NOT_FOUND)
        return result;
    struct query query = db__query(store, "UPDATE saved_filter SET name = ?, text = ? WHERE id = ?");
    db__put_text(&query, filter->name);
    db__put_text(&query, filter->text);
    db__put_int(&query, filter->id);
    return db__run_one(&query);
}

int store_filter_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, "DELETE FROM saved_filter WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_filter_get(struct store *store, int64_t id, struct saved_filter *filter)
{
    struct query query =
        db__query(store, "SELECT id, organization, name, text FROM saved_filter WHERE id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_filter, filter, sizeof *filter);
}

int store_filter_find(struct store *store, int64_t organization, const char *name,
                      struct saved_filter *filter)
{
    struct query query = db__query(
        store, "SELECT id, organization, name, text FROM saved_filter WHERE organization = ? AND name = ?");
    db__put_int(&query, organization);
    db__put_text(&query, name);
    return db__one(&query, read_filter, filter, sizeof *filter);
}

int store_filters(struct store *store, int64_t organization, struct saved_filter **filters, size_t *count)
{
    struct query query = db__query(store, "SELECT id, organization, name, text FROM saved_filter WHERE "
                                          "organization = ? ORDER BY name LIMIT ?");
    db__put_int(&query, organization);
    db__put_int(&query, STORE_FILTERS_MAX);
    return db__list(&query, read_filter, sizeof **filters, filters, count);
}
