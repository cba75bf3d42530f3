/* Databases of older and newer servers. format_1.sql is what the first release wrote, as `sqlite3 tandem.db
 * .dump` shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/store/store.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/tandem-migrations-%d", (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    return 0;
}

/* Runs SQL on the file, without the store. */
static void run_sql(const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static char *read_file(const char *name)
{
    char full[400];
    char *text = NULL;
    size_t capacity = 0;
    snprintf(full, sizeof full, "%s/%s", FORMATS, name);
    FILE *file = fopen(full, "r");
    assert_non_null(file);
    assert_true(getdelim(&text, &capacity, '\0', file) > 0);
    fclose(file);
    return text;
}

/* Table, column and index names, in order. */
static void shape_of(const char *file, char *to, size_t capacity)
{
    static const char sql[] =
        "SELECT group_concat(line, x'0A') FROM (SELECT m.name || '.' || c.name || ' ' || c.pk || "
        "c.\"notnull\" AS line FROM sqlite_master m, pragma_table_info(m.name) c "
        "WHERE m.type = 'table' UNION SELECT name FROM sqlite_master WHERE type = 'index' "
        "ORDER BY 1)";
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(file, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    snprintf(to, capacity, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

static void a_database_of_the_first_release_is_brought_up_to_date(void **state)
{
    (void)state;
    struct store *store;
    struct device device;
    struct target *targets;
    struct event *events;
    size_t count;
    uint8_t key[32];
    char why[300];
    char *sql = read_file("format_1.sql");
    run_sql(sql);
    free(sql);
    assert_int_equal(store_open(&store, path, why, sizeof why), STORE_OK);
    assert_int_equal(store_device_get(store, 1, &device), STORE_OK);
    assert_string_equal(device.name, "pump 1");
    assert_string_equal(device.version, "1.0.0");
    assert_int_equal(device.digest[31], 0xAB);
    assert_int_equal(store_setting_get(store, "ticket-key", key, sizeof key), STORE_OK);
    assert_int_equal(key[0], 0xAB);
    assert_int_equal(store_targets_page(store, 1, 0, 10, &targets, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(targets[0].status, TARGET_REQUEST_SENT);
    assert_int_equal(targets[0].due, 1795674371447);
    free(targets);
    assert_int_equal(store_events(store, 1, &events, &count), STORE_OK);
    assert_int_equal(count, 8);
    assert_string_equal(events[0].kind, "log");
    assert_string_equal(events[1].kind, "online");
    assert_string_equal(events[7].text, "the connection was lost");
    free(events);
    assert_int_equal(store_events(store, 2, &events, &count), STORE_OK);
    assert_int_equal(count, 1);
    free(events);
    store_close(store);
}

static void an_upgraded_database_has_the_shape_of_a_new_one(void **state)
{
    (void)state;
    struct store *store;
    char why[300];
    char old_shape[16000];
    char new_shape[16000];
    char *sql = read_file("format_1.sql");
    run_sql(sql);
    free(sql);
    assert_int_equal(store_open(&store, path, why, sizeof why), STORE_OK);
    store_close(store);
    shape_of(path, old_shape, sizeof old_shape);
    teardown(state);
    assert_int_equal(store_open(&store, path, why, sizeof why), STORE_OK);
    store_close(store);
    shape_of(path, new_shape, sizeof new_shape);
    assert_string_equal(old_shape, new_shape);
}

static void a_database_of_a_newer_release_is_refused(void **state)
{
    (void)state;
    struct store *store;
    char why[300];
    run_sql("PRAGMA user_version = 1000");
    assert_int_equal(store_open(&store, path, why, sizeof why), STORE_FAILED);
    assert_null(store);
    assert_non_null(strstr(why, path));
    assert_non_null(strstr(why, "newer tandem-cloud (format 1000"));
}

static void a_step_that_fails_leaves_the_database_as_it_was(void **state)
{
    (void)state;
    struct store *store;
    char why[300];
    char shape[400];
    run_sql("CREATE TABLE device (id INTEGER)"); /* in the way of the first step */
    assert_int_not_equal(store_open(&store, path, why, sizeof why), STORE_OK);
    assert_null(store);
    assert_non_null(strstr(why, "device already exists"));
    shape_of(path, shape, sizeof shape);
    assert_string_equal(shape, "device.id 00");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_database_of_the_first_release_is_brought_up_to_date),
        CASE(an_upgraded_database_has_the_shape_of_a_new_one),
        CASE(a_database_of_a_newer_release_is_refused),
        CASE(a_step_that_fails_leaves_the_database_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
