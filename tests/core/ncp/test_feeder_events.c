/* core/ncp/feeder_events.c: the MCU restarts, suspends and asks again; offers are replaced and withdrawn. */
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
    world_begin(&world, 1000);
    return 0;
}

/* --- The MCU restarts --- */

static void an_mcu_that_restarts_is_offered_anew(void **state)
{
    (void)state;
    world.mcu.answer_ms = 30;
    world_offer(&world);
    world_run_until_written(&world, 512);
    world.mcu.mute = true;
    world_run(&world, 2000);
    world.mcu.mute = false;
    world.mcu.answer_bytes = 0;
    world.mcu.in_frame = false;
    stub_initialize(&world, "1.0.0");
    assert_true(tdm_ncp_updating(&world.ncp));
    world_run(&world, 3000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 2);
}

/* Where no reset line is wired, each bring-up begins with ncp.reboot. */
static void an_mcu_that_restarts_and_reboots_its_co_processor_is_offered_anew(void **state)
{
    (void)state;
    world_offer(&world);
    world_run_until_written(&world, 512);
    stub_invoke(&world, 0x0102, "", 0);
    world_run(&world, 50);
    assert_false(world.online);
    stub_initialize(&world, "1.0.0");
    world_run(&world, 3000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 2);
}

static void an_mcu_that_restarts_without_end_is_given_up(void **state)
{
    (void)state;
    world.mcu.answer_ms = 100;
    world_offer(&world);
    for (int i = 0; i < 3; i++) {
        world_run_until_written(&world, 256);
        world.mcu.answer_bytes = 0;
        stub_initialize(&world, "1.0.0");
        world.mcu.image_bytes = 0;
    }
    world_run(&world, 10000);
    world_assert_failed(&world, TDM_REASON_NO_ANSWER);
    assert_int_equal(stub_count(&world, 0x0441), 3);
}

static void the_new_version_after_a_lost_finish_is_a_success(void **state)
{
    (void)state;
    world.mcu.lose_finish_answers = STUB_NEVER;
    world_offer(&world);
    world_run(&world, 1000);
    assert_int_equal(world_last(&world)->stage, TDM_NCP_VERIFYING);
    stub_initialize(&world, "1.1.0");
    world_assert_installed(&world);
    assert_true(world.online);
}

static void a_reboot_after_a_lost_finish_does_not_hide_the_success(void **state)
{
    (void)state;
    world.mcu.lose_finish_answers = STUB_NEVER;
    world_offer(&world);
    world_run(&world, 1000);
    stub_invoke(&world, 0x0102, "", 0);
    world_run(&world, 50);
    stub_initialize(&world, "1.1.0");
    world_assert_installed(&world);
}

static void nor_does_a_change_of_the_rate(void **state)
{
    (void)state;
    world.mcu.lose_finish_answers = STUB_NEVER;
    world_offer(&world);
    world_run(&world, 1000);
    stub_invoke(&world, 0x0201, "\x00\xc2\x01\x00", 4); /* 115200 */
    stub_initialize(&world, "1.1.0");
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 1);
}

static void the_old_version_after_a_lost_finish_is_offered_anew(void **state)
{
    (void)state;
    world.mcu.lose_finish_answers = 1;
    world_offer(&world);
    world_run(&world, 1000);
    stub_initialize(&world, "1.0.0");
    world_run(&world, 3000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 2);
}

static void a_bootloader_that_asks_again_gets_the_file_from_its_start(void **state)
{
    (void)state;
    world_offer(&world);
    world_run_until_written(&world, 512);
    world_run(&world, 10);
    world.mcu.image_bytes = 0;
    world.mcu.start_due = true;
    world.mcu.answer_bytes = 0;
    world_run(&world, 2000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 1);
}

static void a_bootloader_may_change_the_rate_before_it_starts(void **state)
{
    (void)state;
    world.mcu.no_start = true;
    world_offer(&world);
    world_run(&world, 50);
    stub_invoke(&world, 0x0201, "\x00\xc2\x01\x00", 4); /* 115200 */
    world_run(&world, 70000);                           /* it erases, silently */
    assert_int_equal(stub_count(&world, 0x0181), 0);
    stub_invoke(&world, 0x0101, "", 0);
    stub_invoke(&world, 0x0341, "\0\1", 2);
    assert_memory_equal(world.mcu.result, "\0\1", 2);
    world_run(&world, 2000);
    world_assert_installed(&world);
}

