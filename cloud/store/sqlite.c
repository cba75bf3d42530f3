/* Opening, transactions, settings and tokens. */
#include <stdio.h>
#include <stdlib.h>

#include "cloud/store/database.h"
#include "cloud/store/schema.h"

/* A commit returns when the disk has it. Readers (a shell, a backup) never block the writer. */
static const char setup_sql[] = "PRAGMA journal_mode = WAL;"
                                "PRAGMA synchronous = FULL;"
                                "PRAGMA foreign_keys = ON;"
                                "PRAGMA busy_timeout = 5000;";

static int read_version(sqlite3 *database, int *version)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(database, "PRAGMA user_version", -1, &statement, NULL);
    if (result == SQLITE_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        *version = sqlite3_column_int(statement, 0);
        result = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return result;
}

static int create_tables(sqlite3 *database)
{
    char sql[sizeof schema_sql + 64];
    snprintf(sql, sizeof sql, "BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT", schema_sql,
             SCHEMA_VERSION);
    return sqlite3_exec(database, sql, NULL, NULL, NULL);
}

static int prepare_database(sqlite3 *database, int *version)
{
    int result = sqlite3_exec(database, setup_sql, NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = read_version(database, version);
    if (result == SQLITE_OK && *version == 0) {
        result = create_tables(database);
        *version = SCHEMA_VERSION;
    }
    return result;
}

int store_open(struct store **store, const char *path, char *why, size_t capacity)
{
    *store = NULL;
    struct store *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        snprintf(why, capacity, "out of memory");
        return STORE_FAILED;
    }
    int version = 0;
    int result = sqlite3_open(path, &opened->database);
    if (result == SQLITE_OK)
        result = prepare_database(opened->database, &version);
    if (result != SQLITE_OK) {
        snprintf(why, capacity, "%s: %s", path, sqlite3_errmsg(opened->database));
    } else if (version != SCHEMA_VERSION) {
        snprintf(why, capacity,
                 "%s was written by another version of tandem-cloud (format %d, this one knows %d)", path,
                 version, SCHEMA_VERSION);
        result = SQLITE_ERROR;
    }
    if (result != SQLITE_OK) {
        store_close(opened);
        return STORE_FAILED;
    }
    *store = opened;
    return STORE_OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(store->prepared[i]);
    sqlite3_close(store->database);
    free(store);
}

static int run(struct store *store, enum statement statement)
{
    struct query query = db__query(store, statement);
    return db__run(&query);
}

int store_begin(struct store *store)
{
    return run(store, SQL_BEGIN);
}

int store_commit(struct store *store)
{
    int result = run(store, SQL_COMMIT);
    if (result != STORE_OK)
        store_rollback(store);
    return result;
}

void store_rollback(struct store *store)
{
    /* Some failures (a full disk) have ended the transaction already. */
    if (!sqlite3_get_autocommit(store->database))
        (void)!run(store, SQL_ROLLBACK);
}

int store_step_begin(struct store *store)
{
    return run(store, SQL_STEP_BEGIN);
}

void store_step_end(struct store *store, bool keep)
{
    if (sqlite3_get_autocommit(store->database))
        return; /* a failure ended the whole transaction; the commit will say so */
    if (!keep)
        (void)!run(store, SQL_STEP_UNDO);
    (void)!run(store, SQL_STEP_END);
}

int store_setting_get(struct store *store, const char *key, void *value, size_t bytes)
{
    struct query query = db__query(store, SQL_SETTING_GET);
    db__put_text(&query, key);
    bool found = db__row(&query) && db__blob(&query, value, bytes);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

int store_setting_set(struct store *store, const char *key, const void *value, size_t bytes)
{
    struct query query = db__query(store, SQL_SETTING_SET);
    db__put_text(&query, key);
    db__put_blob(&query, value, bytes);
    return db__run(&query);
}

int store_token_add(struct store *store, const uint8_t hash[RECORD_DIGEST_BYTES], const char *name,
                    int64_t now)
{
    struct query query = db__query(store, SQL_TOKEN_ADD);
    db__put_blob(&query, hash, RECORD_DIGEST_BYTES);
    db__put_text(&query, name);
    db__put_int(&query, now);
    return db__run(&query);
}

int store_tokens(struct store *store, uint8_t (**hashes)[RECORD_DIGEST_BYTES], size_t *count)
{
    void *list = NULL;
    *count = 0;
    struct query query = db__query(store, SQL_TOKENS);
    while (db__row(&query)) {
        void *room = db__append(&query, &list, count, RECORD_DIGEST_BYTES);
        if (room != NULL && !db__blob(&query, room, RECORD_DIGEST_BYTES))
            --*count;
    }
    int result = db__end_list(&query, &list, count);
    *hashes = list;
    return result;
}
