/* core/ncp/feeder.c: the update against an MCU with the traps of docs/PROTOCOL.md, section 9. */
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

static void sends_the_whole_file_and_restarts_its_session(void **state)
{
    (void)state;
    world_offer(&world);
    world_run(&world, 2000);
    world_assert_installed(&world);
    assert_true(world.mcu.finished);
    assert_int_equal(stub_count(&world, 0x0442), 4); /* 256 256 256 232 */
    assert_false(world.online);
    assert_int_equal(world.offlines, 1);
    assert_true(world_last(&world)->wire_bytes > 1000);
    assert_int_equal(stub_count(&world, 0x0444), 0);
}

static void tells_each_stage(void **state)
{
    static const enum tdm_ncp_stage stages[] = {
        TDM_NCP_OFFERED,      TDM_NCP_ACCEPTED,     TDM_NCP_TRANSFERRING, TDM_NCP_TRANSFERRING,
        TDM_NCP_TRANSFERRING, TDM_NCP_TRANSFERRING, TDM_NCP_VERIFYING,    TDM_NCP_INSTALLED,
    };

    (void)state;
    world_offer(&world);
    world_run(&world, 2000);
    assert_int_equal(world.progress_count, 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(world.progress[i].stage, stages[i]);
        assert_int_equal(world.progress[i].id, world.firmware.id);
    }
    assert_int_equal(world.progress[4].bytes, 768);
    assert_int_equal(world.progress[4].size, 1000);
}

static void offers_what_the_firmware_says(void **state)
{
    (void)state;
    world_offer(&world);
    world_run(&world, 50);
    assert_string_equal(world.mcu.offer_name, "app.bin");
    assert_int_equal(world.mcu.offer_size, 1000);
    assert_string_equal(world.mcu.offer_type, "demo");
    assert_string_equal(world.mcu.offer_version, "1.1.0");
    assert_string_equal(world.mcu.offer_build, "Nov 16 2023");
}

/* The smallest MCUs of the field hold 256 bytes, the CRC included, and do not check that bound. */
static void an_offer_of_the_longest_texts_fits_the_smallest_buffer(void **state)
{
    (void)state;
    memset(world.firmware.name, 'n', TDM_NCP_NAME_MAX);
    memset(world.firmware.type, 't', TDM_TAG_VALUE_MAX);
    memset(world.firmware.version, 'v', TDM_TAG_VALUE_MAX);
    memset(world.firmware.build, 'b', TDM_TAG_VALUE_MAX);
    world_offer(&world);
    world_run(&world, 2000);
    world_assert_installed(&world);
    assert_int_equal(world.mcu.offer_bytes, 255);
    assert_string_equal(world.mcu.offer_type, world.firmware.type);
    assert_string_equal(world.mcu.offer_version, world.firmware.version);
    assert_string_equal(world.mcu.offer_build, world.firmware.build);
    assert_int_equal(strlen(world.mcu.offer_name), 49);
}

static void waits_with_the_offer_until_initialize(void **state)
{
    (void)state;
    world_init(&world);
    world_file(&world, 600);
    world_offer(&world);
    world_run(&world, 5000);
    assert_int_equal(world.mcu.uid_count, 0);
    stub_initialize(&world, "1.0.0");
    world_run(&world, 3000);
    world_assert_installed(&world);
}

static void is_in_state_11_while_the_mcu_takes_the_update(void **state)
{
    (void)state;
    world.mcu.answer_ms = 50;
    world_offer(&world);
    world_run_until_written(&world, 512);
    assert_int_equal(tdm_ncp_state(&world.ncp), 11);
    assert_int_equal(world.mcu.states[world.mcu.state_count - 1], 11);
}

static void serves_the_digests_while_the_mcu_finishes(void **state)
{
    (void)state;
    world.mcu.asks_digests = true;
    world_offer(&world);
    world_run(&world, 2000);
    world_assert_installed(&world);
    assert_int_equal(world.mcu.digest_crc32, world.firmware.crc32);
    assert_memory_equal(world.mcu.digest_md5, world.firmware.md5, 16);
    assert_memory_equal(world.mcu.digest_sha256, world.firmware.sha256, 32);
}

