/* ncpd/machine/button.c: what presses mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ncpd/machine/button.h"

static struct button button;
static uint32_t now_ms;
static uint8_t events[16];
static int count;

static int set_up(void **state)
{
    (void)state;
    button = (struct button){0};
    now_ms = UINT32_MAX - 1500; /* the clock wraps in the middle */
    count = 0;
    return 0;
}

static void note(uint8_t event)
{
    if (event != BUTTON_NOTHING)
        events[count++] = event;
}

/* Ticks as the caller of button_wait makes them. */
static void wait_ms(uint32_t ms)
{
    uint32_t end_ms = now_ms + ms;

    for (;;) {
        uint32_t next_ms = button_wait(&button, now_ms);

        if (next_ms > end_ms - now_ms) {
            now_ms = end_ms;
            return;
        }
        now_ms += next_ms;
        note(button_tick(&button, now_ms));
    }
}

static void press(uint32_t ms)
{
    note(button_edge(&button, true, now_ms));
    wait_ms(ms);
    note(button_edge(&button, false, now_ms));
}

static void assert_events(int wanted, ...)
{
    va_list args;

    assert_int_equal(count, wanted);
    va_start(args, wanted);
    for (int i = 0; i < wanted; i++)
        assert_int_equal(events[i], va_arg(args, int));
    va_end(args);
    assert_int_equal(button_wait(&button, now_ms), UINT32_MAX);
}

static void a_click_waits_for_a_second_one(void **state)
{
    (void)state;
    press(100);
    wait_ms(399);
    assert_int_equal(count, 0);
    wait_ms(1000);
    assert_events(1, 10);
}

static void two_clicks_are_one_event(void **state)
{
    (void)state;
    press(100);
    wait_ms(200);
    press(100);
    wait_ms(5000);
    assert_events(1, 11);
}

static void slow_clicks_are_two(void **state)
{
    (void)state;
    press(100);
    wait_ms(500);
    press(100);
    wait_ms(500);
    assert_events(2, 10, 10);
}

static void a_long_press_is_told_while_it_lasts(void **state)
{
    (void)state;
    press(1500);
    assert_events(2, 12, 13);
}

static void a_reset_can_be_cancelled(void **state)
{
    (void)state;
    press(9999);
    assert_events(3, 12, 16, 17);
}

static void a_reset_is_done_after_ten_seconds(void **state)
{
    (void)state;
    press(20000);
    assert_events(3, 12, 16, 18);
}

static void an_edge_that_was_none_changes_nothing(void **state)
{
    (void)state;
    note(button_edge(&button, false, now_ms));
    note(button_edge(&button, true, now_ms));
    wait_ms(50);
    note(button_edge(&button, true, now_ms));
    note(button_edge(&button, false, now_ms));
    wait_ms(1000);
    assert_events(1, 10);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_click_waits_for_a_second_one),
        TEST(two_clicks_are_one_event),
        TEST(slow_clicks_are_two),
        TEST(a_long_press_is_told_while_it_lasts),
        TEST(a_reset_can_be_cancelled),
        TEST(a_reset_is_done_after_ten_seconds),
        TEST(an_edge_that_was_none_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
