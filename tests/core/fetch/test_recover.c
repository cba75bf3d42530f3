/* No image is left to start: it writes at once, and stays until one is there. */
#include "bench.h"

static void without_an_image_it_writes_in_the_first_pass(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(bench.starts, 1);
    bench_assert_pending(f);
}

static uint32_t vectors_at;

static int note_vectors(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                        uint32_t address)
{
    vectors_at = address;
    return bench_any_image(ctx, flash, bank, address);
}

static void the_vector_table_is_looked_at_where_the_manifest_says(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    f->options.entry = 512;
    fixture_build(f);
    bench.product.check_image = note_vectors;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(vectors_at, BANK_A + 512);
    bench_assert_pending(f);
}

static int refuse_vectors(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                          uint32_t address)
{
    (void)bench_any_image(ctx, flash, bank, address);
    return TDM_E_VECTOR;
}

static void an_image_that_cannot_start_is_not_tried(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.product.check_image = refuse_vectors;
    assert_false(bench_runs_for(f, 20000, &bench_nothing));
    assert_int_equal(bench.refusals, 1);
    assert_int_equal(bench_record(f).state, TDM_BOOT_RECEIVING);
}

static void with_two_banks_and_no_image_it_recovers_the_first(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_in(f, 8, false);
    f->layout.bank[1].bytes = BANK_BYTES;
    ram_flash_garble(&f->ram, &f->layout.bank[0], 1);
    ram_flash_garble(&f->ram, &f->layout.bank[1], 2);
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    bench_assert_pending(f);
}

static void without_a_record_it_makes_one(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    ram_flash_blank(&f->ram, &f->layout.record[0]);
    ram_flash_blank(&f->ram, &f->layout.record[1]);
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_true(bench_holds_package(f));
    assert_int_equal(bench_record(f).state, TDM_BOOT_PENDING);
}

static void ship_a_sound_one(struct fixture *f)
{
    uint8_t reason;

    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_DIGEST);
    assert_int_equal(bench_record(f).active, TDM_NO_BANK);
    fixture_build(f);
    bench.offers = 1;
    bench.on_refusal = NULL;
}

static void after_a_failure_it_stays_and_takes_the_next_offer(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    f->package.bytes[f->package.length - 1] ^= 1;
    bench.on_refusal = ship_a_sound_one;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(bench.refusals, 1);
    assert_int_equal(bench.starts, 2);
    bench_assert_pending(f);
}

static void spoil_what_is_written(struct fixture *f)
{
    if (bench.starts == 2)
        f->package.bytes[f->package.length - 1] ^= 1;
}

/* The image was intact before; the one that was to replace it is not. */
static void once_the_image_is_given_up_it_stays_too(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.on_start = spoil_what_is_written;
    bench.on_refusal = ship_a_sound_one;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(bench.refusals, 1);
    assert_int_equal(bench.starts, 3);
    bench_assert_pending(f);
}

/* Whichever page it is, nothing is programmed after it. */
static void a_page_that_cannot_be_erased_ends_it(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    for (uint32_t page = 0; page < BANK_BYTES; page += ERASE_BYTES) {
        uint32_t programmed;
        uint8_t reason;

        bench_start_without_image(f);
        f->ram.broken_unit = true;
        f->ram.broken_from = BANK_A + page;
        f->ram.broken_to = BANK_A + page + ERASE_BYTES;
        programmed = f->ram.programmed_bytes;
        assert_false(bench_runs_for(f, LONG_MS, &bench_nothing));
        assert_int_equal(fixture_last_report(f, &reason), 2);
        assert_int_equal(reason, TDM_REASON_FLASH);
        assert_int_equal(bench_record(f).state, TDM_BOOT_ERASING);
        assert_int_equal(f->ram.programmed_bytes - programmed, TDM_RECORD_ENTRY_BYTES);
    }
}

/* Nobody takes the file any more. */
static void send_one_chunk_more(struct fixture *f)
{
    if (bench.refusals == 1) {
        bench.at = 0;
        bench_send_chunk(f);
    } else {
        ship_a_sound_one(f);
    }
}

static void a_chunk_after_a_failure_is_refused(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    f->package.bytes[f->package.length - 1] ^= 1;
    bench.on_refusal = send_one_chunk_more;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(bench.refusals, 2);
    assert_int_equal(bench.starts, 2); /* of the spoilt one and the sound one: that chunk began nothing */
    bench_assert_pending(f);
}

static void let_the_next_one_fail_before_its_start(struct fixture *f)
{
    bench.offers = 1;
    f->ncp.prefetch = TDM_PREFETCH_GENERIC;
}

