/* Transfers that are cut off and go on (docs/EXTENSIONS.md, "otaUpdateResume"; docs/BOOT.md, R2). */
#include "tests/core/mcu/fixture.h"

#include <string.h>

#include "tandem/decode.h"

enum { PAGE = ERASE_BYTES, STARTS_MAX = 8 };

static struct fixture fixture;

static void start_on(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    fixture_init(f, program_bytes, program_once);
    f->ncp.knows_resume = true;
}

static int setup(void **state)
{
    start_on(&fixture, 8, false);
    *state = &fixture;
    return 0;
}

/* The rest of an update that was offered: what comes is the package, and pending. */
static void complete(struct fixture *f)
{
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(fixture_bank_b_holds_package(f));
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_PENDING);
    assert_int_equal(f->ram.violations, 0);
}

static uint32_t image_offset(const struct fixture *f, uint32_t position)
{
    return package_image(&f->package) + position;
}

/* Where a transfer that came to the file's offset goes on: the start of the last page that is programmed. */
static uint32_t expected(const struct fixture *f, uint32_t offset)
{
    uint32_t whole_units = (offset - package_image(&f->package)) & ~7u;

    return image_offset(f, (whole_units - 1) / PAGE * PAGE);
}

/* --- Where it goes on --- */

static void after_a_reset_it_goes_on_where_the_flash_ends(void **state)
{
    struct fixture *f = *state;
    uint32_t erases, pages;

    fixture_transfer_to(f, 6144);
    erases = f->ram.erases;
    fixture_power_up(f);
    fixture_bring_up(f);
    complete(f);
    assert_int_equal(f->ncp.resumes, 1);
    assert_int_equal(f->ncp.resume_at, expected(f, 6144));
    /* each page from there on once, and a unit of the record at most */
    pages = (f->package.length - f->ncp.resume_at + PAGE - 1) / PAGE;
    assert_in_range(f->ram.erases - erases, pages, pages + 1);
}

static void after_a_reset_at_any_chunk_it_goes_on_where_the_flash_ends(void **state)
{
    struct fixture *f = *state;

    for (uint32_t offset = 1024; offset < f->package.length; offset += 512) {
        start_on(f, 8, false);
        fixture_transfer_to(f, offset);
        fixture_power_up(f);
        fixture_bring_up(f);
        complete(f);
        assert_int_equal(f->ncp.resume_at, expected(f, offset));
    }
}

static void after_a_co_processor_that_restarts_it_goes_on(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 5120);
    f->ncp.state = 10;
    fixture_run(f, 12000);
    fixture_assert_ended(f, TDM_REASON_NCP_RESTART);
    complete(f);
    assert_int_equal(f->ncp.resume_at, expected(f, 5120));
}

static void after_restarts_of_both_it_goes_on(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 3072);
    f->ncp.state = 10;
    fixture_run(f, 12000);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_write(f, 0, 512), RESUMED);
    assert_int_equal(fixture_write(f, f->ncp.resume_at, 512), 1); /* in the middle of the second try */
    fixture_power_up(f);
    fixture_bring_up(f);
    complete(f);
    assert_int_equal(f->ncp.resume_at, expected(f, 3072));
}

static void after_a_minute_of_silence_it_goes_on(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 4096);
    fixture_run(f, 61000);
    fixture_assert_ended(f, TDM_REASON_SILENCE);
    complete(f);
    assert_int_equal(f->ncp.resume_at, expected(f, 4096));
}

static void after_a_cancel_or_an_offer_in_between_it_goes_on(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 4096);
    assert_int_equal(fixture_cancel(f), 0xEE);
    assert_int_equal(fixture_offer(f, "fridge", "1.1.0"), 0);
    complete(f);
    assert_int_equal(f->ncp.resume_at, expected(f, 4096));
}

static void a_transfer_cut_off_in_its_last_chunk_goes_on_there(void **state)
{
    struct fixture *f = *state;

    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    fixture_power_up(f);
    fixture_bring_up(f);
    complete(f);
    assert_int_equal(f->ncp.resume_at, image_offset(f, 8 * PAGE)); /* of 9001 bytes */
}

/* --- When it can not --- */

static void a_co_processor_that_does_not_know_how_sends_it_from_the_start(void **state)
{
    struct fixture *f = *state;

    f->ncp.knows_resume = false;
    fixture_transfer_to(f, 6144);
    fixture_power_up(f);
    fixture_bring_up(f);
    complete(f);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5402), 0);
}

static void a_co_processor_that_refuses_sends_it_from_the_start(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    fixture_power_up(f);
    f->ncp.refuses_resume = true;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_write(f, 0, 512), NO_ANSWER); /* it starts over */
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5402), 1);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 2);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(fixture_bank_b_holds_package(f));
}

static void the_next_offer_asks_it_again(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    assert_int_equal(fixture_cancel(f), 0xEE);
    f->ncp.refuses_resume = true;
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_write(f, 0, 512), NO_ANSWER);
    for (uint32_t at = 0; at < 4096; at += 512)
        assert_int_equal(fixture_write(f, at, 512), 1);
    assert_int_equal(fixture_cancel(f), 0xEE);
    f->ncp.refuses_resume = false;
    complete(f);
    assert_int_equal(f->ncp.resumes, 1);
    assert_int_equal(f->ncp.resume_at, expected(f, 4096));
}

