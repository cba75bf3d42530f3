/* Gates: when a wave lets the next one start, and when it stops the shipment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cloud/fleet/rules/gate.h"

#define NOW ((int64_t)1000000)

/* 100 devices; 90 % open the next wave, 20 % failures of at least 10 stop. */
static struct wave wave(int64_t updated, int64_t failed)
{
    return (struct wave){.number = 1,
                         .size = 100,
                         .updated = updated,
                         .failed = failed,
                         .success_percent = 90,
                         .failure_percent = 20,
                         .minimum = 10};
}

static enum gate_verdict judge(struct wave *wave, int64_t now)
{
    int64_t due;
    char why[RECORD_WHY];
    enum gate_verdict verdict = gate_judge(wave, now, &due, why, sizeof why);
    assert_true(verdict == GATE_ADVANCE || why[0] != '\0');
    return verdict;
}

static void too_few_updated_devices_wait(void **state)
{
    (void)state;
    struct wave w = wave(89, 0);
    assert_int_equal(judge(&w, NOW), GATE_WAIT);
}

static void the_success_share_opens_the_next_wave(void **state)
{
    (void)state;
    struct wave w = wave(90, 3);
    assert_int_equal(judge(&w, NOW), GATE_ADVANCE);
}

static void failures_stop_once_the_sample_is_large_enough(void **state)
{
    (void)state;
    struct wave small = wave(6, 3);
    assert_int_equal(judge(&small, NOW), GATE_WAIT); /* 3 of 9 */
    struct wave large = wave(7, 3);
    assert_int_equal(judge(&large, NOW), GATE_STOP); /* 3 of 10 */
    struct wave just = wave(8, 2);
    assert_int_equal(judge(&just, NOW), GATE_STOP); /* 20 % is the limit */
    struct wave below = wave(9, 2);
    assert_int_equal(judge(&below, NOW), GATE_WAIT); /* 18 % */
    struct wave stuck = wave(8, 0);
    stuck.stuck = 2;
    assert_int_equal(judge(&stuck, NOW), GATE_STOP);
}

static void without_a_failure_limit_failures_alone_do_not_stop(void **state)
{
    (void)state;
    struct wave w = wave(0, 50);
    w.failure_percent = 0;
    assert_int_equal(judge(&w, NOW), GATE_WAIT);
}

static void a_wave_that_is_over_without_its_share_stops(void **state)
{
    (void)state;
    struct wave w = wave(85, 15);
    assert_int_equal(judge(&w, NOW), GATE_STOP);
}

static void devices_that_need_nothing_do_not_count(void **state)
{
    (void)state;
    struct wave w = wave(9, 1);
    w.there = 80, w.skipped = 10;
    assert_int_equal(judge(&w, NOW), GATE_ADVANCE);
    struct wave none = {.number = 1, .size = 5, .there = 5, .success_percent = 90, .soak_ms = 1000};
    assert_int_equal(judge(&none, NOW), GATE_ADVANCE);
    struct wave empty = {.number = 1, .success_percent = 90};
    assert_int_equal(judge(&empty, NOW), GATE_ADVANCE);
}

static void the_soak_time_runs_from_when_the_share_was_reached(void **state)
{
    (void)state;
    struct wave w = wave(95, 0);
    int64_t due;
    char why[RECORD_WHY];
    w.soak_ms = 1000;
    assert_int_equal(gate_judge(&w, NOW, &due, why, sizeof why), GATE_WAIT);
    assert_int_equal(due, NOW + 1000);
    assert_int_equal(judge(&w, NOW + 999), GATE_WAIT);
    assert_int_equal(judge(&w, NOW + 1000), GATE_ADVANCE);
}

static void a_rollback_while_it_soaks_counts(void **state)
{
    (void)state;
    struct wave w = wave(90, 0);
    w.soak_ms = 1000;
    assert_int_equal(judge(&w, NOW), GATE_WAIT);
    w.updated--, w.failed++;
    assert_int_equal(judge(&w, NOW + 1000), GATE_WAIT); /* the share is no longer there */
    assert_int_equal(w.reached, 0);
    w.updated++;
    assert_int_equal(judge(&w, NOW + 1500), GATE_WAIT); /* the time starts anew */
    assert_int_equal(judge(&w, NOW + 2500), GATE_ADVANCE);
}

static void after_the_operator_goes_on_only_new_failures_count(void **state)
{
    (void)state;
    struct wave w = wave(5, 5);
    assert_int_equal(judge(&w, NOW), GATE_STOP);
    gate_forgive(&w);
    assert_int_equal(judge(&w, NOW), GATE_WAIT);
    w.updated += 7, w.failed += 3;
    assert_int_equal(judge(&w, NOW), GATE_STOP);
    gate_forgive(&w);
    w.updated = 70, w.failed = 30; /* over: what is forgiven does not stop it again */
    w.failure_percent = 0;
    assert_int_equal(judge(&w, NOW), GATE_ADVANCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_few_updated_devices_wait),
        cmocka_unit_test(the_success_share_opens_the_next_wave),
        cmocka_unit_test(failures_stop_once_the_sample_is_large_enough),
        cmocka_unit_test(without_a_failure_limit_failures_alone_do_not_stop),
        cmocka_unit_test(a_wave_that_is_over_without_its_share_stops),
        cmocka_unit_test(devices_that_need_nothing_do_not_count),
        cmocka_unit_test(the_soak_time_runs_from_when_the_share_was_reached),
        cmocka_unit_test(a_rollback_while_it_soaks_counts),
        cmocka_unit_test(after_the_operator_goes_on_only_new_failures_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