static void waits_for_an_mcu_that_erases_before_it_answers(void **state)
{
    (void)state;
    world.mcu.answer_ms = 12000;
    world_offer(&world);
    world_run(&world, 12100);
    assert_int_equal(stub_count(&world, 0x0441), 1);
    assert_int_equal(world_count(&world, TDM_NCP_ACCEPTED), 1);
}

/* --- Chunk sizes --- */

static void take_with_chunk(uint16_t chunk, uint32_t bytes)
{
    world.mcu.chunk = chunk;
    world_file(&world, bytes);
    world_offer(&world);
    world_run(&world, 5000);
}

static void sends_any_chunk_size_from_16_to_1520(void **state)
{
    static const uint16_t sizes[] = {16, 17, 239, 1000, 1024, 1519, 1520};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        set_up(state);
        take_with_chunk(sizes[i], 3041);
        world_assert_installed(&world);
    }
}

static void sends_whole_program_units_to_an_mcu_that_takes_more(void **state)
{
    (void)state;
    world_file(&world, 5000);
    world.mcu.no_start = true;
    world_offer(&world);
    world_run(&world, 50);
    world.mcu.chunk = 1024;
    stub_invoke(&world, 0x0341, "\xFF\xFF", 2);
    world_run(&world, 2000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0442), 5);
}

static void refuses_a_chunk_size_that_is_too_small(void **state)
{
    (void)state;
    world.mcu.no_start = true;
    world_offer(&world);
    world_run(&world, 50);
    stub_invoke(&world, 0x0341, "\x0F\0", 2);
    assert_memory_equal(world.mcu.result, "\0\0", 2);
}

static void refuses_start_without_an_offer(void **state)
{
    (void)state;
    stub_invoke(&world, 0x0341, "\0\1", 2);
    assert_memory_equal(world.mcu.result, "\0\0", 2);
    stub_invoke(&world, 0x0344, "", 0); /* nor has it a digest */
    assert_memory_equal(world.mcu.result, "\0\0\0\0", 4);
    stub_invoke(&world, 0x0342, "", 0);
    assert_int_equal(world.mcu.result_bytes, 6);
    assert_memory_equal(world.mcu.result, "\0\0\0\0\0\0", 6);
    stub_invoke(&world, 0x0345, "", 0);
    assert_memory_equal(world.mcu.result, "\0\4", 2);
}

/* --- Refusals, losses, silence --- */

static void an_offer_refused_ends_the_update(void **state)
{
    (void)state;
    world.mcu.refuse_offer = true;
    world_offer(&world);
    world_run(&world, 2000);
    world_assert_failed(&world, TDM_REASON_OFFER_REFUSED);
    assert_int_equal(stub_count(&world, 0x0441), 1);
    assert_int_equal(stub_count(&world, 0x0444), 0);
    assert_true(world.online);
}

static void a_report_gives_the_reason_of_a_refused_offer(void **state)
{
    (void)state;
    stub_report(&world, TDM_DEVICE_STARTED, 0);
    world.mcu.refuse_offer = true;
    world_offer(&world);
    world_run(&world, 100);
    assert_true(tdm_ncp_updating(&world.ncp));
    stub_report(&world, TDM_DEVICE_FAILED, TDM_REASON_BATTERY);
    world_assert_failed(&world, TDM_REASON_BATTERY);
}

/* It tells before it says no; a report may be what is lost. */
static void a_reason_that_came_before_is_the_reason_at_once(void **state)
{
    (void)state;
    stub_report(&world, TDM_DEVICE_STARTED, 0);
    world.mcu.refuse_offer = true;
    world.mcu.answer_ms = 50;
    world_offer(&world);
    world_run(&world, 20);
    stub_report(&world, TDM_DEVICE_FAILED, TDM_REASON_BATTERY);
    world_run(&world, 100);
    world_assert_failed(&world, TDM_REASON_BATTERY);
}

