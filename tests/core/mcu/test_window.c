/* When chunks are answered: after the flash, before it, or two in flight (docs/EXTENSIONS.md,
 * "otaUpdateWindow"). */
#include "tests/core/mcu/fixture.h"

static struct fixture fixture;

static int setup(void **state)
{
    fixture_init(&fixture, 8, false);
    fixture.config.stream = &tdm_mcu_streams;
    fixture.ncp.knows_window = true;
    *state = &fixture;
    return 0;
}

/* The answers since the counter was at from, in order. */
static void assert_answers(const struct fixture *f, uint32_t from, const uint16_t *ids, const uint8_t *values,
                           uint32_t count)
{
    assert_int_equal(f->ncp.answers - from, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(f->ncp.answered[(from + i) % 16], ids[i]);
        assert_int_equal(f->ncp.answer_values[(from + i) % 16], values[i]);
    }
}

static void finish(struct fixture *f, uint32_t offset)
{
    assert_int_equal(fixture_transfer(f, offset), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(fixture_bank_b_holds_package(f));
    assert_int_equal(f->ram.violations, 0);
}

/* --- Two in flight --- */

static void the_window_is_asked_for_once_the_bank_is_erased(void **state)
{
    struct fixture *f = *state;
    const struct ncp_stub_call *call;

    fixture_accept(f);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5404), 0);
    assert_int_equal(fixture_write(f, 0, 512), 1);
    call = ncp_stub_last(&f->ncp, 0x5404);
    assert_non_null(call);
    assert_int_equal(call->args[0], 2);
    assert_in_range(f->ram.erases, BANK_BYTES / ERASE_BYTES, BANK_BYTES / ERASE_BYTES + 1);
    finish(f, 512);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5404), 1);
}

static void two_chunks_that_come_at_once_are_both_taken_in_order(void **state)
{
    struct fixture *f = *state;
    uint32_t answers;
    uint16_t ids[2];

    fixture_transfer_to(f, 1024);
    answers = f->ncp.answers;
    ids[0] = fixture_send_chunk(f, 1024, 512);
    ids[1] = fixture_send_chunk(f, 1536, 512);
    fixture_run(f, 10);
    assert_answers(f, answers, ids, (const uint8_t[]){1, 1}, 2);
    finish(f, 2048);
}

static void a_chunk_is_in_flash_before_it_is_answered(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 2048);
    f->ram.broken_unit = true;
    f->ram.broken_from = BANK_B;
    f->ram.broken_to = BANK_B + BANK_BYTES;
    assert_int_equal(fixture_write(f, 2048, 512), 0);
    fixture_assert_ended(f, TDM_REASON_FLASH);
}

static void a_gap_is_refused_and_both_chunks_are_taken_afterwards(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 1024);
    assert_int_equal(fixture_write(f, 1536, 512), 0);
    finish(f, 1024);
}

static void either_of_the_last_two_may_come_again(void **state)
{
    struct fixture *f = *state;
    uint32_t programmed;

    fixture_transfer_to(f, 2048);
    programmed = f->ram.programmed_bytes;
    assert_int_equal(fixture_write(f, 1024, 512), 1);
    assert_int_equal(fixture_write(f, 1536, 512), 1);
    assert_int_equal(fixture_write(f, 512, 512), 0);
    assert_int_equal(f->ram.programmed_bytes, programmed);
    finish(f, 2048);
}

static void a_write_that_fails_ends_what_is_behind_it_too(void **state)
{
    struct fixture *f = *state;
    uint32_t answers;
    uint16_t ids[2];
    uint8_t reason;

    fixture_transfer_to(f, 2048);
    f->ram.broken_unit = true;
    f->ram.broken_from = BANK_B;
    f->ram.broken_to = BANK_B + BANK_BYTES;
    answers = f->ncp.answers;
    ids[0] = fixture_send_chunk(f, 2048, 512);
    ids[1] = fixture_send_chunk(f, 2560, 512);
    fixture_run(f, 10);
    assert_int_equal(f->ncp.answers - answers, 2);
    assert_int_equal(f->ncp.answer_values[answers % 16], 0);
    assert_int_equal(f->ncp.answer_values[(answers + 1) % 16], 0);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_FLASH);
    assert_int_equal(ids[0] + 1, ids[1]);
    fixture_assert_ended(f, TDM_REASON_FLASH);
}

