#include "cloud/store/database.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/store/driver.h"

static void note(struct query *query, int result)
{
    if (query->failure != STORE_OK || result >= 0)
        return;
    query->failure = result;
    if (query->store->failure == STORE_OK && result != STORE_NOT_FOUND && result != STORE_CONFLICT)
        query->store->failure = result;
}

struct query db__query(struct store *store, const char *sql)
{
    struct query query = {.store = store, .statement = idmap_get(&store->statements, (uintptr_t)sql)};
    if (query.statement == NULL) {
        note(&query, store->driver->prepare(store, sql, &query.statement));
        if (query.statement != NULL)
            idmap_set(&store->statements, (uintptr_t)sql, query.statement);
    }
    return query;
}

void db__put_int(struct query *query, int64_t value)
{
    if (query->failure == STORE_OK)
        query->store->driver->put_int(query->statement, query->next++, value);
}

void db__put_text(struct query *query, const char *text)
{
    if (query->failure == STORE_OK)
        query->store->driver->put_text(query->statement, query->next++, text,
                                       text == NULL ? 0 : strlen(text));
}

void db__put_bytes(struct query *query, const void *data, size_t bytes)
{
    if (query->failure == STORE_OK)
        query->store->driver->put_bytes(query->statement, query->next++, data, bytes);
}

bool db__row(struct query *query)
{
    if (query->failure != STORE_OK)
        return false;
    int result = query->store->driver->step(query->store, query->statement);
    note(query, result);
    query->next = 0;
    return result == DRIVER_ROW;
}

int64_t db__int(struct query *query)
{
    return query->store->driver->column_int(query->statement, query->next++);
}

void db__text(struct query *query, char *to, size_t capacity)
{
    size_t bytes = 0;
    const void *text = query->store->driver->column(query->statement, query->next++, &bytes);
    if (text == NULL || bytes >= capacity)
        bytes = 0;
    if (bytes > 0)
        memcpy(to, text, bytes);
    to[bytes] = '\0';
}

bool db__bytes(struct query *query, void *to, size_t bytes)
{
    size_t have = 0;
    const void *data = query->store->driver->column(query->statement, query->next++, &have);
    if (data == NULL || have != bytes)
        return false;
    memcpy(to, data, bytes);
    return true;
}

size_t db__blob(struct query *query, void *to, size_t capacity)
{
    size_t have = 0;
    const void *data = query->store->driver->column(query->statement, query->next++, &have);
    if (data == NULL || have > capacity)
        return 0;
    memcpy(to, data, have);
    return have;
}

int db__end(struct query *query)
{
    if (query->statement != NULL)
        query->store->driver->reset(query->statement);
    return query->failure;
}

int db__run(struct query *query)
{
    while (db__row(query)) {
    }
    return db__end(query);
}

int db__run_one(struct query *query)
{
    while (db__row(query)) {
    }
    bool one =
        query->failure == STORE_OK && query->store->driver->changed(query->store, query->statement) == 1;
    int result = db__end(query);
    return result == STORE_OK && !one ? STORE_NOT_FOUND : result;
}

int db__run_add(struct query *query, int64_t *id)
{
    while (db__row(query)) {
    }
    bool added =
        query->failure == STORE_OK && query->store->driver->changed(query->store, query->statement) == 1;
    if (added)
        *id = query->store->driver->added(query->store, query->statement);
    int result = db__end(query);
    return result == STORE_OK && !added ? STORE_CONFLICT : result;
}

int db__one(struct query *query, db_read_fn *read, void *record, size_t bytes)
{
    bool found = db__row(query);
    if (found) {
        memset(record, 0, bytes);
        read(query, record);
    }
    int result = db__end(query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

static void read_int(struct query *query, void *record)
{
    *(int64_t *)record = db__int(query);
}

int db__one_int(struct query *query, int64_t *value)
{
    return db__one(query, read_int, value, sizeof *value);
}

/* Room for one more element; the list grows by doubling. */
static void *append(char **list, size_t count, size_t bytes)
{
    if ((count & (count - 1)) == 0) { /* 0 or a power of two: full */
        char *larger = realloc(*list, (count == 0 ? 1 : 2 * count) * bytes);
        if (larger == NULL)
            return NULL;
        *list = larger;
    }
    return memset(*list + count * bytes, 0, bytes);
}

int db__list(struct query *query, db_read_fn *read, size_t bytes, void *list, size_t *count)
{
    char *records = NULL;
    *count = 0;
    while (db__row(query)) {
        void *room = append(&records, *count, bytes);
        if (room == NULL) {
            note(query, STORE_FAILED);
            break;
        }
        read(query, room);
        ++*count;
    }
    int result = db__end(query);
    if (result != STORE_OK) {
        free(records);
        records = NULL;
        *count = 0;
    }
    memcpy(list, &records, sizeof records);
    return result;
}
