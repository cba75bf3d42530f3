/* The simulated line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/line.h"

static struct sim_line line;
static uint8_t received[2 * SIM_PIECE_BYTES];

static void open_line(uint32_t one_in)
{
    sim_line_init(&line, one_in, 1);
    line.baud = 9600;
    line.peer_baud = 9600;
}

static void bytes_arrive_in_order_when_their_time_has_come(void **state)
{
    (void)state;
    open_line(0);
    sim_line_send(&line, (const uint8_t *)"0123456789abcdef", 16, 100); /* 160 bits: 16.7 ms */
    sim_line_send(&line, (const uint8_t *)"more", 4, 100);
    assert_int_equal(sim_line_receive(&line, received, 115), 0);
    assert_int_equal(sim_line_wait_ms(&line, 115), 2);
    assert_int_equal(sim_line_receive(&line, received, 117), 16);
    assert_memory_equal(received, "0123456789abcdef", 16);
    assert_int_equal(sim_line_receive(&line, received, 117), 0);
    assert_int_equal(sim_line_receive(&line, received, 200), 4);
    assert_memory_equal(received, "more", 4);
    assert_int_equal(sim_line_wait_ms(&line, 200), UINT32_MAX);
}

static void the_clock_may_wrap_on_the_way(void **state)
{
    (void)state;
    open_line(0);
    sim_line_send(&line, (const uint8_t *)"x", 1, UINT32_MAX);
    assert_int_equal(sim_line_receive(&line, received, UINT32_MAX), 0);
    assert_int_equal(sim_line_receive(&line, received, 10), 1);
}

static void another_rate_makes_noise_and_a_dead_line_nothing(void **state)
{
    (void)state;
    open_line(0);
    line.peer_baud = 115200;
    sim_line_send(&line, (const uint8_t *)"0123456789abcdef", 16, 0);
    assert_int_equal(sim_line_receive(&line, received, 1000), 16);
    assert_memory_not_equal(received, "0123456789abcdef", 16);
    line.dead = true;
    sim_line_send(&line, (const uint8_t *)"x", 1, 1000);
    assert_int_equal(sim_line_receive(&line, received, 2000), 0);
}

static void a_full_buffer_makes_the_sender_wait(void **state)
{
    unsigned sent = 0;

    (void)state;
    open_line(0);
    while (sim_line_has_room(&line)) {
        sim_line_send(&line, (const uint8_t *)"x", 1, 0);
        sent++;
    }
    assert_true(sent > 0 && sent + SIM_PIECES_AT_ONCE <= SIM_PIECES);
    assert_int_equal(sim_line_receive(&line, received, 1000), 1);
    assert_true(sim_line_has_room(&line));
    sim_line_clear(&line);
    assert_int_equal(sim_line_receive(&line, received, 1000), 0);
}

/* Of 8,000 bytes 1 in 10 is hit: lost, flipped or doubled, each about as often. */
static void a_bad_line_loses_flips_and_repeats(void **state)
{
    static const uint8_t zeros[80];
    unsigned flipped = 0, count = 0, round;

    (void)state;
    open_line(10);
    for (round = 0; round < 100; round++) {
        size_t n, i;

        sim_line_send(&line, zeros, sizeof zeros, round * 10000);
        n = sim_line_receive(&line, received, round * 10000 + 9000);
        count += (unsigned)n;
        for (i = 0; i < n; i++)
            flipped += received[i] != 0;
    }
    assert_in_range(flipped, 200, 340);
    assert_in_range(count, 7900, 8100); /* as many lost as doubled */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_in_order_when_their_time_has_come),
        cmocka_unit_test(the_clock_may_wrap_on_the_way),
        cmocka_unit_test(another_rate_makes_noise_and_a_dead_line_nothing),
        cmocka_unit_test(a_full_buffer_makes_the_sender_wait),
        cmocka_unit_test(a_bad_line_loses_flips_and_repeats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