static void a_refused_chunk_goes_out_again(void **state)
{
    (void)state;
    world.mcu.refuse_writes = 5;
    world_offer(&world);
    world_run(&world, 5000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0442), 9);
}

static void a_lost_answer_is_resent_after_a_resync(void **state)
{
    (void)state;
    world.mcu.lose_answers = 1;
    world.mcu.rewrites = true;
    world_offer(&world);
    world_run(&world, 4900);
    assert_int_equal(stub_count(&world, 0x0442), 1);
    world_run(&world, 2000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0442), 5);
    assert_int_equal(world.mcu.resyncs, 3); /* the offer, the resend, the chunk after it */
}

static void an_answer_later_than_the_resend_counts(void **state)
{
    (void)state;
    world.mcu.lose_answers = 1;
    world_offer(&world);
    world_run(&world, 4900);
    world.mcu.mute = true; /* the resend is lost, */
    world_run(&world, 1000);
    world.mcu.mute = false;
    stub_late_answer(&world); /* and what was thought lost comes */
    world_run(&world, 2000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 1);
    assert_int_equal(stub_count(&world, 0x0442), 4);
}

/* The field's driver answers false to a chunk that it has already: what follows tells. */
static void a_chunk_refused_after_a_lost_answer_is_written_when_the_next_is_taken(void **state)
{
    (void)state;
    world.mcu.lose_answers = 1;
    world_offer(&world);
    world_run(&world, 15000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 1);
    assert_int_equal(stub_count(&world, 0x0442), 6 + 3);
    assert_int_equal(stub_count(&world, 0x0444), 0);
}

static void the_last_chunk_refused_after_a_lost_answer_is_written_when_finish_is_true(void **state)
{
    (void)state;
    world_offer(&world);
    world_run_until_written(&world, 768);
    world_run(&world, 3);
    world.mcu.lose_answers = 1;
    world_run(&world, 15000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 1);
}

static void it_is_not_when_finish_is_false(void **state)
{
    (void)state;
    world.config.offers = 1;
    world.mcu.refuse_finish = true;
    world_offer(&world);
    world_run_until_written(&world, 768);
    world_run(&world, 3);
    world.mcu.lose_answers = 1;
    world_run(&world, 15000);
    world_assert_failed(&world, TDM_REASON_WRITE_REFUSED);
    assert_int_equal(stub_count(&world, 0x0443), 1);
}

static void a_chunk_refused_to_the_end_is_offered_anew_when_the_next_is_refused_too(void **state)
{
    (void)state;
    world.mcu.mute_writes = 1;
    world.mcu.refuse_writes = 6;
    world_offer(&world);
    world_run(&world, 15000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0441), 2);
    assert_int_equal(stub_count(&world, 0x0442), 1 + 6 + 4);
    assert_int_equal(stub_count(&world, 0x0444), 1);
}

static void refused_in_every_try_it_fails(void **state)
{
    (void)state;
    world.mcu.refuse_writes = STUB_NEVER;
    world_offer(&world);
    world_run(&world, 60000);
    world_assert_failed(&world, TDM_REASON_WRITE_REFUSED);
    assert_int_equal(stub_count(&world, 0x0441), 3);
    assert_int_equal(stub_count(&world, 0x0442), 18);
    assert_int_equal(stub_count(&world, 0x0444), 3);
}

static void a_report_ends_the_transfer_at_once(void **state)
{
    int writes;

    (void)state;
    world.mcu.refuse_writes = STUB_NEVER;
    world_offer(&world);
    world_run(&world, 200);
    writes = stub_count(&world, 0x0442);
    assert_int_not_equal(writes, 0);
    stub_report(&world, TDM_DEVICE_FAILED, TDM_REASON_SIGNATURE);
    world_assert_failed(&world, TDM_REASON_SIGNATURE);
    world_run(&world, 5000);
    assert_int_equal(stub_count(&world, 0x0442), writes);
    assert_int_equal(stub_count(&world, 0x0444), 0);
    assert_int_equal(stub_count(&world, 0x0441), 1);
}