static void a_record_that_can_not_be_written_meanwhile_ends_it(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    assert_int_equal(fixture_cancel(f), 0xEE);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    (void)fixture_send_chunk(f, 0, 512);
    while (f->mcu.log.record.state != TDM_BOOT_ERASING)
        fixture_run(f, 1);
    f->ram.broken_unit = true;
    f->ram.broken_from = FLASH_BASE;
    f->ram.broken_to = BANK_A;
    fixture_run(f, 50);
    assert_false(tdm_mcu_is_updating(&f->mcu));
    assert_int_equal(f->ended_reason, TDM_REASON_FLASH);
    assert_int_equal(f->ncp.resumes, 0);
}

static void an_answer_that_is_lost_is_known_by_the_data_that_follows(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    fixture_power_up(f);
    f->ncp.resume_losses = 1;
    fixture_bring_up(f);
    complete(f);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5402), 1);
}

static void a_place_in_the_file_that_is_not_the_one_asked_for_is_not_taken(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    fixture_power_up(f);
    f->ncp.image_at += 8;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_write(f, 0, 512), RESUMED);
    fixture_run(f, 50);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 2);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

/* The envelope is not signed, so the same image may come in another form. Where it goes on then, only the
 * co-processor knows; whether that lies in the payload, the device does, too. */
static void offer_it_encoded(struct fixture *f)
{
    static struct tdm_mcu_decoding decoding;

    start_on(f, 8, false);
    f->config.decoder = &tdm_mcu_decodes;
    f->config.decoding = &decoding;
    fixture_transfer_to(f, 4096);
    assert_int_equal(fixture_cancel(f), 0xEE);
    f->options.encoding = TDM_ENCODING_LZMA_FRAMED;
    fixture_build(f);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
}

static void a_place_outside_of_an_encoded_payload_is_not_taken(void **state)
{
    struct fixture *f = *state;

    for (int behind = 0; behind < 2; behind++) {
        offer_it_encoded(f);
        f->ncp.image_at = behind ? f->package.length + 1 : image_offset(f, 0) - 1;
        assert_int_equal(fixture_write(f, 0, 512), RESUMED);
        fixture_run(f, 50);
        assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 3);
    }
}

static void one_within_it_is(void **state)
{
    struct fixture *f = *state;

    offer_it_encoded(f);
    f->ncp.image_at = image_offset(f, 100);
    assert_int_equal(fixture_write(f, 0, 512), RESUMED);
    fixture_run(f, 50);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 2);
    assert_int_equal(fixture_write(f, image_offset(f, 100), 512), 0); /* taken: no frame starts there */
    fixture_assert_ended(f, TDM_REASON_PACKAGE);
}

static void another_image_is_taken_from_its_start(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    fixture_power_up(f);
    f->options.seed++;
    fixture_build(f);
    fixture_bring_up(f);
    complete(f);
    assert_int_equal(f->ncp.resumes, 0);
}

static void the_same_image_under_another_header_is_taken_from_its_start(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    fixture_power_up(f);
    f->options.counter++;
    fixture_build(f);
    fixture_bring_up(f);
    complete(f);
    assert_int_equal(f->ncp.resumes, 0);
}

static void a_tampered_front_is_refused_and_the_rest_still_goes_on(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    fixture_power_up(f);
    f->package.bytes[package_signature(&f->package)] ^= 1;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_in_range(fixture_transfer(f, 0), 0, 1024);
    fixture_build(f);
    complete(f);
    assert_int_equal(f->ncp.resumes, 1);
}

static void a_bank_that_lost_a_bit_of_its_table_is_written_from_the_start(void **state)
{
    struct fixture *f = *state;
    uint8_t *table;

    fixture_transfer_to(f, 6144);
    table = f->ram.bytes + (BANK_B + BANK_BYTES - ERASE_BYTES - 16 - FLASH_BASE);
    table[0] ^= 0x10;
    fixture_power_up(f);
    fixture_bring_up(f);
    complete(f);
    assert_int_equal(f->ncp.resumes, 0);
}

/* --- What was in flash is still checked --- */

static void a_digest_of_the_whole_file_is_still_compared(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    fixture_power_up(f);
    f->ncp.sha256[0] ^= 1;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 0);
    fixture_assert_ended(f, TDM_REASON_DIGEST);
}

/* The image in flash is damaged where nothing is written again: found, thrown away, and whole the next time.
 */
static void damage_below_the_place_is_found_in_the_end_and_the_next_transfer_is_whole(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 6144);
    f->ram.bytes[BANK_B + 100 - FLASH_BASE] ^= 1;
    fixture_power_up(f);
    f->ncp.digests = 0;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(f->ncp.resumes, 1);
    assert_int_equal(fixture_finish(f), 0);
    fixture_assert_ended(f, TDM_REASON_DIGEST);
    complete(f);
    assert_int_equal(f->ncp.resumes, 1);
}

