#include "tests/core/mcu/fixture.h"

#include <string.h>

static struct fixture fixture;

static int setup(void **state)
{
    fixture_init(&fixture, 8, false);
    *state = &fixture;
    return 0;
}

/* --- The whole --- */

static void update_whole(struct fixture *f)
{
    fixture_accept(f);
    assert_int_equal(f->ncp.chunk, 512);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(f->done, f->package.length);
    assert_int_equal(f->total, f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    fixture_run(f, 150);
    assert_int_equal(f->resets, 1);
    assert_int_equal(f->reset_cause, TDM_RESET_SOFT);
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_PENDING);
    assert_int_equal(f->mcu.log.record.target, 1);
    assert_int_equal(f->mcu.log.record.attempts_left, 3);
    assert_memory_equal(f->mcu.log.record.target_digest, f->package.digest, TDM_DIGEST_PREFIX_BYTES);
    assert_true(fixture_bank_b_holds_package(f));
    assert_int_equal(f->ram.violations, 0);
}

static void an_update_arrives_whole_and_is_left_pending(void **state)
{
    update_whole(*state);
}

static void flash_of_every_program_unit_is_programmed_in_whole_units(void **state)
{
    static const uint32_t units[] = {4, 8, 16, 32};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        fixture_init(f, units[i], i % 2 == 1);
        update_whole(f);
    }
}

static void chunks_of_any_size_give_the_same_bank(void **state)
{
    static const uint16_t sizes[] = {64, 65, 67, 100, 255, 509};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fixture_init(f, 8, false);
        fixture_accept(f);
        f->ncp.chunk = sizes[i];
        assert_int_equal(fixture_transfer(f, 0), f->package.length);
        assert_int_equal(fixture_finish(f), 1);
        assert_true(fixture_bank_b_holds_package(f));
    }
}

static void it_may_ask_for_small_chunks_and_for_large_ones(void **state)
{
    static const uint16_t sizes[] = {64, 128, 1024};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fixture_init(f, 8, false);
        f->config.chunk_bytes = sizes[i];
        f->config.rx_bytes = sizes[i] + (size_t)TDM_MCU_CHUNK_OVERHEAD;
        if (f->config.rx_bytes < TDM_MCU_RX_BYTES_MIN)
            f->config.rx_bytes = TDM_MCU_RX_BYTES_MIN;
        fixture_accept(f);
        assert_int_equal(f->ncp.chunk, sizes[i]);
        assert_int_equal(fixture_transfer(f, 0), f->package.length);
        assert_int_equal(fixture_finish(f), 1);
        assert_true(fixture_bank_b_holds_package(f));
    }
}

static void an_image_without_relocations_that_runs_anywhere_is_placed_as_it_is(void **state)
{
    struct fixture *f = *state;

    f->options.relocations = false;
    f->options.link_address = TDM_LINK_ANYWHERE;
    fixture_build(f);
    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    assert_memory_equal(ram_flash_at(&f->ram, BANK_B), f->package.bytes + package_image(&f->package),
                        f->package.image_bytes);
}

static void erasing_takes_one_unit_at_a_time_and_the_whole_bank_once(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 1024);
    assert_int_equal(f->longest_erase_run, 1);
    /* and one unit of the boot record at most */
    assert_in_range(f->ram.erases, BANK_BYTES / ERASE_BYTES, BANK_BYTES / ERASE_BYTES + 1);
    assert_true(f->feeds >= f->ram.erases);
}

/* One turn of an application's loop on a part that stands still while it erases; what the co-processor says
 * to that arrives in the turn after the next. */
static void turn_slowly(struct fixture *f, uint32_t erase_ms)
{
    static uint8_t late[sizeof f->ncp.out];
    static size_t late_length;
    uint32_t erases = f->ram.erases;
    uint8_t bytes[50];
    size_t count;

    tdm_mcu_receive(&f->mcu, late, late_length, f->now_ms);
    late_length = f->ncp.out_length;
    memcpy(late, f->ncp.out, late_length);
    f->ncp.out_length = 0;
    (void)tdm_mcu_poll(&f->mcu, f->now_ms);
    f->now_ms += (f->ram.erases - erases) * erase_ms + 1;
    while ((count = tdm_mcu_pull(&f->mcu, bytes, sizeof bytes, f->now_ms)) > 0)
        ncp_stub_receive(&f->ncp, bytes, count, f->baud, f->now_ms);
}

