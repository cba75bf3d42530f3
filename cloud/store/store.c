/* Opening, transactions and settings. */
#include "cloud/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/store/database.h"
#include "cloud/store/driver.h"
#include "cloud/store/migrations.h"

const char *store_result_text(int result)
{
    switch (result) {
#define STORE_RESULT_TEXT(name, number, text)                                                                \
    case STORE_##name:                                                                                       \
        return text;
        STORE_RESULTS(STORE_RESULT_TEXT)
#undef STORE_RESULT_TEXT
    default:
        return "it failed";
    }
}

int store_open(struct store **store, const char *where, char *why, size_t capacity)
{
    *store = NULL;
    struct store *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        abort();
    char what[600];
    bool url = strncmp(where, "postgresql://", 13) == 0 || strncmp(where, "postgres://", 11) == 0;
    opened->driver = url ? &driver_postgres : &driver_sqlite;
    int result = opened->driver->open(opened, where, what, sizeof what);
    if (result == STORE_OK)
        result = migrations_run(opened, what, sizeof what);
    if (result != STORE_OK)
        snprintf(why, capacity, "%s: %s", opened->name, what);
    if (result == STORE_OK)
        *store = opened;
    else
        store_close(opened);
    return result;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    size_t at = 0;
    for (void *statement; (statement = idmap_next(&store->statements, &at)) != NULL;)
        store->driver->finalize(statement);
    idmap_free(&store->statements);
    store->driver->close(store);
    free(store);
}

int store_state(const struct store *store)
{
    return store->state;
}

/* Another server in the way says nothing about the database. Damage stays, though other pages are good. */
static int note_state(struct store *store, int result)
{
    if (result != STORE_AGAIN && store->state != STORE_DAMAGED)
        store->state = result;
    return result;
}

int store_begin(struct store *store)
{
    store->failure = STORE_OK;
    shelf__clear(store);
    store->crowd.count = 0;
    int result = store->driver->begin(store);
    return result == STORE_OK ? result : note_state(store, result);
}

int store_commit(struct store *store)
{
    int failure = store->failure;
    if (failure == STORE_OK)
        failure = crowd__write(store);
    if (failure == STORE_OK)
        return note_state(store, store->driver->commit(store));
    store->driver->rollback(store);
    return note_state(store, failure);
}

void store_rollback(struct store *store)
{
    store->driver->rollback(store);
}

static int run(struct store *store, const char *sql)
{
    struct query query = db__query(store, sql);
    return db__run(&query);
}

int store_step_begin(struct store *store)
{
    /* A failure before it is the transaction's. */
    store->before = store->crowd;
    return store->failure != STORE_OK ? store->failure : run(store, "SAVEPOINT step");
}

int store_step_end(struct store *store, bool keep)
{
    int failure = store->failure;
    int result = STORE_OK;
    store->failure = STORE_OK; /* it goes with the step */
    if (store->driver->broken(store))
        return failure; /* the commit will say so, too */
    if (!keep || failure != STORE_OK) {
        shelf__clear(store);
        store->crowd = store->before;
        result = run(store, "ROLLBACK TO step");
    }
    if (result == STORE_OK)
        result = run(store, "RELEASE step");
    return failure != STORE_OK ? failure : result;
}

int store_setting_get(struct store *store, const char *key, void *value, size_t bytes)
{
    struct query query = db__query(store, "SELECT value FROM setting WHERE key = ?");
    db__put_text(&query, key);
    bool found = db__row(&query) && db__bytes(&query, value, bytes);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

int store_setting_set(struct store *store, const char *key, const void *value, size_t bytes)
{
    struct query query = db__query(store, "INSERT INTO setting (key, value) VALUES (?, ?) "
                                          "ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    db__put_text(&query, key);
    db__put_bytes(&query, value, bytes);
    return db__run(&query);
}
