#include "cloud/store/database.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/log.h"

static const char *const statement_sql[] = {
#define STATEMENT_SQL(name, sql) sql,
    STATEMENTS(STATEMENT_SQL)
#undef STATEMENT_SQL
};

/* Turns SQLite's result into ours. A conflict is an answer, not a fault, so it is not logged. */
static int translate(struct store *store, int result)
{
    char quoted[LOG_TEXT_MAX];
    switch (result & 0xFF) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return STORE_OK;
    case SQLITE_CONSTRAINT:
        return STORE_CONFLICT;
    case SQLITE_FULL:
        log_line(LOG_LEVEL_ERROR, "database-full", "message=%s",
                 log_quote(sqlite3_errmsg(store->database), quoted));
        return STORE_FULL;
    default:
        log_line(LOG_LEVEL_ERROR, "database-failed", "code=%d message=%s", result,
                 log_quote(sqlite3_errmsg(store->database), quoted));
        return STORE_FAILED;
    }
}

static void note(struct query *query, int result)
{
    if (query->failure == STORE_OK)
        query->failure = translate(query->store, result);
}

struct query db__query(struct store *store, enum statement statement)
{
    struct query query = {.store = store, .next = 1};
    sqlite3_stmt **prepared = &store->prepared[statement];
    if (*prepared == NULL)
        note(&query, sqlite3_prepare_v3(store->database, statement_sql[statement], -1,
                                        SQLITE_PREPARE_PERSISTENT, prepared, NULL));
    query.statement = *prepared;
    return query;
}

void db__put_int(struct query *query, int64_t value)
{
    if (query->failure == STORE_OK)
        note(query, sqlite3_bind_int64(query->statement, query->next++, value));
}

void db__put_text(struct query *query, const char *text)
{
    if (query->failure == STORE_OK)
        note(query, sqlite3_bind_text(query->statement, query->next++, text, -1, SQLITE_TRANSIENT));
}

void db__put_blob(struct query *query, const void *data, size_t bytes)
{
    if (query->failure == STORE_OK)
        note(query, sqlite3_bind_blob(query->statement, query->next++, data, (int)bytes, SQLITE_TRANSIENT));
}

bool db__row(struct query *query)
{
    if (query->failure != STORE_OK)
        return false;
    int result = sqlite3_step(query->statement);
    note(query, result);
    query->next = 0;
    return result == SQLITE_ROW;
}

int64_t db__int(struct query *query)
{
    return sqlite3_column_int64(query->statement, query->next++);
}

void db__text(struct query *query, char *to, size_t capacity)
{
    const unsigned char *text = sqlite3_column_text(query->statement, query->next);
    size_t bytes = (size_t)sqlite3_column_bytes(query->statement, query->next++);
    if (text == NULL || bytes >= capacity)
        bytes = 0;
    if (bytes > 0)
        memcpy(to, text, bytes);
    to[bytes] = '\0';
}

bool db__blob(struct query *query, void *to, size_t bytes)
{
    const void *data = sqlite3_column_blob(query->statement, query->next);
    size_t have = (size_t)sqlite3_column_bytes(query->statement, query->next++);
    if (data == NULL || have != bytes)
        return false;
    memcpy(to, data, bytes);
    return true;
}

int db__end(struct query *query)
{
    if (query->statement != NULL) {
        sqlite3_reset(query->statement);
        sqlite3_clear_bindings(query->statement);
    }
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
    int result = db__run(query);
    if (result == STORE_OK && sqlite3_changes(query->store->database) != 1)
        return STORE_NOT_FOUND;
    return result;
}

void *db__append(struct query *query, void **list, size_t *count, size_t bytes)
{
    size_t n = *count;
    if ((n & (n - 1)) == 0) { /* 0 or a power of two: full */
        void *larger = realloc(*list, (n == 0 ? 1 : 2 * n) * bytes);
        if (larger == NULL) {
            query->failure = STORE_FAILED;
            return NULL;
        }
        *list = larger;
    }
    *count = n + 1;
    void *room = (char *)*list + n * bytes;
    memset(room, 0, bytes);
    return room;
}

int db__end_list(struct query *query, void **list, size_t *count)
{
    int result = db__end(query);
    if (result != STORE_OK) {
        free(*list);
        *list = NULL;
        *count = 0;
    }
    return result;
}
