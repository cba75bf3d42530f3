/* Laying an image along its base. */
#include "delta/align.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/firmware_like.h"

#define BYTES 20000

static uint8_t base[BYTES];
static uint8_t image[2 * BYTES];

static void runs_are_in_order_and_inside_of_both(const struct align_run *runs, size_t count, uint32_t bytes)
{
    uint32_t end = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(runs[i].length > 0 && runs[i].start >= end);
        end = runs[i].start + runs[i].length;
        assert_true(end <= bytes);
        assert_true(runs[i].start + runs[i].shift >= 0 && end + runs[i].shift <= BYTES);
    }
}

static void the_same_image_is_one_run(void **state)
{
    struct align_run *runs;
    size_t count;

    (void)state;
    firmware_like(base, BYTES, 1);
    assert_int_equal(align(&runs, &count, base, BYTES, base, BYTES), 0);
    assert_int_equal(count, 1);
    assert_int_equal(runs[0].start, 0);
    assert_int_equal(runs[0].length, BYTES);
    assert_int_equal(runs[0].shift, 0);
    free(runs);
}

static void what_was_put_in_is_in_no_run_and_what_follows_is_shifted(void **state)
{
    struct align_run *runs;
    size_t count;

    (void)state;
    firmware_like(base, BYTES, 1);
    memcpy(image, base, 8000);
    memset(image + 8000, 0xEE, 500);
    memcpy(image + 8500, base + 8000, BYTES - 8000);
    assert_int_equal(align(&runs, &count, base, BYTES, image, BYTES + 500), 0);
    runs_are_in_order_and_inside_of_both(runs, count, BYTES + 500);
    assert_int_equal(count, 2);
    assert_int_equal(runs[0].length, 8000);
    assert_int_equal(runs[1].start, 8500);
    assert_int_equal(runs[1].shift, -500);
    assert_int_equal(runs[1].length, BYTES - 8000);
    free(runs);
}

static void a_run_goes_on_through_single_differences(void **state)
{
    struct align_run *runs;
    size_t count;

    (void)state;
    firmware_like(base, BYTES, 1);
    memcpy(image, base, BYTES);
    for (uint32_t i = 100; i < BYTES; i += 200)
        image[i] ^= 0x55;
    assert_int_equal(align(&runs, &count, base, BYTES, image, BYTES), 0);
    assert_int_equal(count, 1);
    assert_int_equal(runs[0].length, BYTES);
    free(runs);
}

static void strangers_have_no_long_runs_in_common(void **state)
{
    struct align_run *runs;
    size_t count;

    (void)state;
    firmware_like(base, BYTES, 1);
    firmware_like(image, BYTES, 2);
    assert_int_equal(align(&runs, &count, base, BYTES, image, BYTES), 0);
    runs_are_in_order_and_inside_of_both(runs, count, BYTES);
    free(runs);
    assert_int_equal(align(&runs, &count, base, 0, image, BYTES), 0);
    assert_int_equal(count, 0);
    assert_null(runs);
}

/* Long stretches of one byte, as erased flash has them, take no time. */
static void blank_stretches_are_laid_quickly(void **state)
{
    struct align_run *runs;
    size_t count;

    (void)state;
    memset(base, 0xFF, BYTES);
    memset(image, 0xFF, 2 * BYTES);
    image[777] = 0;
    assert_int_equal(align(&runs, &count, base, BYTES, image, 2 * BYTES), 0);
    runs_are_in_order_and_inside_of_both(runs, count, 2 * BYTES);
    assert_true(count >= 1 && count < 10);
    free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_image_is_one_run),
        cmocka_unit_test(what_was_put_in_is_in_no_run_and_what_follows_is_shifted),
        cmocka_unit_test(a_run_goes_on_through_single_differences),
        cmocka_unit_test(strangers_have_no_long_runs_in_common),
        cmocka_unit_test(blank_stretches_are_laid_quickly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