/* The link's own questions go out before an erase that takes longer than their time. */
static void erases_of_a_second_and_more_are_no_silence_of_the_co_processor(void **state)
{
    struct fixture *f = *state;
    uint32_t erases, start_ms;

    fixture_accept(f);
    erases = f->ram.erases;
    start_ms = f->now_ms;
    fixture_send_chunk(f, 0, f->ncp.chunk);
    while (f->now_ms - start_ms < 25000)
        turn_slowly(f, 1500);
    assert_int_equal(f->ram.erases - erases, BANK_BYTES / ERASE_BYTES + 1); /* and a record unit */
    assert_int_equal(f->events[TDM_MCU_LINK_DOWN], 0);
    assert_true(tdm_mcu_is_updating(&f->mcu));
    assert_int_equal(fixture_transfer(f, f->ncp.chunk), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

static void an_update_works_with_a_co_processor_that_knows_no_extension_and_no_digest(void **state)
{
    struct fixture *f = *state;

    f->ncp.has_uid_status = 0x13;
    f->ncp.digests = 0;
    update_whole(f);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5401), 0);
}

static void an_update_works_with_a_co_processor_that_never_answers_what_it_does_not_know(void **state)
{
    struct fixture *f = *state;

    f->ncp.has_uid_status = -1;
    f->ncp.digests = -1;
    fixture_start(f);
    fixture_run(f, 3000);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

/* --- Chunks --- */

static void a_repeated_chunk_is_taken_as_written(void **state)
{
    struct fixture *f = *state;
    uint32_t programmed;

    fixture_transfer_to(f, 2048);
    programmed = f->ram.programmed_bytes;
    assert_int_equal(fixture_write(f, 1536, 512), 1);
    assert_int_equal(fixture_write(f, 1536, 512), 1);
    assert_int_equal(f->ram.programmed_bytes, programmed);
    assert_int_equal(fixture_transfer(f, 2048), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

static void a_chunk_whose_answer_was_lost_goes_on(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 1024);
    f->lost_until_ms = f->now_ms + 100;
    assert_int_equal(fixture_write(f, 1024, 512), NO_ANSWER);
    assert_int_equal(fixture_write(f, 1024, 512), 1);
    assert_int_equal(fixture_transfer(f, 1536), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

static void a_chunk_sent_again_while_it_is_worked_on_is_answered_once_it_is_done(void **state)
{
    struct fixture *f = *state;
    uint8_t args[600];
    uint32_t crc;
    uint16_t first, second;

    fixture_transfer_to(f, 512);
    memset(args, 0, 8);
    args[1] = 2;
    args[5] = 2;
    memcpy(args + 6, f->package.bytes + 512, 512);
    crc = package_crc32(f->package.bytes + 512, 512);
    for (int i = 0; i < 4; i++)
        args[518 + i] = (uint8_t)(crc >> 8 * i);
    first = ncp_stub_invoke(&f->ncp, 0x0442, args, 522);
    second = ncp_stub_invoke(&f->ncp, 0x0442, args, 522);
    fixture_run(f, 100);
    assert_int_not_equal(first, second);
    assert_int_equal(f->ncp.last_answer_id, second);
    assert_int_equal(f->ncp.last_value, 1);
    assert_int_equal(fixture_transfer(f, 1024), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

static void start_unheard(struct fixture *f)
{
    fixture_bring_up(f);
    f->ncp.start_losses = 1;
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(f->ncp.start_losses, 0);
}

static void a_start_whose_answer_was_lost_was_heard_if_its_first_chunk_comes(void **state)
{
    struct fixture *f = *state;

    start_unheard(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 1);
}

/* Late, of a transfer before. */
static void another_chunk_is_no_answer_to_a_start(void **state)
{
    struct fixture *f = *state;

    start_unheard(f);
    assert_int_equal(fixture_write(f, f->ncp.chunk, f->ncp.chunk), 0);
    fixture_run(f, 3000);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 2);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
}

static void a_damaged_chunk_is_refused_and_may_be_sent_again(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 1024);
    assert_int_equal(fixture_write_raw(f, 1024, f->package.bytes + 1024, 512, 0x12345678), 0);
    assert_int_equal(fixture_transfer(f, 1024), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

static void a_chunk_out_of_order_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 1024);
    assert_int_equal(fixture_write(f, 2048, 512), 0);
    assert_int_equal(fixture_write(f, 0, 512), 0);
    assert_int_equal(fixture_transfer(f, 1024), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

static void chunks_that_are_bad_again_and_again_end_the_update(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 1024);
    for (int i = 0; i < 8; i++)
        assert_int_equal(fixture_write(f, 4096, 512), 0);
    fixture_run(f, 10);
    fixture_assert_ended(f, TDM_REASON_CHUNK);
}

static void a_chunk_larger_than_asked_for_is_refused(void **state)
{
    struct fixture *f = *state;

    fixture_accept(f);
    /* It does not even fit the receive buffer: the frame is dropped. */
    assert_int_equal(fixture_write(f, 0, 600), NO_ANSWER);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
}

static void bytes_behind_the_end_of_the_file_are_refused(void **state)
{
    static const uint8_t more[64] = {0x5A};
    struct fixture *f = *state;
    uint32_t programmed;

    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    programmed = f->ram.programmed_bytes;
    assert_int_equal(
        fixture_write_raw(f, f->package.length, more, sizeof more, package_crc32(more, sizeof more)), 0);
    assert_int_equal(f->ram.programmed_bytes, programmed);
    assert_int_equal(fixture_finish(f), 1);
}

static void a_chunk_without_an_offer_is_refused(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    assert_int_equal(fixture_write(f, 0, 512), 0);
    assert_int_equal(fixture_finish(f), 0);
}

/* --- Ends --- */

static void cancel_ends_the_update_in_every_state(void **state)
{
    struct fixture *f = *state;

    for (uint32_t offset = 0; offset <= 2048; offset += 512) {
        fixture_init(f, 8, false);
        fixture_transfer_to(f, offset);
        assert_int_equal(fixture_cancel(f), 0xEE); /* status only */
        fixture_assert_ended(f, TDM_REASON_CANCELLED);
        assert_int_equal(fixture_write(f, offset, 512), 0);
    }
    fixture_init(f, 8, false);
    f->moment = false;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_int_equal(fixture_cancel(f), 0xEE);
    fixture_assert_ended(f, TDM_REASON_CANCELLED);
    fixture_run(f, 1000);
    assert_int_equal(fixture_cancel(f), 0xEE); /* nothing to cancel */
    assert_int_equal(f->events[TDM_MCU_UPDATE_ENDED], 1);
}

static void a_minute_of_silence_ends_the_update(void **state)
{
    struct fixture *f = *state;
    uint8_t reason;

    fixture_transfer_to(f, 1024);
    fixture_run(f, 59000);
    assert_true(tdm_mcu_is_updating(&f->mcu));
    fixture_run(f, 2000);
    fixture_assert_ended(f, TDM_REASON_SILENCE);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_SILENCE);
}

/* What was refused before it started is no bad chunk. */
static void so_does_one_after_a_start_that_was_refused_at_first(void **state)
{
    struct fixture *f = *state;

    f->ncp.start_refusals = 1;
    fixture_accept(f);
    fixture_run(f, 61000);
    fixture_assert_ended(f, TDM_REASON_SILENCE);
}

static void a_new_offer_replaces_the_one_under_way(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 2048);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_int_equal(f->ended_reason, TDM_REASON_SUPERSEDED);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(fixture_bank_b_holds_package(f));
}

static void an_offer_after_finish_is_refused(void **state)
{
    struct fixture *f = *state;

    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    assert_int_equal(fixture_offer_package(f), 0);
    fixture_run(f, 150);
    assert_int_equal(f->resets, 1);
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_PENDING);
}

/* It asks for digests before it answers, and waits for those that nobody tells. */
static void so_is_one_while_it_finishes(void **state)
{
    struct fixture *f = *state;

    f->ncp.digests = -1;
    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    (void)ncp_stub_invoke(&f->ncp, 0x0443, NULL, 0);
    fixture_run(f, 100);
    assert_int_equal(fixture_offer_package(f), 0);
    fixture_run(f, 20000);
    assert_int_equal(f->resets, 1);
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_PENDING);
}

static void finishing_too_early_fails(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 4096);
    assert_int_equal(fixture_finish(f), 0);
    fixture_assert_ended(f, TDM_REASON_CHUNK);
}