/* The MCU sends a report again after a second. The first one was lost. */
static void a_report_that_comes_late_still_gives_the_reason(void **state)
{
    (void)state;
    stub_report(&world, TDM_DEVICE_STARTED, 0);
    world.mcu.refuse_offer = true;
    world_offer(&world);
    world_run(&world, 1100);
    stub_report(&world, TDM_DEVICE_FAILED, TDM_REASON_HARDWARE);
    world_assert_failed(&world, TDM_REASON_HARDWARE);
}

/* Five resends are over sooner than that. What the device refuses for good is not offered to it again. */
static void so_does_one_that_comes_after_the_update_was_given_up(void **state)
{
    (void)state;
    for (uint32_t late_ms = 0; late_ms < 3000; late_ms += 500) {
        set_up(state);
        world.mcu.refuse_writes = STUB_NEVER;
        world_offer(&world);
        for (int i = 0; i < 5000 && stub_count(&world, 0x0444) == 0; i++)
            world_run(&world, 1);
        assert_int_equal(stub_count(&world, 0x0444), 1);
        world_run(&world, late_ms);
        stub_report(&world, TDM_DEVICE_FAILED, TDM_REASON_FLASH);
        world_run(&world, 5000);
        world_assert_failed(&world, TDM_REASON_FLASH);
        assert_int_equal(stub_count(&world, 0x0441), 1);
    }
}

static void an_mcu_that_falls_silent_ends_the_update_and_the_link(void **state)
{
    (void)state;
    world_offer(&world);
    world_run_until_written(&world, 512);
    world.mcu.mute = true;
    world_run(&world, 90000);
    world_assert_failed(&world, TDM_REASON_NO_ANSWER);
    assert_false(world.online);
}

static void an_mcu_that_never_starts_is_offered_three_times(void **state)
{
    (void)state;
    world.config.start_limit_ms = 60000;
    world.mcu.no_start = true;
    world_offer(&world);
    world_run(&world, 200000);
    world_assert_failed(&world, TDM_REASON_NO_START);
    assert_int_equal(stub_count(&world, 0x0441), 3);
}

static void the_next_firmware_is_offered_as_often(void **state)
{
    (void)state;
    world.config.start_limit_ms = 1000;
    world.mcu.no_start = true;
    world_offer(&world);
    world_run(&world, 20000);
    world_assert_failed(&world, TDM_REASON_NO_START);
    world.firmware.sha256[0] ^= 1;
    world_offer(&world);
    world_run(&world, 20000);
    assert_int_equal(world_count(&world, TDM_NCP_FAILED), 2);
    assert_int_equal(stub_count(&world, 0x0441), 6);
}

static void a_finish_refused_ends_the_update(void **state)
{
    (void)state;
    world.mcu.refuse_finish = true;
    world_offer(&world);
    world_run(&world, 5000);
    world_assert_failed(&world, TDM_REASON_FINISH_REFUSED);
    assert_true(world.online);
    assert_int_equal(tdm_ncp_state(&world.ncp), TDM_STATE_CONNECTED);
}

/* One in the field says no when a digest that it asks for meanwhile is lost on the way. */
static void a_finish_refused_without_a_reason_is_asked_for_again(void **state)
{
    (void)state;
    world.mcu.refuse_finishes = 2;
    world_offer(&world);
    world_run(&world, 5000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0443), 3);
}

static void a_lost_answer_to_finish_is_asked_for_again(void **state)
{
    (void)state;
    world.mcu.lose_finish_answers = 1;
    world_offer(&world);
    world_run(&world, 25000);
    world_assert_installed(&world);
    assert_int_equal(stub_count(&world, 0x0443), 2);
}