static void a_line_that_was_opened_anew_goes_on(void **state)
{
    (void)state;
    world.mcu.rewrites = true;
    world.mcu.answer_ms = 30;
    world_offer(&world);
    world_run_until_written(&world, 512);
    world.mcu.answer_bytes = 0;
    tdm_ncp_reopened(&world.ncp, world.now_ms);
    world_run(&world, 2000);
    world_assert_installed(&world);
}

static void an_offer_that_was_lost_with_it_is_made_again(void **state)
{
    (void)state;
    world.mcu.answer_ms = 300;
    world_offer(&world);
    world_run(&world, 100);
    assert_int_equal(stub_count(&world, 0x0441), 1);
    world.mcu.answer_bytes = 0;
    world.mcu.start_due = false;
    world.mcu.answer_ms = 3;
    tdm_ncp_reopened(&world.ncp, world.now_ms);
    world_run(&world, 2000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 2);
}

/* --- Suspending, replacing --- */

static void suspended_it_waits_and_resumes(void **state)
{
    (void)state;
    stub_invoke(&world, 0x0346, "\x0A\0", 2);
    assert_memory_equal(world.mcu.result, "\0\1", 2);
    world_offer(&world);
    world_run(&world, 9500);
    assert_int_equal(stub_count(&world, 0x0441), 0);
    world_run(&world, 3000);
    world_assert_installed(&world);
}

static void a_transfer_is_suspended_and_resumed_early(void **state)
{
    uint32_t written;

    (void)state;
    world.mcu.answer_ms = 20;
    world_offer(&world);
    world_run_until_written(&world, 256);
    stub_invoke(&world, 0x0346, "\x10\x0E", 2); /* an hour */
    world_run(&world, 100);
    written = world.mcu.image_bytes;
    world_run(&world, 20000);
    assert_int_equal(world.mcu.image_bytes, written);
    stub_invoke(&world, 0x0346, "\0\0", 2);
    world_run(&world, 2000);
    world_assert_installed(&world);
}

static void a_suspension_of_18_hours_ends_by_itself(void **state)
{
    (void)state;
    stub_invoke(&world, 0x0346, "\x20\xFD", 2);
    world_offer(&world);
    world_run(&world, 1000);
    world.now_ms += 64790000;
    world_run(&world, 1000);
    assert_int_equal(stub_count(&world, 0x0441), 0);
    world_run(&world, 20000);
    world_assert_installed(&world);
}

/* The clock wraps after 49 days: what is past must not come to lie ahead. */
static void a_suspension_of_a_month_ago_suspends_nothing(void **state)
{
    (void)state;
    stub_invoke(&world, 0x0346, "\x0A\0", 2);
    for (int days = 0; days < 30; days += 6) {
        stub_invoke(&world, 0x0101, "", 0);
        world_run(&world, 20);
        world.now_ms += 6u * 24 * 3600 * 1000;
    }
    stub_invoke(&world, 0x0101, "", 0);
    world_offer(&world);
    world_run(&world, 3000);
    world_assert_installed(&world);
}

static void more_than_18_hours_of_suspension_are_refused(void **state)
{
    (void)state;
    stub_invoke(&world, 0x0346, "\x20\xFD", 2); /* 64800 s */
    assert_memory_equal(world.mcu.result, "\0\1", 2);
    stub_invoke(&world, 0x0346, "\x21\xFD", 2);
    assert_memory_equal(world.mcu.result, "\0\0", 2);
}

static void a_new_offer_replaces_the_one_under_way(void **state)
{
    uint32_t first = world.firmware.id;

    (void)state;
    world.mcu.answer_ms = 20;
    world_offer(&world);
    world_run_until_written(&world, 512);
    world_file(&world, 700);
    world_offer(
        &world); /* while it thinks: the stub fails the test if it hears anything before it answered */
    world_run(&world, 5000);
    assert_int_equal(world_count(&world, TDM_NCP_FAILED), 1);
    for (int i = 0; i < world.progress_count; i++) {
        if (world.progress[i].stage == TDM_NCP_FAILED) {
            assert_int_equal(world.progress[i].id, first);
            assert_int_equal(world.progress[i].reason, TDM_REASON_SUPERSEDED);
        }
    }
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0444), 1);
}

static void a_withdrawn_update_is_cancelled_once_the_mcu_answered(void **state)
{
    (void)state;
    world.mcu.answer_ms = 20;
    world_offer(&world);
    world_run_until_written(&world, 512);
    tdm_ncp_withdraw(&world.ncp, TDM_REASON_CANCELLED, world.now_ms);
    world_run(&world, 5000);
    world_assert_failed(&world, TDM_REASON_CANCELLED);
    assert_int_equal(stub_count(&world, 0x0444), 1);
}

