#include "cloud/store/value.h"

#include <string.h>

#include "cloud/store/database.h"

int store_value_set(struct store *store, int64_t device, const struct value *value)
{
    struct query query = db__query(
        store, "INSERT INTO value (device, kind, name, time, data) VALUES (?, ?, ?, ?, ?) "
               "ON CONFLICT (device, kind, name) DO UPDATE SET time = excluded.time, data = excluded.data");
    db__put_int(&query, device);
    db__put_int(&query, value->kind);
    db__put_text(&query, value->name);
    db__put_int(&query, value->time);
    db__put_bytes(&query, value->data, value->bytes);
    return db__run(&query);
}

static void read_value(struct query *query, void *record)
{
    struct value *value = record;
    value->kind = (enum value_kind)db__int(query);
    db__text(query, value->name, sizeof value->name);
    value->time = db__int(query);
    value->bytes = db__blob(query, value->data, sizeof value->data);
}

int store_value_get(struct store *store, int64_t device, enum value_kind kind, const char *name,
                    struct value *value)
{
    struct query query = db__query(
        store, "SELECT kind, name, time, data FROM value WHERE device = ? AND kind = ? AND name = ?");
    db__put_int(&query, device);
    db__put_int(&query, kind);
    db__put_text(&query, name);
    return db__one(&query, read_value, value, sizeof *value);
}

int store_value_remove(struct store *store, int64_t device, enum value_kind kind, const char *name)
{
    struct query query = db__query(store, "DELETE FROM value WHERE device = ? AND kind = ? AND name = ?");
    db__put_int(&query, device);
    db__put_int(&query, kind);
    db__put_text(&query, name);
    return db__run(&query);
}

int store_values(struct store *store, int64_t device, struct value **values, size_t *count)
{
    struct query query =
        db__query(store, "SELECT kind, name, time, data FROM value WHERE device = ? ORDER BY kind, name");
    db__put_int(&query, device);
    return db__list(&query, read_value, sizeof **values, values, count);
}

int store_value_count(struct store *store, int64_t device, int64_t *count)
{
    struct query query = db__query(store, "SELECT count(*) FROM value WHERE device = ?");
    db__put_int(&query, device);
    return db__one_int(&query, count);
}
