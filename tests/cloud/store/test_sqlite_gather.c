/* A log written in large pieces holds what was committed, for whoever reads it and after a kill at any
 * commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "cloud/store/sqlite_gather.h"

#define ROUNDS 30

struct world {
    char folder[64];
    char path[96];
    sqlite3 *writer;
};

static void run(sqlite3 *database, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

static sqlite3_int64 number(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    sqlite3_int64 value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    snprintf(w->folder, sizeof w->folder, "/tmp/tandem-gather-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/a.db", w->folder);
    assert_int_equal(
        sqlite3_open_v2(w->path, &w->writer, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, sqlite_gather()),
        SQLITE_OK);
    /* A cache of a few pages: large transactions write to the log before they commit. */
    run(w->writer,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = 10;"
        "PRAGMA wal_autocheckpoint = 100; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB, y INTEGER);"
        "CREATE INDEX t_y ON t (y)");
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[128];
    sqlite3_close(w->writer);
    snprintf(command, sizeof command, "rm -r %s", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

/* The files as they lie there, which is what a kill leaves. */
static sqlite3 *open_copy(const struct world *w)
{
    char command[512];
    char path[96];
    sqlite3 *copy;
    snprintf(path, sizeof path, "%s/b.db", w->folder);
    snprintf(command, sizeof command, "cp %s %s && cp %s-wal %s-wal", w->path, path, w->path, path);
    unlink(path);
    assert_int_equal(system(command), 0);
    assert_int_equal(sqlite3_open(path, &copy), SQLITE_OK);
    return copy;
}

static void assert_same(sqlite3 *database, sqlite3_int64 count, sqlite3_int64 sum)
{
    assert_int_equal(number(database, "SELECT count(*) FROM t"), count);
    assert_int_equal(number(database, "SELECT coalesce(sum(y), 0) FROM t"), sum);
    assert_int_equal(
        number(database, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

static void what_was_committed_is_there_after_a_kill_and_for_other_readers(void **state)
{
    struct world *w = *state;
    sqlite3 *reader;
    char sql[200];
    unsigned int seed = 7;
    sqlite3_int64 count = 0, sum = 0;
    assert_int_equal(sqlite3_open(w->path, &reader), SQLITE_OK);
    for (int round = 1; round <= ROUNDS; round++) {
        seed = seed * 1103515245 + 12345;
        int rows = (int)(seed >> 16) % 4 == 0 ? 400 : 3;
        run(w->writer, "BEGIN IMMEDIATE");
        snprintf(sql, sizeof sql,
                 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                 "INSERT INTO t (x, y) SELECT randomblob(300), i + %d FROM n",
                 rows, round);
        run(w->writer, sql);
        snprintf(sql, sizeof sql, "UPDATE t SET y = y + 1 WHERE id %% 7 = %d", round % 7);
        run(w->writer, sql);
        if ((int)(seed >> 16) % 3 == 0) {
            run(w->writer, "ROLLBACK");
        } else {
            count = number(w->writer, "SELECT count(*) FROM t");
            sum = number(w->writer, "SELECT sum(y) FROM t");
            run(w->writer, "COMMIT");
        }
        assert_same(reader, count, sum);
        sqlite3 *copy = open_copy(w);
        assert_same(copy, count, sum);
        sqlite3_close(copy);
    }
    assert_true(count > 500);
    sqlite3_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_committed_is_there_after_a_kill_and_for_other_readers,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