static void an_mcu_that_tells_reasons_is_asked_once(void **state)
{
    (void)state;
    stub_report(&world, TDM_DEVICE_STARTED, 0);
    world.mcu.refuse_finish = true;
    world_offer(&world);
    world_run(&world, 5000);
    world_assert_failed(&world, TDM_REASON_FINISH_REFUSED);
    assert_int_equal(stub_count(&world, 0x0443), 1);
}

static void an_answer_to_finish_that_never_comes_ends_the_update(void **state)
{
    (void)state;
    world.config.offers = 1;
    world.mcu.lose_finish_answers = STUB_NEVER;
    world_offer(&world);
    world_run(&world, 60000);
    world_assert_failed(&world, TDM_REASON_NO_ANSWER);
    assert_int_equal(stub_count(&world, 0x0443), 3);
}

static void a_file_that_cannot_be_read_is_cancelled(void **state)
{
    (void)state;
    world_offer(&world);
    world_run_until_written(&world, 256);
    world.read_error = TDM_E_TRUNCATED;
    world_run(&world, 500);
    world_assert_failed(&world, TDM_REASON_STORAGE);
    assert_int_equal(stub_count(&world, 0x0444), 1);
}

static void an_empty_file_is_no_firmware(void **state)
{
    (void)state;
    world.firmware.bytes = 0;
    assert_int_equal(tdm_ncp_offer(&world.ncp, &world.firmware, world.now_ms), TDM_E_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sends_the_whole_file_and_restarts_its_session),
        TEST(tells_each_stage),
        TEST(offers_what_the_firmware_says),
        TEST(an_offer_of_the_longest_texts_fits_the_smallest_buffer),
        TEST(waits_with_the_offer_until_initialize),
        TEST(is_in_state_11_while_the_mcu_takes_the_update),
        TEST(serves_the_digests_while_the_mcu_finishes),
        TEST(waits_for_an_mcu_that_erases_before_it_answers),
        TEST(sends_any_chunk_size_from_16_to_1520),
        TEST(sends_whole_program_units_to_an_mcu_that_takes_more),
        TEST(refuses_a_chunk_size_that_is_too_small),
        TEST(refuses_start_without_an_offer),
        TEST(an_offer_refused_ends_the_update),
        TEST(a_report_gives_the_reason_of_a_refused_offer),
        TEST(a_reason_that_came_before_is_the_reason_at_once),
        TEST(a_refused_chunk_goes_out_again),
        TEST(a_lost_answer_is_resent_after_a_resync),
        TEST(an_answer_later_than_the_resend_counts),
        TEST(a_chunk_refused_after_a_lost_answer_is_written_when_the_next_is_taken),
        TEST(the_last_chunk_refused_after_a_lost_answer_is_written_when_finish_is_true),
        TEST(it_is_not_when_finish_is_false),
        TEST(a_chunk_refused_to_the_end_is_offered_anew_when_the_next_is_refused_too),
        TEST(refused_in_every_try_it_fails),
        TEST(a_report_ends_the_transfer_at_once),
        TEST(a_report_that_comes_late_still_gives_the_reason),
        TEST(so_does_one_that_comes_after_the_update_was_given_up),
        TEST(an_mcu_that_falls_silent_ends_the_update_and_the_link),
        TEST(an_mcu_that_never_starts_is_offered_three_times),
        TEST(the_next_firmware_is_offered_as_often),
        TEST(a_finish_refused_ends_the_update),
        TEST(a_finish_refused_without_a_reason_is_asked_for_again),
        TEST(a_lost_answer_to_finish_is_asked_for_again),
        TEST(an_mcu_that_tells_reasons_is_asked_once),
        TEST(an_answer_to_finish_that_never_comes_ends_the_update),
        TEST(a_file_that_cannot_be_read_is_cancelled),
        TEST(an_empty_file_is_no_firmware),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