/* --- Power cuts --- */

/* An image with more than two pages without a program. */
static void start_with_gap(struct fixture *f, uint32_t program_bytes, bool program_once, uint32_t image_bytes)
{
    start_on(f, program_bytes, program_once);
    f->options.image_bytes = image_bytes;
    f->options.blank_from = 1500;
    f->options.blank_to = 4100;
    fixture_build(f);
}

/* Cuts the power at one operation after the other, each counted from the cut before. Returns how many of them
 * happened. */
static unsigned survive_cuts(struct fixture *f, const uint32_t *operations, unsigned count,
                             enum ram_flash_cut cut)
{
    static unsigned cuts, starts; /* static: they survive the longjmp */

    cuts = 0;
    starts = 0;
    if (setjmp(f->ram.power) != 0)
        cuts++;
    assert_in_range(++starts, 1, STARTS_MAX);
    if (cuts > 0)
        fixture_power_up(f);
    if (cuts < count)
        ram_flash_cut(&f->ram, operations[cuts], cut, operations[0] * 31 + operations[count - 1] * 7 + cut);
    fixture_bring_up(f);
    complete(f);
    f->ram.armed = false;
    return cuts;
}

static void survive_each(uint32_t program_bytes, bool program_once, uint32_t image_bytes)
{
    for (int cut = RAM_FLASH_BEFORE; cut < RAM_FLASH_CUTS; cut++) {
        uint32_t operation = 0;

        do
            start_with_gap(&fixture, program_bytes, program_once, image_bytes);
        while (survive_cuts(&fixture, &operation, 1, (enum ram_flash_cut)cut) == 1 &&
               (operation += CUT_STRIDE) < 1000);
        assert_in_range(operation, 30, 999);
    }
}

/* The second cut at each of these operations after the first: erasing two pages, what is recorded around, and
 * the first chunks. */
enum { SECOND_CUTS = 8 };

static void survive_pairs(uint32_t program_bytes, bool program_once, uint32_t image_bytes)
{
    uint32_t operations[2];

    for (int cut = RAM_FLASH_TORN; cut < RAM_FLASH_AFTER; cut++) {
        for (operations[1] = 0; operations[1] < SECOND_CUTS; operations[1]++) {
            operations[0] = 18 + operations[1] % 2; /* the bank is erased, and part of it programmed */
            do {
                start_with_gap(&fixture, program_bytes, program_once, image_bytes);
                operations[0] += 2 * CUT_STRIDE;
            } while (survive_cuts(&fixture, operations, 2, (enum ram_flash_cut)cut) == 2);
        }
    }
}

static void cut_at_any_operation_the_update_still_arrives_whole(void **state)
{
    (void)state;
    survive_each(8, false, 4700);
}

static void so_does_one_on_flash_that_programs_a_unit_once(void **state)
{
    (void)state;
    survive_each(8, true, 4700);
}

static void so_does_one_whose_last_page_holds_the_table_too(void **state)
{
    (void)state;
    survive_each(16, true, BANK_BYTES - ERASE_BYTES - 200);
}

static void cut_twice_it_still_arrives_whole(void **state)
{
    (void)state;
    survive_pairs(8, false, 4700);
    survive_pairs(8, true, 4700);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(after_a_reset_it_goes_on_where_the_flash_ends),
        TEST(after_a_reset_at_any_chunk_it_goes_on_where_the_flash_ends),
        TEST(after_a_co_processor_that_restarts_it_goes_on),
        TEST(after_restarts_of_both_it_goes_on),
        TEST(after_a_minute_of_silence_it_goes_on),
        TEST(after_a_cancel_or_an_offer_in_between_it_goes_on),
        TEST(a_transfer_cut_off_in_its_last_chunk_goes_on_there),
        TEST(a_co_processor_that_does_not_know_how_sends_it_from_the_start),
        TEST(a_co_processor_that_refuses_sends_it_from_the_start),
        TEST(the_next_offer_asks_it_again),
        TEST(a_record_that_can_not_be_written_meanwhile_ends_it),
        TEST(an_answer_that_is_lost_is_known_by_the_data_that_follows),
        TEST(a_place_in_the_file_that_is_not_the_one_asked_for_is_not_taken),
        TEST(a_place_outside_of_an_encoded_payload_is_not_taken),
        TEST(one_within_it_is),
        TEST(another_image_is_taken_from_its_start),
        TEST(the_same_image_under_another_header_is_taken_from_its_start),
        TEST(a_tampered_front_is_refused_and_the_rest_still_goes_on),
        TEST(a_bank_that_lost_a_bit_of_its_table_is_written_from_the_start),
        TEST(a_digest_of_the_whole_file_is_still_compared),
        TEST(damage_below_the_place_is_found_in_the_end_and_the_next_transfer_is_whole),
        TEST(cut_at_any_operation_the_update_still_arrives_whole),
        TEST(so_does_one_on_flash_that_programs_a_unit_once),
        TEST(so_does_one_whose_last_page_holds_the_table_too),
        TEST(cut_twice_it_still_arrives_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
