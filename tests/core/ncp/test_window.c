/* core/ncp/feeder.c with two chunks in flight (docs/EXTENSIONS.md, "otaUpdateWindow"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_begin(&world, 3000);
    world.mcu.answer_ms = 20;
    return 0;
}

static bool ask(uint8_t chunks)
{
    stub_invoke(&world, 0x5404, &chunks, 1);
    assert_int_equal(world.mcu.result_bytes, 2);
    assert_int_equal(world.mcu.result[0], 0);
    return world.mcu.result[1] != 0;
}

/* Offers, and asks for the window while the first chunk is worked on. */
static void start(void)
{
    world.mcu.window = true;
    world_offer(&world);
    for (int i = 0; i < 2000 && stub_count(&world, 0x0442) == 0; i++)
        world_run(&world, 1);
    assert_true(ask(2));
}

static void one_is_in_flight_until_the_mcu_asks(void **state)
{
    (void)state;
    world_offer(&world);
    world_run(&world, 3000);
    world_assert_installed(&world);
    assert_int_equal(world.mcu.most_in_flight, 1);
}

static void two_are_in_flight_and_never_three(void **state)
{
    (void)state;
    start();
    world_run(&world, 3000);
    world_assert_installed(&world);
    assert_int_equal(world.mcu.most_in_flight, 2);
    assert_int_equal(stub_count(&world, 0x0442), 12);
}

static void more_than_two_are_taken_as_two(void **state)
{
    (void)state;
    start();
    assert_true(ask(200));
    world_run(&world, 3000);
    world_assert_installed(&world);
}

static void it_is_refused_without_a_transfer_or_for_no_chunk(void **state)
{
    (void)state;
    assert_false(ask(2));
    start();
    assert_false(ask(0));
}

static void what_is_withdrawn_ends_between_two_chunks(void **state)
{
    (void)state;
    start();
    world_run_until_written(&world, 512);
    tdm_ncp_withdraw(&world.ncp, TDM_REASON_CANCELLED, world.now_ms);
    world_run(&world, 500);
    assert_int_equal(world_last(&world)->stage, TDM_NCP_FAILED);
    assert_int_equal(world_last(&world)->reason, TDM_REASON_CANCELLED);
    assert_int_equal(stub_count(&world, 0x0444), 1);
    assert_true(world.mcu.image_bytes < 2000);
}

static void a_window_of_one_is_stop_and_wait(void **state)
{
    (void)state;
    start();
    assert_true(ask(1));
    world_run(&world, 50); /* what was in flight is answered */
    world.mcu.most_in_flight = 0;
    world_run(&world, 3000);
    world_assert_installed(&world);
    assert_int_equal(world.mcu.most_in_flight, 1);
}

static void a_start_takes_it_back_to_one(void **state)
{
    const uint8_t chunk[] = {0, 1};

    (void)state;
    start();
    world_run_until_written(&world, 1024);
    world.mcu.image_bytes = 0;
    world.mcu.answer_bytes = 0;
    world.mcu.waiting_bytes = 0;
    stub_invoke(&world, 0x0341, chunk, 2);
    world.mcu.window = false; /* which fails the test when a second comes */
    world_run(&world, 3000);
    world_assert_installed(&world);
}

static void a_lost_chunk_is_sent_again_as_soon_as_the_next_is_refused(void **state)
{
    uint32_t began_ms;

    (void)state;
    start();
    world_run_until_written(&world, 1024);
    world.mcu.mute_writes = 1;
    began_ms = world.now_ms;
    world_run_until_written(&world, 3000);
    assert_in_range(world.now_ms - began_ms, 1, 1000); /* no time-out was waited for */
    world_run(&world, 500);
    world_assert_installed(&world);
}

static void an_answer_stands_for_the_one_before_that_was_lost(void **state)
{
    (void)state;
    start();
    world_run_until_written(&world, 1024);
    world.mcu.lose_answers = 1;
    world_run(&world, 3000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0442), 12);
}

static void both_answers_lost_both_are_sent_again(void **state)
{
    (void)state;
    world.mcu.rewrites = true;
    start();
    world_run_until_written(&world, 1024);
    world.mcu.lose_answers = 2;
    world_run(&world, 12000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0442), 14);
}

static void a_refused_chunk_is_sent_again_and_then_what_was_behind_it(void **state)
{
    (void)state;
    start();
    world_run_until_written(&world, 1024);
    world.mcu.refuse_writes = 1;
    world_run(&world, 3000);
    world_assert_installed(&world);
}

static void refused_in_every_try_it_ends(void **state)
{
    (void)state;
    world.config.offers = 1;
    start();
    world_run_until_written(&world, 1024);
    world.mcu.refuse_writes = STUB_NEVER;
    world_run(&world, 10000);
    assert_int_equal(world_last(&world)->stage, TDM_NCP_FAILED);
    assert_int_equal(world_last(&world)->reason, TDM_REASON_WRITE_REFUSED);
}

static void an_mcu_that_falls_silent_ends_the_update(void **state)
{
    (void)state;
    start();
    world_run_until_written(&world, 1024);
    world.mcu.mute = true;
    world_run(&world, 90000);
    assert_int_equal(world_last(&world)->stage, TDM_NCP_FAILED);
    assert_int_equal(world_last(&world)->reason, TDM_REASON_NO_ANSWER);
}

static void a_report_ends_the_transfer_at_once(void **state)
{
    int chunks;

    (void)state;
    start();
    world_run_until_written(&world, 1024);
    world.mcu.mute_writes = STUB_NEVER;
    world.mcu.answer_bytes = 0;
    world.mcu.waiting_bytes = 0;
    stub_report(&world, 2, TDM_REASON_FLASH);
    chunks = stub_count(&world, 0x0442);
    assert_int_equal(world_last(&world)->stage, TDM_NCP_FAILED);
    assert_int_equal(world_last(&world)->reason, TDM_REASON_FLASH);
    world_run(&world, 10000);
    assert_int_equal(stub_count(&world, 0x0442), chunks);
    assert_int_equal(world_count(&world, TDM_NCP_FAILED), 1);
}

static void suspended_no_further_chunk_is_sent(void **state)
{
    const uint8_t seconds[] = {10, 0};
    int chunks;

    (void)state;
    start();
    world_run_until_written(&world, 512);
    stub_invoke(&world, 0x0346, seconds, 2);
    world_run(&world, 100); /* what is in flight */
    chunks = stub_count(&world, 0x0442);
    world_run(&world, 8000);
    assert_int_equal(stub_count(&world, 0x0442), chunks);
    world_run(&world, 5000);
    world_assert_installed(&world);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_is_in_flight_until_the_mcu_asks),
        TEST(two_are_in_flight_and_never_three),
        TEST(more_than_two_are_taken_as_two),
        TEST(it_is_refused_without_a_transfer_or_for_no_chunk),
        TEST(what_is_withdrawn_ends_between_two_chunks),
        TEST(a_window_of_one_is_stop_and_wait),
        TEST(a_start_takes_it_back_to_one),
        TEST(a_lost_chunk_is_sent_again_as_soon_as_the_next_is_refused),
        TEST(an_answer_stands_for_the_one_before_that_was_lost),
        TEST(both_answers_lost_both_are_sent_again),
        TEST(a_refused_chunk_is_sent_again_and_then_what_was_behind_it),
        TEST(refused_in_every_try_it_ends),
        TEST(an_mcu_that_falls_silent_ends_the_update),
        TEST(a_report_ends_the_transfer_at_once),
        TEST(suspended_no_further_chunk_is_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