static void a_withdrawn_update_that_was_never_offered_just_ends(void **state)
{
    (void)state;
    world_init(&world);
    world_file(&world, 600);
    world_offer(&world);
    tdm_ncp_withdraw(&world.ncp, TDM_REASON_CANCELLED, world.now_ms);
    world_assert_failed(&world, TDM_REASON_CANCELLED);
    tdm_ncp_withdraw(&world.ncp, TDM_REASON_CANCELLED, world.now_ms); /* nothing is left to end */
    assert_int_equal(world_count(&world, TDM_NCP_FAILED), 1);
}

static void a_suspended_update_can_be_withdrawn(void **state)
{
    (void)state;
    world_offer(&world);
    world_run_until_written(&world, 512);
    stub_invoke(&world, 0x0346, "\x20\xFD", 2);
    tdm_ncp_withdraw(&world.ncp, TDM_REASON_CANCELLED, world.now_ms);
    world_run(&world, 2000);
    world_assert_failed(&world, TDM_REASON_CANCELLED);
}

static void a_new_offer_waits_while_the_mcu_finishes(void **state)
{
    (void)state;
    world.mcu.answer_ms = 20;
    world_offer(&world);
    while (world_count(&world, TDM_NCP_VERIFYING) == 0)
        world_run(&world, 1);
    world_file(&world, 700);
    world_offer(&world);
    world_run(&world, 2000);
    assert_int_equal(world_count(&world, TDM_NCP_INSTALLED), 1);
    assert_int_equal(world_count(&world, TDM_NCP_FAILED), 0);
    assert_true(tdm_ncp_updating(&world.ncp));
    stub_initialize(&world, "1.1.0");
    world_run(&world, 3000);
    assert_int_equal(world_count(&world, TDM_NCP_INSTALLED), 2);
    world_assert_installed(&world);
}

static void the_same_file_again_changes_nothing(void **state)
{
    (void)state;
    world_offer(&world);
    world_run_until_written(&world, 256);
    assert_int_equal(tdm_ncp_offer(&world.ncp, &world.firmware, world.now_ms), TDM_E_BUSY);
    world_run(&world, 2000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 1);
}

static void a_firmware_that_waits_and_is_replaced_is_told_of(void **state)
{
    uint32_t waiting;

    (void)state;
    world.mcu.answer_ms = 20;
    world_offer(&world);
    while (world_count(&world, TDM_NCP_VERIFYING) == 0)
        world_run(&world, 1);
    world_file(&world, 700);
    waiting = world.firmware.id;
    world_offer(&world);
    world_file(&world, 800);
    world_offer(&world);
    assert_int_equal(world_last(&world)->stage, TDM_NCP_FAILED);
    assert_int_equal(world_last(&world)->id, waiting);
    assert_int_equal(world_last(&world)->reason, TDM_REASON_SUPERSEDED);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_mcu_that_restarts_is_offered_anew),
        TEST(an_mcu_that_restarts_and_reboots_its_co_processor_is_offered_anew),
        TEST(an_mcu_that_restarts_without_end_is_given_up),
        TEST(the_new_version_after_a_lost_finish_is_a_success),
        TEST(a_reboot_after_a_lost_finish_does_not_hide_the_success),
        TEST(nor_does_a_change_of_the_rate),
        TEST(the_old_version_after_a_lost_finish_is_offered_anew),
        TEST(a_bootloader_that_asks_again_gets_the_file_from_its_start),
        TEST(a_bootloader_may_change_the_rate_before_it_starts),
        TEST(a_line_that_was_opened_anew_goes_on),
        TEST(an_offer_that_was_lost_with_it_is_made_again),
        TEST(suspended_it_waits_and_resumes),
        TEST(a_transfer_is_suspended_and_resumed_early),
        TEST(a_suspension_of_18_hours_ends_by_itself),
        TEST(a_suspension_of_a_month_ago_suspends_nothing),
        TEST(more_than_18_hours_of_suspension_are_refused),
        TEST(a_new_offer_replaces_the_one_under_way),
        TEST(a_withdrawn_update_is_cancelled_once_the_mcu_answered),
        TEST(a_withdrawn_update_that_was_never_offered_just_ends),
        TEST(a_suspended_update_can_be_withdrawn),
        TEST(a_new_offer_waits_while_the_mcu_finishes),
        TEST(the_same_file_again_changes_nothing),
        TEST(a_firmware_that_waits_and_is_replaced_is_told_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