static void a_digest_of_the_co_processors_that_differs_fails(void **state)
{
    struct fixture *f = *state;

    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    f->ncp.sha256[3] ^= 1;
    assert_int_equal(fixture_finish(f), 0);
    fixture_assert_ended(f, TDM_REASON_DIGEST);

    fixture_init(f, 8, false);
    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    f->ncp.crc32 ^= 1;
    assert_int_equal(fixture_finish(f), 0);
    fixture_assert_ended(f, TDM_REASON_DIGEST);
}

static void an_image_that_differs_from_the_signed_digest_fails(void **state)
{
    struct fixture *f = *state;
    uint32_t at = package_image(&f->package) + 5000;

    fixture_accept(f);
    f->ncp.digests = 0; /* it would tell, too */
    f->package.bytes[at] ^= 0x40;
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 0);
    fixture_assert_ended(f, TDM_REASON_DIGEST);
    assert_int_equal(f->mcu.log.record.last_reason, TDM_REASON_DIGEST);
}

static void a_relocation_table_that_differs_from_the_signed_digest_fails_before_the_image(void **state)
{
    struct fixture *f = *state;

    fixture_accept(f);
    f->package.bytes[package_table(&f->package) + 14] ^= 1;
    assert_in_range(fixture_transfer(f, 0), 0, 1024);
    fixture_assert_ended(f, TDM_REASON_RELOCATIONS);
    assert_int_equal(ram_flash_at(&f->ram, BANK_B)[0], 0xFF);
}

