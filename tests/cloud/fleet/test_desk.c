/* Jobs that share a transaction, and what becomes of it when one of them fails. */
#include "tests/cloud/fleet/world.h"

#include <semaphore.h>

#include "cloud/fleet/desk.h"
#include "cloud/fleet/node.h"

/* Writes a setting of its name. */
struct errand {
    struct desk_job job;
    const char *name;
    int result; /* of its run */
    int runs;
    int told; /* to done */
    sem_t *entered, *go;
};

static int errand_run(struct desk_job *job, struct fleet *fleet)
{
    struct errand *errand = (struct errand *)job;
    errand->runs++;
    if (errand->entered != NULL) {
        sem_post(errand->entered);
        while (sem_wait(errand->go) != 0) {
        }
    }
    int result = store_setting_set(fleet->store, errand->name, "x", 1);
    return result == STORE_OK ? errand->result : result;
}

static void errand_done(struct desk_job *job, int result)
{
    struct errand *errand = (struct errand *)job;
    errand->told = result;
}

static struct errand errand_of(const char *name, bool simple, int result)
{
    return (struct errand){.job = {.run = errand_run, .done = errand_done, .simple = simple},
                           .name = name,
                           .result = result,
                           .told = -1};
}

static void on_effect(void *ctx, const struct effect *effect)
{
    (void)ctx;
    (void)effect;
}

/* Runs them as one batch: they are posted while the desk is busy. */
static void run_together(struct world *world, struct errand *errands, size_t count)
{
    sem_t entered, go;
    struct event_base *base = event_base_new();
    struct errand first = errand_of("first", false, STORE_OK);
    assert_non_null(base);
    assert_int_equal(sem_init(&entered, 0, 0) | sem_init(&go, 0, 0), 0);
    first.entered = &entered;
    first.go = &go;
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(node_join(&world->fleet, true), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    struct desk *desk = desk_start(base, &world->fleet, on_effect, NULL);
    desk_post(desk, &first.job);
    while (sem_wait(&entered) != 0) {
    }
    for (size_t i = 0; i < count; i++)
        desk_post(desk, &errands[i].job);
    sem_post(&go);
    desk_stop(desk);
    assert_int_equal(first.told, STORE_OK);
    event_base_free(base);
    sem_destroy(&entered);
    sem_destroy(&go);
}

static bool is_written(struct world *world, const struct errand *errand)
{
    char value;
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    int result = store_setting_get(world->fleet.store, errand->name, &value, 1);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    return result == STORE_OK;
}

static void a_job_with_a_step_fails_alone(void **state)
{
    struct errand errands[] = {errand_of("a", true, STORE_OK), errand_of("b", false, STORE_FULL),
                               errand_of("c", true, STORE_OK), errand_of("d", false, STORE_OK)};
    run_together(*state, errands, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(errands[i].runs, 1);
        assert_int_equal(errands[i].told, errands[i].result);
        assert_int_equal(is_written(*state, &errands[i]), errands[i].result == STORE_OK);
    }
}

static void a_simple_job_that_fails_costs_the_others_a_second_run(void **state)
{
    struct errand errands[] = {errand_of("a", true, STORE_OK), errand_of("b", false, STORE_OK),
                               errand_of("c", true, STORE_FULL), errand_of("d", true, STORE_OK)};
    const int runs[] = {2, 2, 2, 1}; /* the last was not reached before */
    run_together(*state, errands, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(errands[i].runs, runs[i]);
        assert_int_equal(errands[i].told, errands[i].result);
        assert_int_equal(is_written(*state, &errands[i]), errands[i].result == STORE_OK);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_job_with_a_step_fails_alone),
        CASE(a_simple_job_that_fails_costs_the_others_a_second_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
