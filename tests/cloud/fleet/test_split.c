/* Waves have exactly the sizes that were asked for, whatever filters and shares say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cloud/fleet/rules/split.h"

#define DEVICES 1000

/* Every tenth device is a canary. */
static struct device device(int64_t id)
{
    struct device device = {.id = id};
    snprintf(device.tags, sizeof device.tags, "%s", id % 10 == 0 ? "canary" : "");
    return device;
}

/* Splits devices 1 to count, and gives the sizes of the waves (from index 1). */
static void run(const struct wave *waves, size_t count, int64_t devices, uint64_t seed, int64_t *sizes)
{
    struct split split;
    assert_true(split_init(&split, waves, count, seed));
    if (split_needs_counting(&split)) {
        for (int64_t id = 1; id <= devices; id++) {
            struct device d = device(id);
            split_count(&split, &d, NULL);
        }
    }
    split.total = devices;
    split_ready(&split);
    for (int64_t id = 1; id <= devices; id++) {
        struct device d = device(id);
        int64_t wave = split_assign(&split, &d, NULL);
        assert_in_range(wave, 1, count);
        sizes[wave]++;
    }
}

static void counts_and_shares_are_exact(void **state)
{
    (void)state;
    const struct wave waves[] = {
        {.kind = WAVE_COUNT, .amount = 10}, {.kind = WAVE_PERCENT, .amount = 1250}, {.kind = WAVE_ALL}};
    for (uint64_t seed = 0; seed < 20; seed++) {
        int64_t sizes[4] = {0};
        run(waves, 3, DEVICES, seed, sizes);
        assert_int_equal(sizes[1], 10);
        assert_int_equal(sizes[2], 125);
        assert_int_equal(sizes[3], 865);
    }
}

static void a_filter_takes_all_that_match_or_a_share_of_them(void **state)
{
    (void)state;
    const struct wave all[] = {{.filter = "tag=canary"}, {.kind = WAVE_PERCENT, .amount = 5000}, {0}};
    const struct wave half[] = {{.filter = "tag=canary", .kind = WAVE_PERCENT, .amount = 5000},
                                {.kind = WAVE_COUNT, .amount = 100},
                                {0}};
    int64_t sizes[4] = {0};
    run(all, 3, DEVICES, 7, sizes);
    assert_int_equal(sizes[1], 100);
    assert_int_equal(sizes[2], 500);
    assert_int_equal(sizes[3], 400);
    memset(sizes, 0, sizeof sizes);
    run(half, 3, DEVICES, 7, sizes);
    assert_int_equal(sizes[1], 50);
    assert_int_equal(sizes[2], 100);
    assert_int_equal(sizes[3], 850);
}

static void a_small_share_of_a_few_is_one_device(void **state)
{
    (void)state;
    const struct wave waves[] = {{.kind = WAVE_PERCENT, .amount = 100}, {0}};
    for (uint64_t seed = 0; seed < 50; seed++) {
        int64_t sizes[3] = {0};
        run(waves, 2, 7, seed, sizes);
        assert_int_equal(sizes[1], 1);
        assert_int_equal(sizes[2], 6);
    }
}

static void more_than_there_are_is_all(void **state)
{
    (void)state;
    const struct wave waves[] = {{.kind = WAVE_COUNT, .amount = 5}, {.kind = WAVE_COUNT, .amount = 50}, {0}};
    int64_t sizes[4] = {0};
    run(waves, 3, 20, 3, sizes);
    assert_int_equal(sizes[1], 5);
    assert_int_equal(sizes[2], 15);
    assert_int_equal(sizes[3], 0);
}

static void every_device_can_be_a_first_one(void **state)
{
    (void)state;
    /* 10 of 100, drawn 2000 times: 200 times each is expected, with a deviation of 13.4. */
    const struct wave waves[] = {{.kind = WAVE_COUNT, .amount = 10}, {0}};
    int64_t drawn[101] = {0};
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct split split;
        assert_true(split_init(&split, waves, 2, seed));
        split.total = 100;
        split_ready(&split);
        for (int64_t id = 1; id <= 100; id++) {
            struct device d = device(id);
            drawn[id] += split_assign(&split, &d, NULL) == 1;
        }
    }
    for (int64_t id = 1; id <= 100; id++)
        assert_in_range(drawn[id], 130, 270);
}

static void the_same_question_has_the_same_answer(void **state)
{
    (void)state;
    const struct wave waves[] = {{.kind = WAVE_COUNT, .amount = 10}, {0}};
    struct split a, b;
    assert_true(split_init(&a, waves, 2, 42) && split_init(&b, waves, 2, 42));
    a.total = b.total = DEVICES;
    split_ready(&a), split_ready(&b);
    for (int64_t id = 1; id <= DEVICES; id++) {
        struct device d = device(id);
        assert_int_equal(split_assign(&a, &d, NULL), split_assign(&b, &d, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_shares_are_exact),
        cmocka_unit_test(a_filter_takes_all_that_match_or_a_share_of_them),
        cmocka_unit_test(a_small_share_of_a_few_is_one_device),
        cmocka_unit_test(more_than_there_are_is_all),
        cmocka_unit_test(every_device_can_be_a_first_one),
        cmocka_unit_test(the_same_question_has_the_same_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
