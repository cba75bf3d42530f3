/* Several servers on one PostgreSQL: what each of them is told when they meet, and when the connection
 * breaks. */
#include "tests/cloud/store/fresh.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    struct store *a;
    struct store *b;
    struct device device;
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    fresh_begin();
    pair->a = fresh_open();
    pair->b = fresh_open();
    pair->device =
        (struct device){.organization = RECORD_FIRST_ORGANIZATION, .template = "T1", .name = "pump"};
    assert_int_equal(store_begin(pair->a), STORE_OK);
    assert_int_equal(store_template_add(pair->a, RECORD_FIRST_ORGANIZATION, "T1"), STORE_OK);
    assert_int_equal(store_device_add(pair->a, &pair->device), STORE_OK);
    assert_int_equal(store_commit(pair->a), STORE_OK);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    store_close(pair->a);
    store_close(pair->b);
    free(pair);
    fresh_end();
    return 0;
}

/* Ends every connection but its own, as a restart of the server does. */
static void break_connections(void)
{
    PGconn *connection = PQconnectdb(fresh_where());
    PGresult *result = PQexec(connection, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                                          "WHERE application_name = 'tandem-cloud'");
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    assert_int_equal(PQntuples(result), 2);
    PQclear(result);
    PQfinish(connection);
}

static int name_device(struct store *store, struct device *device, const char *name)
{
    int result = store_begin(store);
    if (result == STORE_OK)
        result = store_device_get(store, device->id, device);
    snprintf(device->name, sizeof device->name, "%s", name);
    return result;
}

static void of_two_that_decide_on_the_same_row_one_must_do_it_again(void **state)
{
    struct pair *pair = *state;
    struct device mine;
    struct device theirs;
    mine.id = theirs.id = pair->device.id;
    assert_int_equal(name_device(pair->a, &mine, "from a"), STORE_OK);
    assert_int_equal(name_device(pair->b, &theirs, "from b"), STORE_OK);
    assert_int_equal(store_device_update(pair->a, &mine), STORE_OK);
    assert_int_equal(store_commit(pair->a), STORE_OK);
    assert_int_equal(store_device_update(pair->b, &theirs), STORE_AGAIN);
    store_rollback(pair->b);
    assert_int_equal(name_device(pair->b, &theirs, "from b"), STORE_OK);
    assert_int_equal(store_device_update(pair->b, &theirs), STORE_OK);
    assert_int_equal(store_commit(pair->b), STORE_OK);
}

/* Each reads what the other writes: no row is written twice, yet one of them decided on what is no longer so.
 */
static void of_two_that_decide_on_what_the_other_changes_one_must_do_it_again(void **state)
{
    struct pair *pair = *state;
    struct presence presence = {.node = 1, .connection = 1};
    struct presence read;
    struct device device = pair->device;
    assert_int_equal(name_device(pair->a, &device, "named"), STORE_OK);
    assert_int_equal(store_presence_get(pair->a, device.id, &read), STORE_NOT_FOUND);
    assert_int_equal(store_begin(pair->b), STORE_OK);
    assert_int_equal(store_device_get(pair->b, device.id, &pair->device), STORE_OK);
    assert_int_equal(store_presence_set(pair->b, device.id, &presence), STORE_OK);
    assert_int_equal(store_device_update(pair->a, &device), STORE_OK);
    int first = store_commit(pair->a);
    int second = store_commit(pair->b);
    assert_true((first == STORE_OK && second == STORE_AGAIN) || (first == STORE_AGAIN && second == STORE_OK));
}

static void a_step_with_a_conflict_is_taken_back_alone(void **state)
{
    struct pair *pair = *state;
    struct presence presence = {.node = 1, .connection = 1};
    struct device read;
    struct device device = pair->device;
    memset(device.token_hash, 5, sizeof device.token_hash);
    assert_int_equal(store_begin(pair->a), STORE_OK);
    assert_int_equal(store_step_begin(pair->a), STORE_OK);
    assert_int_equal(store_device_add(pair->a, &device), STORE_OK);
    assert_int_equal(store_step_end(pair->a, true), STORE_OK);
    assert_int_equal(store_step_begin(pair->a), STORE_OK);
    assert_int_equal(store_presence_set(pair->a, 12345, &presence), STORE_CONFLICT); /* of no such device */
    assert_int_equal(store_step_end(pair->a, false), STORE_OK);
    assert_int_equal(store_commit(pair->a), STORE_OK);
    assert_int_equal(store_device_get(pair->b, device.id, &read), STORE_OK);
}

static void a_broken_connection_takes_the_transaction_along_and_is_made_again(void **state)
{
    struct pair *pair = *state;
    struct device device = pair->device;
    assert_int_equal(name_device(pair->a, &device, "lost"), STORE_OK);
    assert_int_equal(store_step_begin(pair->a), STORE_OK);
    assert_int_equal(store_device_update(pair->a, &device), STORE_OK);
    break_connections();
    assert_int_equal(store_device_update(pair->a, &device), STORE_AGAIN);
    assert_int_equal(store_step_end(pair->a, true), STORE_AGAIN);
    assert_int_equal(store_commit(pair->a), STORE_AGAIN);
    assert_int_equal(name_device(pair->a, &device, "kept"), STORE_OK);
    assert_int_equal(store_device_update(pair->a, &device), STORE_OK);
    assert_int_equal(store_commit(pair->a), STORE_OK);
    /* The other one's broke while it had nothing to do. */
    assert_int_equal(name_device(pair->b, &device, ""), STORE_OK);
    assert_int_equal(store_commit(pair->b), STORE_OK);
}

static void a_connection_that_breaks_at_the_commit_is_not_called_a_success(void **state)
{
    struct pair *pair = *state;
    struct device device = pair->device;
    assert_int_equal(name_device(pair->a, &device, "lost"), STORE_OK);
    assert_int_equal(store_device_update(pair->a, &device), STORE_OK);
    break_connections();
    assert_int_equal(store_commit(pair->a), STORE_AWAY);
    assert_int_equal(name_device(pair->a, &device, "x"), STORE_OK);
    store_rollback(pair->a);
}

/* Cut in the middle of a character, as a text too long for its record can be. */
static void a_text_that_is_no_utf8_is_kept_as_far_as_it_is(void **state)
{
    struct pair *pair = *state;
    struct device device = pair->device;
    assert_int_equal(name_device(pair->a, &device, "M\xC3\xBCnchen\xE2\x82"), STORE_OK);
    assert_int_equal(store_device_describe(pair->a, &device), STORE_OK);
    assert_int_equal(store_commit(pair->a), STORE_OK);
    assert_int_equal(store_device_get(pair->b, device.id, &device), STORE_OK);
    assert_string_equal(device.name, "M\xC3\xBCnchen");
}

static void a_server_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct store *store;
    char why[400];
    assert_int_equal(
        store_open(&store, "postgresql://tandem:hidden@127.0.0.1:1/fleet?connect_timeout=1", why, sizeof why),
        STORE_AWAY);
    assert_null(store);
    assert_non_null(strstr(why, "127.0.0.1"));
    assert_null(strstr(why, "hidden"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(of_two_that_decide_on_the_same_row_one_must_do_it_again),
        CASE(of_two_that_decide_on_what_the_other_changes_one_must_do_it_again),
        CASE(a_step_with_a_conflict_is_taken_back_alone),
        CASE(a_broken_connection_takes_the_transaction_along_and_is_made_again),
        CASE(a_connection_that_breaks_at_the_commit_is_not_called_a_success),
        CASE(a_text_that_is_no_utf8_is_kept_as_far_as_it_is),
        cmocka_unit_test(a_server_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
