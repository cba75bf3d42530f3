/* SQLite: one file, one writer. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "cloud/log.h"
#include "cloud/store/driver.h"
#include "cloud/store/sqlite_gather.h"

#define BUSY_MS 5000 /* another process writes: how long to wait for it */

/* A commit returns when the disk has it (sqlite_gather.h depends on that). Readers (a shell, a backup) never
 * block the writer. */
static const char setup_sql[] = "PRAGMA journal_mode = WAL;"
                                "PRAGMA synchronous = FULL;"
                                "PRAGMA temp_store = MEMORY;" /* what a step could take back, too */
                                "PRAGMA foreign_keys = ON;"
                                "PRAGMA cache_size = -65536;" /* 64 MiB: the inner pages of a large fleet */
                                "PRAGMA wal_autocheckpoint = 4000;";

/* X(code, result, event, what the operator can do) */
#define FAILURES(X)                                                                                          \
    X(SQLITE_FULL, STORE_FULL, "database-full", "free some space on its disk")                               \
    X(SQLITE_READONLY, STORE_READ_ONLY, "database-read-only", "make the file, its folder and disk writable") \
    X(SQLITE_BUSY, STORE_LOCKED, "database-locked", "another program holds a write lock; end it")            \
    X(SQLITE_LOCKED, STORE_LOCKED, "database-locked", "another program holds a write lock; end it")          \
    X(SQLITE_CORRUPT, STORE_DAMAGED, "database-damaged", "restore a backup: tandem-cloud restore")           \
    X(SQLITE_NOTADB, STORE_DAMAGED, "database-damaged", "restore a backup: tandem-cloud restore")            \
    X(SQLITE_CANTOPEN, STORE_FAILED, "database-failed",                                                      \
      "see that the file and its folder belong to the server's user")                                        \
    X(SQLITE_IOERR, STORE_FAILED, "database-failed",                                                         \
      "free some space; if there is some, look for disk errors in the system's log")

static int failed(sqlite3 *database, int code)
{
    static const struct {
        int code;
        int result;
        const char *event;
        const char *hint;
    } failures[] = {
#define FAILURE(code, result, event, hint) {code, result, event, hint},
        FAILURES(FAILURE)
#undef FAILURE
    };
    char quoted[LOG_TEXT_MAX];
    const char *message = log_quote(sqlite3_errmsg(database), quoted);
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i].code == (code & 0xFF)) {
            log_line(LOG_LEVEL_ERROR, failures[i].event, "code=%d message=%s hint=\"%s\"", code, message,
                     failures[i].hint);
            return failures[i].result;
        }
    }
    log_line(LOG_LEVEL_ERROR, "database-failed", "code=%d message=%s", code, message);
    return STORE_FAILED;
}

/* A conflict is an answer, not a fault, so it is not logged. */
static int translate(sqlite3 *database, int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_DONE:
        return STORE_OK;
    case SQLITE_ROW:
        return DRIVER_ROW;
    case SQLITE_CONSTRAINT:
        return STORE_CONFLICT;
    default:
        return failed(database, code);
    }
}

static int sqlite_open(struct store *store, const char *where, char *why, size_t capacity)
{
    sqlite3 *database = NULL;
    snprintf(store->name, sizeof store->name, "%s", where);
    /* One thread at a time uses a connection, and nobody asks for SQLite's own statistics: no locks. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int code = sqlite_gather_open(where, &database);
    store->connection = database;
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(database, BUSY_MS);
    if (code == SQLITE_OK)
        code = sqlite3_exec(database, setup_sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        snprintf(why, capacity, "%s", sqlite3_errmsg(database));
    return code == SQLITE_OK ? STORE_OK : failed(database, code);
}

static void sqlite_close(struct store *store)
{
    sqlite3_close(store->connection);
}

static int sqlite_execute(struct store *store, const char *sql)
{
    return translate(store->connection, sqlite3_exec(store->connection, sql, NULL, NULL, NULL));
}

static int sqlite_begin(struct store *store)
{
    return sqlite_execute(store, "BEGIN IMMEDIATE");
}

static bool sqlite_broken(struct store *store)
{
    return sqlite3_get_autocommit(store->connection) != 0;
}

static void sqlite_rollback(struct store *store)
{
    /* Some failures (a full disk) have ended the transaction already. */
    if (!sqlite_broken(store))
        (void)!sqlite_execute(store, "ROLLBACK");
}