static void a_call_that_was_answered_is_not_answered_again(void **state)
{
    struct fixture *f = &fixture;
    uint8_t reason;

    (void)state;
    bench_start_without_image(f);
    f->package.bytes[f->package.length - 1] ^= 1;
    bench.on_refusal = let_the_next_one_fail_before_its_start;
    assert_false(bench_runs_for(f, 20000, &bench_nothing));
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_DOWNLOAD);
    assert_int_equal(f->ncp.last_answer_id, bench.call_id); /* of the second offer */
    assert_int_equal(f->ncp.answered[(f->ncp.answers - 2) % 16] + 1, bench.call_id);
}

static void it_checks_in_again_after_pauses_that_grow(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.offers = 0;
    assert_int_equal(bench_check_ins(f, 29000), 1);
    assert_int_equal(bench_check_ins(f, 33000), 2);
    assert_int_equal(bench_check_ins(f, 90000), 2);
    assert_int_equal(bench_check_ins(f, 98000), 3);
}

static void record_starts(struct fixture *f, uint16_t starts)
{
    struct tdm_record_log log;

    (void)!tdm_record_load(&log, &f->ram.flash, &f->layout);
    log.record.starts = starts;
    assert_int_equal(tdm_record_append(&log, &log.record), TDM_OK);
}

/* R10: 30 s behind the sixth start, twice as long behind each that follows, 4 h 16 min at most. */
static void a_transfer_that_is_started_over_and_over_is_delayed(void **state)
{
    static const struct {
        uint16_t starts;
        uint32_t delay_ms;
    } cases[] = {{6, 30000}, {7, 60000}, {15, 15360000}, {16, 15360000}, {UINT16_MAX, 15360000}};
    struct fixture *f = &fixture;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench_start_without_image(f);
        record_starts(f, cases[i].starts);
        assert_false(bench_runs_for(f, cases[i].delay_ms - 1000, &bench_nothing));
        assert_int_equal(bench.starts, 0);
        bench.offers = 1;
        assert_true(bench_runs_for(f, cases[i].delay_ms + LONG_MS, &bench_nothing));
        assert_int_equal(bench.starts, 1);
    }
}

static void the_first_starts_are_not_delayed(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    record_starts(f, 5);
    assert_true(bench_runs_for(f, 20000, &bench_nothing));
    bench_assert_pending(f);
}

static void an_image_that_only_used_up_its_attempts_gets_them_again(void **state)
{
    static const uint8_t blameless[] = {TDM_REASON_NO_LINK, TDM_REASON_RESTARTED, TDM_REASON_POWER};
    struct tdm_boot_choice spent = {.action = TDM_BOOT_RECOVER, .bank = TDM_NO_BANK};
    struct fixture *f = &fixture;

    (void)state;
    for (size_t i = 0; i < sizeof blameless; i++) {
        bench_start_in(f, 8, false);
        spent.reason = blameless[i];
        bench.offers = 0;
        assert_false(bench_runs_for(f, RETRY_MS - 1000, &spent));
        assert_true(bench_runs_for(f, RETRY_MS + 1000, &spent));
        bench_assert_untouched(f);
    }
}

static void where_nothing_can_start_it_never_gives_up(void **state)
{
    static const uint8_t reasons[] = {TDM_REASON_ACTIVE_INVALID, TDM_REASON_BANK_INVALID,
                                      TDM_REASON_WATCHDOG};
    struct tdm_boot_choice choice = bench_nothing;
    struct fixture *f = &fixture;

    (void)state;
    for (size_t i = 0; i < sizeof reasons; i++) {
        bench_start_without_image(f);
        choice.reason = reasons[i];
        bench.offers = 0;
        assert_false(bench_runs_for(f, 2 * RETRY_MS, &choice));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_image_it_writes_in_the_first_pass),
        cmocka_unit_test(the_vector_table_is_looked_at_where_the_manifest_says),
        cmocka_unit_test(an_image_that_cannot_start_is_not_tried),
        cmocka_unit_test(with_two_banks_and_no_image_it_recovers_the_first),
        cmocka_unit_test(without_a_record_it_makes_one),
        cmocka_unit_test(after_a_failure_it_stays_and_takes_the_next_offer),
        cmocka_unit_test(once_the_image_is_given_up_it_stays_too),
        cmocka_unit_test(a_page_that_cannot_be_erased_ends_it),
        cmocka_unit_test(a_chunk_after_a_failure_is_refused),
        cmocka_unit_test(a_call_that_was_answered_is_not_answered_again),
        cmocka_unit_test(it_checks_in_again_after_pauses_that_grow),
        cmocka_unit_test(a_transfer_that_is_started_over_and_over_is_delayed),
        cmocka_unit_test(the_first_starts_are_not_delayed),
        cmocka_unit_test(an_image_that_only_used_up_its_attempts_gets_them_again),
        cmocka_unit_test(where_nothing_can_start_it_never_gives_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
