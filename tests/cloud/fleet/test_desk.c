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
    int told;         /* to done */
    int place;        /* of its run among all */
    int *ran;         /* counts them, NULL: nobody does */
    int64_t takes_ms; /* at least */
    struct gate *gate;
};

/* Where a job waits until the test lets it go. */
struct gate {
    sem_t entered, go;
};

static void gate_init(struct gate *gate)
{
    assert_int_equal(sem_init(&gate->entered, 0, 0) | sem_init(&gate->go, 0, 0), 0);
}

static void gate_clear(struct gate *gate)
{
    sem_destroy(&gate->entered);
    sem_destroy(&gate->go);
}

static void wait_on(sem_t *what)
{
    while (sem_wait(what) != 0) {
    }
}

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int errand_run(struct desk_job *job, struct fleet *fleet)
{
    struct errand *errand = (struct errand *)job;
    errand->runs++;
    if (errand->ran != NULL)
        errand->place = ++*errand->ran;
    if (errand->gate != NULL) {
        sem_post(&errand->gate->entered);
        wait_on(&errand->gate->go);
    }
    for (int64_t end = clock_ms() + errand->takes_ms; clock_ms() < end;) {
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

/* Runs them as one batch: they are posted while the desk is busy. late, if there is one, is posted while that
 * one of them which has a gate runs. */
static void run_together(struct world *world, struct errand *errands, size_t count, struct errand *late)
{
    struct gate gate;
    struct event_base *base = event_base_new();
    struct errand first = errand_of("first", false, STORE_OK);
    assert_non_null(base);
    gate_init(&gate);
    first.gate = &gate;
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(node_join(&world->fleet, true), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    struct desk *desk = desk_start(base, &world->fleet, on_effect, NULL);
    desk_post(desk, &first.job);
    wait_on(&gate.entered);
    for (size_t i = 0; i < count; i++)
        desk_post(desk, &errands[i].job);
    sem_post(&gate.go);
    for (size_t i = 0; i < count && late != NULL; i++) {
        if (errands[i].gate == NULL)
            continue;
        wait_on(&errands[i].gate->entered);
        desk_post(desk, &late->job);
        sem_post(&errands[i].gate->go);
    }
    desk_stop(desk);
    assert_int_equal(first.told, STORE_OK);
    event_base_free(base);
    gate_clear(&gate);
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
    run_together(*state, errands, 4, NULL);
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
    run_together(*state, errands, 4, NULL);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(errands[i].runs, runs[i]);
        assert_int_equal(errands[i].told, errands[i].result);
        assert_int_equal(is_written(*state, &errands[i]), errands[i].result == STORE_OK);
    }
}

/* However many questions people ask: what devices say is not behind them, and they stay in their order. */
static void a_job_that_yields_comes_after_those_that_do_not(void **state)
{
    enum { QUESTIONS = 200 };
    static char names[QUESTIONS][8];
    static struct errand errands[QUESTIONS + 2];
    int ran = 0;
    for (size_t i = 0; i < QUESTIONS; i++) {
        snprintf(names[i], sizeof names[i], "q%zu", i);
        errands[i] = errand_of(names[i], false, i % 50 == 0 ? STORE_FULL : STORE_OK);
        errands[i].job.yields = true;
    }
    errands[QUESTIONS] = errand_of("device", true, STORE_OK);
    errands[QUESTIONS + 1] = errand_of("another", true, STORE_OK);
    for (size_t i = 0; i < QUESTIONS + 2; i++)
        errands[i].ran = &ran;
    run_together(*state, errands, QUESTIONS + 2, NULL);
    assert_int_equal(errands[QUESTIONS].place, 1);
    assert_int_equal(errands[QUESTIONS + 1].place, 2);
    for (size_t i = 0; i < QUESTIONS; i++) {
        assert_int_equal(errands[i].place, i + 3);
        assert_int_equal(errands[i].told, errands[i].result);
    }
}

/* 20 ms are for them in a batch. */
static void jobs_that_yield_and_take_long_let_others_in_between(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct errand errands[4];
    struct errand device = errand_of("device", true, STORE_OK);
    struct gate gate;
    int ran = 0;
    gate_init(&gate);
    device.ran = &ran;
    for (size_t i = 0; i < 4; i++) {
        errands[i] = errand_of(names[i], false, STORE_OK);
        errands[i].job.yields = true;
        errands[i].takes_ms = 25;
        errands[i].ran = &ran;
    }
    errands[0].gate = &gate;
    run_together(*state, errands, 4, &device);
    assert_int_equal(errands[0].place, 1);
    assert_int_equal(device.place, 2);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(errands[i].place, i + 2);
    gate_clear(&gate);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_job_with_a_step_fails_alone),
        CASE(a_job_that_yields_comes_after_those_that_do_not),
        CASE(jobs_that_yield_and_take_long_let_others_in_between),
        CASE(a_simple_job_that_fails_costs_the_others_a_second_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