static void after_a_resume_it_is_asked_for_again(void **state)
{
    struct fixture *f = *state;

    f->ncp.knows_resume = true;
    fixture_transfer_to(f, 4096);
    assert_int_equal(fixture_cancel(f), 0xEE);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    finish(f, 0);
    assert_int_equal(f->ncp.resumes, 1);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5404), 2);
}

/* --- Before the flash --- */

static int setup_early(void **state)
{
    (void)setup(state);
    fixture.ncp.knows_window = false;
    return 0;
}

static void without_a_window_the_answer_goes_before_the_flash(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 2048);
    fixture_run(f, 5); /* what is answered goes to flash */
    f->ram.broken_unit = true;
    f->ram.broken_from = BANK_B;
    f->ram.broken_to = BANK_B + BANK_BYTES;
    assert_int_equal(fixture_write(f, 2048, 512), 1);
    fixture_run(f, 10);
    fixture_assert_ended(f, TDM_REASON_FLASH);
    assert_int_equal(fixture_write(f, 2560, 512), 0); /* the failure is this one's answer */
}

static void so_the_failure_of_the_last_one_is_the_answer_to_finish(void **state)
{
    struct fixture *f = *state;
    uint32_t last = (f->package.length - 1) / 512 * 512;

    fixture_transfer_to(f, last);
    fixture_run(f, 5);
    f->ram.broken_unit = true;
    f->ram.broken_from = BANK_B;
    f->ram.broken_to = BANK_B + BANK_BYTES;
    assert_int_equal(fixture_write(f, last, f->package.length - last), 1);
    assert_int_equal(fixture_finish(f), 0);
    fixture_assert_ended(f, TDM_REASON_FLASH);
}

static void finish_that_comes_with_the_last_chunk_finds_it_in_flash(void **state)
{
    struct fixture *f = *state;
    uint32_t last = (f->package.length - 1) / 512 * 512;

    fixture_transfer_to(f, last);
    (void)fixture_send_chunk(f, last, f->package.length - last);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(fixture_bank_b_holds_package(f));
}

static void a_chunk_before_the_erase_is_answered_after_it(void **state)
{
    struct fixture *f = *state;
    uint32_t answers;

    fixture_accept(f);
    answers = f->ncp.answers;
    (void)fixture_send_chunk(f, 0, 512);
    fixture_run(f, 5); /* erasing takes a poll per page */
    assert_int_equal(f->ncp.answers, answers);
    fixture_run(f, 50);
    assert_int_equal(f->ncp.answers, answers + 1);
    finish(f, 512);
}

static void a_driver_without_a_buffer_has_each_chunk_answered_after_the_flash(void **state)
{
    struct fixture *f = *state;

    f->ncp.knows_window = true;
    f->config.stream = NULL;
    fixture_transfer_to(f, 2048);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5404), 0);
    f->ram.broken_unit = true;
    f->ram.broken_from = BANK_B;
    f->ram.broken_to = BANK_B + BANK_BYTES;
    assert_int_equal(fixture_write(f, 2048, 512), 0);
}

#define TEST(name)  cmocka_unit_test_setup(name, setup)
#define EARLY(name) cmocka_unit_test_setup(name, setup_early)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_window_is_asked_for_once_the_bank_is_erased),
        TEST(two_chunks_that_come_at_once_are_both_taken_in_order),
        TEST(a_chunk_is_in_flash_before_it_is_answered),
        TEST(a_gap_is_refused_and_both_chunks_are_taken_afterwards),
        TEST(either_of_the_last_two_may_come_again),
        TEST(a_write_that_fails_ends_what_is_behind_it_too),
        TEST(after_a_resume_it_is_asked_for_again),
        EARLY(without_a_window_the_answer_goes_before_the_flash),
        EARLY(so_the_failure_of_the_last_one_is_the_answer_to_finish),
        EARLY(finish_that_comes_with_the_last_chunk_finds_it_in_flash),
        EARLY(a_chunk_before_the_erase_is_answered_after_it),
        EARLY(a_driver_without_a_buffer_has_each_chunk_answered_after_the_flash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