static void an_image_that_can_not_start_fails(void **state)
{
    struct fixture *f = *state;

    f->check_image = TDM_E_VECTOR;
    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 0);
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_IDLE);
}

static void break_bank_b(struct fixture *f, uint32_t from, uint32_t to)
{
    f->ram.broken_unit = true;
    f->ram.broken_from = BANK_B + from;
    f->ram.broken_to = BANK_B + to;
}

static void flash_that_can_not_be_erased_or_programmed_ends_the_update(void **state)
{
    struct fixture *f = *state;

    break_bank_b(f, 2048, 3072);
    fixture_accept(f);
    assert_in_range(fixture_transfer(f, 0), 0, 1024);
    fixture_assert_ended(f, TDM_REASON_FLASH);
}

/* The front comes whole, and the bank is erased, before the flash fails. */
static void so_does_flash_that_does_not_take_the_relocation_table(void **state)
{
    struct fixture *f = *state;
    uint32_t front_bytes;

    fixture_accept(f);
    front_bytes = package_table(&f->package);
    f->ncp.chunk = (uint16_t)((front_bytes + 1) / 2);
    assert_int_equal(fixture_write(f, 0, f->ncp.chunk), 1);
    assert_int_equal(fixture_write(f, f->ncp.chunk, front_bytes - f->ncp.chunk), 1);
    break_bank_b(f, 0, BANK_BYTES);
    assert_in_range(fixture_transfer(f, front_bytes), front_bytes, front_bytes + 1024);
    fixture_assert_ended(f, TDM_REASON_FLASH);
}

static void a_header_that_does_not_read_back_ends_the_update(void **state)
{
    struct fixture *f = *state;

    break_bank_b(f, BANK_BYTES - ERASE_BYTES, BANK_BYTES);
    f->ram.silently = true;
    fixture_accept(f);
    assert_in_range(fixture_transfer(f, 0), 0, 1024);
    fixture_assert_ended(f, TDM_REASON_FLASH);
}

/* The device starts again after an update that arrived whole, with the record in this state. */
static void start_again(struct fixture *f, enum tdm_boot_state state)
{
    struct tdm_record record = f->mcu.log.record;

    record.state = (uint8_t)state;
    record.target = state == TDM_BOOT_IDLE ? TDM_NO_BANK : 1;
    assert_int_equal(tdm_record_append(&f->mcu.log, &record), TDM_OK);
    ncp_stub_init(&f->ncp);
    fixture_build(f);
    f->ncp.digests = 1;
    f->resets = 0;
    f->ram.erases = 0;
}

static void a_bank_that_holds_the_package_already_is_not_erased_again(void **state)
{
    struct fixture *f = *state;

    update_whole(f);
    start_again(f, TDM_BOOT_IDLE); /* the trial was rolled back without blame on the image */
    break_bank_b(f, 0, BANK_BYTES);
    update_whole(f);
    assert_int_equal(f->ram.erases, 0);
}

