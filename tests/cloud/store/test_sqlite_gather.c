/* A log written in large pieces holds what was committed: for whoever reads it, after a kill or a power cut
 * at any write, where other programs write too, and where writes fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "cloud/store/sqlite_gather.h"
#include "tests/cloud/store/disk.h"

#define ROUNDS 14
#define CUTS   2   /* of each step, with other sectors lost */
#define FAULTS 400 /* at most, one after the other */

/* What the table held. */
struct sum {
    sqlite3_int64 count;
    sqlite3_int64 total;
};

/* A commit that was acknowledged when the disk had done so many steps. */
struct mark {
    size_t steps;
    struct sum sum;
};

struct world {
    char folder[64];
    char path[96];
    char copy[96];
    sqlite3 *writer;
    unsigned int seed;
    struct mark marks[ROUNDS + 1];
    size_t mark_count;
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
    if (sqlite3_step(statement) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_int64 value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static struct sum sum_of(sqlite3 *database)
{
    return (struct sum){number(database, "SELECT count(*) FROM t"),
                        number(database, "SELECT coalesce(sum(y), 0) FROM t")};
}

static bool same(struct sum a, struct sum b)
{
    return a.count == b.count && a.total == b.total;
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->folder, sizeof w->folder, "/tmp/tandem-gather-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/a.db", w->folder);
    snprintf(w->copy, sizeof w->copy, "%s/b.db", w->folder);
    w->seed = 7;
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[128];
    disk_end();
    snprintf(command, sizeof command, "rm -r %s", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

/* With a cache of a few pages: large transactions write to the log before they commit. */
static void open_writer(struct world *w)
{
    assert_int_equal(sqlite_gather_open(w->path, &w->writer), SQLITE_OK);
    run(w->writer, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = 10;"
                   "PRAGMA wal_autocheckpoint = 100; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB NOT "
                   "NULL, y INTEGER);"
                   "CREATE INDEX t_y ON t (y)");
}

static int pick(struct world *w, int below)
{
    w->seed = w->seed * 1103515245 + 12345;
    return (int)(w->seed >> 16) % below;
}

static void add_rows(sqlite3 *database, int rows, int from)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO t (x, y) SELECT randomblob(300), i + %d FROM n",
             rows, from);
    run(database, sql);
}

/* A transaction of few or of many pages, which is taken back at times. */
static void write_something(struct world *w, int round)
{
    char sql[100];
    run(w->writer, "BEGIN IMMEDIATE");
    add_rows(w->writer, pick(w, 4) == 0 ? 200 : 3, round);
    snprintf(sql, sizeof sql, "UPDATE t SET y = y + 1 WHERE id %% 7 = %d", round % 7);
    run(w->writer, sql);
    struct sum sum = sum_of(w->writer);
    bool keep = pick(w, 3) != 0;
    run(w->writer, keep ? "COMMIT" : "ROLLBACK");
    if (keep)
        w->marks[w->mark_count++] = (struct mark){disk_steps(), sum};
}

/* What plain SQLite finds in the copy: false if it is no database in order. */
static bool read_copy(const struct world *w, struct sum *sum)
{
    sqlite3 *copy;
    assert_int_equal(sqlite3_open_v2(w->copy, &copy, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    run(copy, "PRAGMA synchronous = OFF");
    bool whole =
        number(copy, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") == 0;
    if (whole && number(copy, "SELECT count(*) FROM sqlite_master WHERE name = 't_y'") == 1)
        *sum = sum_of(copy);
    sqlite3_close(copy);
    return whole;
}

/* What a cut may leave: the last commit that was acknowledged before it, or the one that was being made. */
static bool cut_is_fine(const struct world *w, size_t steps, enum disk_mode mode)
{
    struct sum found = {0};
    size_t last = 0; /* the first that was not acknowledged yet */
    while (last < w->mark_count && w->marks[last].steps <= steps)
        last++;
    disk_cut(steps, mode, w->copy);
    if (!read_copy(w, &found))
        return false;
    struct sum before = last > 0 ? w->marks[last - 1].sum : (struct sum){0};
    return same(found, before) || (last < w->mark_count && same(found, w->marks[last].sum));
}

/* How many cuts lose something. Before the first commit there was nothing to lose. */
static size_t count_bad_cuts(const struct world *w)
{
    size_t bad = 0;
    for (size_t steps = w->marks[0].steps; steps <= disk_steps(); steps++) {
        bad += !cut_is_fine(w, steps, DISK_ALL);
        bad += !cut_is_fine(w, steps, DISK_NONE);
        for (int i = 0; i < CUTS; i++)
            bad += !cut_is_fine(w, steps, DISK_SOME);
    }
    return bad;
}

static void nothing_that_was_committed_is_lost_by_a_power_cut_at_any_write(void **state)
{
    struct world *w = *state;
    disk_begin();
    open_writer(w);
    for (int round = 1; round <= ROUNDS; round++)
        write_something(w, round);
    assert_true(w->mark_count > ROUNDS / 2);
    assert_int_equal(count_bad_cuts(w), 0);
    sqlite3_close(w->writer);
}

/* The same question, where the answer is known to be bad. */
static void a_log_that_is_not_synced_at_each_commit_loses_some(void **state)
{
    struct world *w = *state;
    disk_begin();
    open_writer(w);
    run(w->writer, "PRAGMA synchronous = NORMAL");
    for (int round = 1; round <= ROUNDS / 3; round++)
        write_something(w, round);
    assert_true(count_bad_cuts(w) > 0);
    sqlite3_close(w->writer);
}

static void another_reader_sees_each_commit_at_once(void **state)
{
    struct world *w = *state;
    sqlite3 *reader;
    open_writer(w);
    assert_int_equal(sqlite3_open(w->path, &reader), SQLITE_OK);
    for (int round = 1; round <= ROUNDS; round++) {
        write_something(w, round);
        if (w->mark_count > 0)
            assert_true(same(sum_of(reader), w->marks[w->mark_count - 1].sum));
    }
    sqlite3_close(reader);
    sqlite3_close(w->writer);
}

/* Another program may write as soon as the lock is free. */
static void what_was_taken_back_is_not_written_over_the_commits_of_another_program(void **state)
{
    struct world *w = *state;
    sqlite3 *other;
    open_writer(w);
    add_rows(w->writer, 400, 1);
    assert_int_equal(sqlite3_open(w->path, &other), SQLITE_OK);
    for (int rows = 200; rows < 220; rows++) {
        run(w->writer,
            "PRAGMA wal_checkpoint(TRUNCATE)"); /* so that no read makes it write what it gathered */
        run(w->writer, "BEGIN IMMEDIATE");
        run(w->writer, "UPDATE t SET x = zeroblob(300)");
        run(w->writer, "ROLLBACK");
        add_rows(other, rows, 1000);
        struct sum sum = sum_of(other);
        (void)number(w->writer, "SELECT sum(length(x)) FROM t");
        assert_true(same(sum_of(w->writer), sum));
        assert_int_equal(
            number(other, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    }
    sqlite3_close(other);
    sqlite3_close(w->writer);
}

/* As the store does it: a step that fails is taken back, and others go on. False: the whole transaction is
 * over. */
static bool try_step(sqlite3 *writer, const char *sql)
{
    run(writer, "SAVEPOINT step");
    bool good = sqlite3_exec(writer, sql, NULL, NULL, NULL) == SQLITE_OK;
    if (!good && sqlite3_get_autocommit(writer))
        return false;
    if (!good)
        good = sqlite3_exec(writer, "ROLLBACK TO step", NULL, NULL, NULL) == SQLITE_OK;
    return good && sqlite3_exec(writer, "RELEASE step", NULL, NULL, NULL) == SQLITE_OK;
}

/* Several steps in a transaction, each of more pages than the cache has. What it made of the table. */
static struct sum try_steps(sqlite3 *writer)
{
    static const char *const steps[] = {
        "UPDATE t SET y = y + 1",
        "INSERT INTO t (x, y) SELECT x, y + 1 FROM t WHERE id % 3 = 0",
        "UPDATE t SET x = randomblob(300) WHERE id % 5 = 0",
        "DELETE FROM t WHERE id % 4 = 0",
    };
    struct sum before = sum_of(writer);
    struct sum after = before;
    run(writer, "BEGIN IMMEDIATE");
    bool good = true;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && good; i++)
        good = try_step(writer, steps[i]);
    if (good) {
        /* A read may fail too; then the commit is refused, or nothing was lost. */
        sqlite3_exec(writer, "CREATE TEMP TABLE IF NOT EXISTS seen (count INTEGER, total INTEGER)", NULL,
                     NULL, NULL);
        good = sqlite3_exec(writer, "DELETE FROM seen; INSERT INTO seen SELECT count(*), sum(y) FROM t", NULL,
                            NULL, NULL) == SQLITE_OK;
    }
    if (good)
        after =
            (struct sum){number(writer, "SELECT count FROM seen"), number(writer, "SELECT total FROM seen")};
    if (sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL) == SQLITE_OK && good)
        return after;
    if (!sqlite3_get_autocommit(writer))
        run(writer, "ROLLBACK");
    return before;
}

static void after_a_write_that_failed_nothing_is_committed_that_is_not_there(void **state)
{
    struct world *w = *state;
    struct sum found = {0};
    int faults = 0;
    disk_begin();
    open_writer(w);
    add_rows(w->writer, 200, 1);
    do {
        disk_fail_after(faults++);
        struct sum wanted = try_steps(w->writer);
        disk_cut(disk_steps(), DISK_ALL, w->copy);
        assert_true(read_copy(w, &found) && same(found, wanted));
        assert_true(same(sum_of(w->writer), wanted));
        run(w->writer, "DELETE FROM t WHERE id > 300");
    } while (disk_failed() && faults < FAULTS);
    assert_in_range(faults, 10, FAULTS - 1);
    sqlite3_close(w->writer);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(nothing_that_was_committed_is_lost_by_a_power_cut_at_any_write),
        CASE(a_log_that_is_not_synced_at_each_commit_loses_some),
        CASE(another_reader_sees_each_commit_at_once),
        CASE(what_was_taken_back_is_not_written_over_the_commits_of_another_program),
        CASE(after_a_write_that_failed_nothing_is_committed_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
