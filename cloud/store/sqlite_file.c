#include "cloud/store/sqlite_file.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_MS 10000

static int failed(sqlite3 *database, const char *path, char *why, size_t capacity)
{
    int code = sqlite3_errcode(database) & 0xFF;
    bool other = code == SQLITE_CANTOPEN || code == SQLITE_ERROR; /* no file, or one without our tables */
    snprintf(why, capacity, "%s: %s%s", path, sqlite3_errmsg(database),
             other ? "; name a data folder of tandem-cloud, or a backup of one" : "");
    return code == SQLITE_FULL                               ? STORE_FULL
           : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? STORE_DAMAGED
                                                             : STORE_FAILED;
}

/* To read; closed by the caller, whatever the result. */
static int open_file(sqlite3 **database, const char *path, char *why, size_t capacity)
{
    int code = sqlite3_open_v2(path, database, SQLITE_OPEN_READONLY, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(*database, BUSY_MS);
    return code == SQLITE_OK ? STORE_OK : failed(*database, path, why, capacity);
}

/* In one step: a copy in several would begin anew whenever the server writes. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (backup != NULL)
        sqlite3_backup_step(backup, -1);
    return sqlite3_backup_finish(backup);
}

int sqlite_file_copy(const char *from, const char *to, char *why, size_t capacity)
{
    sqlite3 *source = NULL;
    sqlite3 *copy = NULL;
    int result = open_file(&source, from, why, capacity);
    if (result == STORE_OK && sqlite3_open(to, &copy) != SQLITE_OK)
        result = failed(copy, to, why, capacity);
    if (result == STORE_OK && copy_pages(source, copy) != SQLITE_OK)
        result = failed(copy, to, why, capacity);
    /* A copy is one file: no log beside it that could be left behind. */
    if (result == STORE_OK &&
        sqlite3_exec(copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK)
        result = failed(copy, to, why, capacity);
    sqlite3_close(copy);
    sqlite3_close(source);
    return result;
}

/* Runs a check that has no rows, or one row that says "ok", where nothing is wrong. */
static int run_check(sqlite3 *database, const char *sql, const char *path, char *why, size_t capacity)
{
    sqlite3_stmt *statement = NULL;
    int result = STORE_OK;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        return failed(database, path, why, capacity);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *said = (const char *)sqlite3_column_text(statement, 0);
        if (said == NULL || strcmp(said, "ok") != 0) {
            snprintf(why, capacity, "%s is damaged: %s", path,
                     said != NULL ? said : "a reference leads nowhere");
            result = STORE_DAMAGED;
        }
    } else if (code != SQLITE_DONE) {
        result = failed(database, path, why, capacity);
    }
    sqlite3_finalize(statement);
    return result;
}

int sqlite_file_check(const char *path, char *why, size_t capacity)
{
    sqlite3 *database = NULL;
    int result = open_file(&database, path, why, capacity);
    if (result == STORE_OK)
        result = run_check(database, "PRAGMA integrity_check(1)", path, why, capacity);
    if (result == STORE_OK)
        result = run_check(database,
                           "SELECT 'a row of ' || \"table\" || ' refers to nothing' FROM "
                           "pragma_foreign_key_check LIMIT 1",
                           path, why, capacity);
    sqlite3_close(database);
    return result;
}

static int read_digests(sqlite3 *database, uint8_t (**digests)[RECORD_DIGEST_BYTES], size_t *count)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, "SELECT sha256 FROM firmware", -1, &statement, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        uint8_t(*larger)[RECORD_DIGEST_BYTES] = realloc(*digests, (*count + 1) * RECORD_DIGEST_BYTES);
        if (larger == NULL)
            abort();
        *digests = larger;
        const void *digest = sqlite3_column_blob(statement, 0);
        if (digest == NULL || sqlite3_column_bytes(statement, 0) != RECORD_DIGEST_BYTES)
            code = SQLITE_CORRUPT;
        else
            memcpy(larger[(*count)++], digest, RECORD_DIGEST_BYTES);
        code = code == SQLITE_ROW ? SQLITE_OK : code;
    }
    sqlite3_finalize(statement);
    return code;
}

int sqlite_file_firmware(const char *path, uint8_t (**digests)[RECORD_DIGEST_BYTES], size_t *count, char *why,
                         size_t capacity)
{
    sqlite3 *database = NULL;
    *digests = NULL;
    *count = 0;
    int result = open_file(&database, path, why, capacity);
    if (result == STORE_OK && read_digests(database, digests, count) != SQLITE_DONE)
        result = failed(database, path, why, capacity);
    sqlite3_close(database);
    return result;
}