static void a_bank_whose_erase_was_cut_off_is_erased_whatever_it_seems_to_hold(void **state)
{
    struct fixture *f = *state;

    update_whole(f);
    start_again(f, TDM_BOOT_ERASING);
    update_whole(f);
    assert_in_range(f->ram.erases, BANK_BYTES / ERASE_BYTES, BANK_BYTES / ERASE_BYTES + 2);
}

static void transfers_without_a_confirm_are_delayed_more_and_more(void **state)
{
    struct fixture *f = *state;
    struct tdm_record_log log;
    struct tdm_record record;

    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    record = log.record;
    record.starts = 7;
    assert_int_equal(tdm_record_append(&log, &record), TDM_OK);
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    fixture_run(f, 58000);
    assert_int_equal(f->ncp.chunk, 0);
    fixture_run(f, 3000);
    assert_int_equal(f->ncp.chunk, 512);
}

/* --- The link --- */

static void a_co_processor_that_restarts_ends_the_update_and_is_initialized_anew(void **state)
{
    struct fixture *f = *state;
    size_t initialized;

    fixture_transfer_to(f, 2048);
    initialized = ncp_stub_count(&f->ncp, 0x0301);
    f->ncp.state = 10;
    fixture_run(f, 12000);
    fixture_assert_ended(f, TDM_REASON_NCP_RESTART);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0301), initialized + 1);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_update_arrives_whole_and_is_left_pending),
        TEST(flash_of_every_program_unit_is_programmed_in_whole_units),
        TEST(chunks_of_any_size_give_the_same_bank),
        TEST(it_may_ask_for_small_chunks_and_for_large_ones),
        TEST(an_image_without_relocations_that_runs_anywhere_is_placed_as_it_is),
        TEST(erasing_takes_one_unit_at_a_time_and_the_whole_bank_once),
        TEST(erases_of_a_second_and_more_are_no_silence_of_the_co_processor),
        TEST(an_update_works_with_a_co_processor_that_knows_no_extension_and_no_digest),
        TEST(an_update_works_with_a_co_processor_that_never_answers_what_it_does_not_know),
        TEST(a_repeated_chunk_is_taken_as_written),
        TEST(a_chunk_whose_answer_was_lost_goes_on),
        TEST(a_chunk_sent_again_while_it_is_worked_on_is_answered_once_it_is_done),
        TEST(a_damaged_chunk_is_refused_and_may_be_sent_again),
        TEST(a_chunk_out_of_order_is_refused_and_changes_nothing),
        TEST(chunks_that_are_bad_again_and_again_end_the_update),
        TEST(a_chunk_larger_than_asked_for_is_refused),
        TEST(bytes_behind_the_end_of_the_file_are_refused),
        TEST(a_chunk_without_an_offer_is_refused),
        TEST(cancel_ends_the_update_in_every_state),
        TEST(a_minute_of_silence_ends_the_update),
        TEST(so_does_one_after_a_start_that_was_refused_at_first),
        TEST(a_new_offer_replaces_the_one_under_way),
        TEST(an_offer_after_finish_is_refused),
        TEST(so_is_one_while_it_finishes),
        TEST(a_start_whose_answer_was_lost_was_heard_if_its_first_chunk_comes),
        TEST(another_chunk_is_no_answer_to_a_start),
        TEST(finishing_too_early_fails),
        TEST(a_digest_of_the_co_processors_that_differs_fails),
        TEST(an_image_that_differs_from_the_signed_digest_fails),
        TEST(a_relocation_table_that_differs_from_the_signed_digest_fails_before_the_image),
        TEST(an_image_that_can_not_start_fails),
        TEST(flash_that_can_not_be_erased_or_programmed_ends_the_update),
        TEST(so_does_flash_that_does_not_take_the_relocation_table),
        TEST(a_header_that_does_not_read_back_ends_the_update),
        TEST(a_bank_that_holds_the_package_already_is_not_erased_again),
        TEST(a_bank_whose_erase_was_cut_off_is_erased_whatever_it_seems_to_hold),
        TEST(transfers_without_a_confirm_are_delayed_more_and_more),
        TEST(a_co_processor_that_restarts_ends_the_update_and_is_initialized_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