static int sqlite_commit(struct store *store)
{
    int result = sqlite_execute(store, "COMMIT");
    if (result != STORE_OK)
        sqlite_rollback(store);
    return result;
}

/* SQLite knows the id of the last row that was added: to return it would cost a table in memory. */
static size_t length_without_returning(const char *sql)
{
    static const char returning[] = " RETURNING id";
    size_t bytes = strlen(sql);
    size_t tail = sizeof returning - 1;
    return bytes > tail && strcmp(sql + bytes - tail, returning) == 0 ? bytes - tail : bytes;
}

static int sqlite_prepare(struct store *store, const char *sql, void **statement)
{
    sqlite3_stmt *prepared = NULL;
    int code = sqlite3_prepare_v3(store->connection, sql, (int)length_without_returning(sql),
                                  SQLITE_PREPARE_PERSISTENT, &prepared, NULL);
    *statement = prepared;
    return translate(store->connection, code);
}

/* Binding fails only with an index or size out of range: a mistake of ours, which the step then shows. */

static void sqlite_put_int(void *statement, int index, int64_t value)
{
    sqlite3_bind_int64(statement, index + 1, value);
}

static void sqlite_put_text(void *statement, int index, const char *text, size_t bytes)
{
    sqlite3_bind_text(statement, index + 1, text, (int)bytes, SQLITE_STATIC);
}

static void sqlite_put_bytes(void *statement, int index, const void *data, size_t bytes)
{
    sqlite3_bind_blob(statement, index + 1, data, (int)bytes, SQLITE_STATIC);
}

static int sqlite_step(struct store *store, void *statement)
{
    return translate(store->connection, sqlite3_step(statement));
}

static int64_t sqlite_column_int(void *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}

static const void *sqlite_column(void *statement, int column, size_t *bytes)
{
    const void *data = sqlite3_column_blob(statement, column);
    *bytes = (size_t)sqlite3_column_bytes(statement, column);
    return data;
}

static int64_t sqlite_changed(struct store *store, void *statement)
{
    (void)statement;
    return sqlite3_changes64(store->connection);
}

static int64_t sqlite_added(struct store *store, void *statement)
{
    (void)statement;
    return sqlite3_last_insert_rowid(store->connection);
}

static void sqlite_reset(void *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static void sqlite_finalize(void *statement)
{
    sqlite3_finalize(statement);
}

static const char *sqlite_message(struct store *store)
{
    return sqlite3_errmsg(store->connection);
}

const struct driver driver_sqlite = {
    .words = {.id = "INTEGER PRIMARY KEY AUTOINCREMENT",
              .row = "INTEGER PRIMARY KEY",
              .bytes = "BLOB",
              .keyed = "WITHOUT ROWID",
              .audit_seal = "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN "
                            "SELECT RAISE(ABORT, 'the audit log is only added to'); END;"
                            "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN "
                            "SELECT RAISE(ABORT, 'the audit log is only added to'); END;"},
    .version_setup = "",
    .version_get = "PRAGMA user_version",
    .version_set = "PRAGMA user_version = %d",
    .open = sqlite_open,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .broken = sqlite_broken,
    .execute = sqlite_execute,
    .prepare = sqlite_prepare,
    .put_int = sqlite_put_int,
    .put_text = sqlite_put_text,
    .put_bytes = sqlite_put_bytes,
    .step = sqlite_step,
    .column_int = sqlite_column_int,
    .column = sqlite_column,
    .changed = sqlite_changed,
    .added = sqlite_added,
    .reset = sqlite_reset,
    .finalize = sqlite_finalize,
    .message = sqlite_message,
};
