/* An image is there to lose: it stays until the new one was streamed whole and is what was signed. */
#include "bench.h"

static void is_untouched_when_it_starts(struct fixture *f)
{
    if (bench.starts <= 2) {
        bench_assert_untouched(f);
        assert_int_equal(bench_record(f).state, TDM_BOOT_FETCH);
    }
}

static void the_file_is_streamed_once_before_anything_is_erased(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.on_start = is_untouched_when_it_starts;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(bench.starts, 2);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0345), 1);
    assert_int_equal(bench.chunk, TDM_FETCH_CHUNK_BYTES);
    assert_int_equal(f->ncp.last_value, 1); /* otaUpdateFinish */
    bench_assert_pending(f);
}

/* The package is refused with this reason, and the image in the bank is as it was. */
static void assert_given_back(struct fixture *f, uint8_t expected)
{
    uint8_t reason;

    assert_true(bench_runs_for(f, 3 * LONG_MS, &bench_intact));
    bench_assert_untouched(f);
    assert_int_equal(bench_record(f).state, TDM_BOOT_IDLE);
    assert_int_equal(bench_record(f).active, 0);
    assert_int_equal(bench_record(f).last_reason, expected);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, expected);
    assert_int_equal(bench.starts, 1);
}

static void a_wrong_signature_is_reported_and_the_image_starts_again(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    f->package.bytes[package_signature(&f->package)] ^= 1;
    assert_given_back(f, TDM_REASON_SIGNATURE);
}

static void damage_in_the_last_byte_is_found_before_anything_is_erased(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    f->package.bytes[f->package.length - 1] ^= 0x10;
    assert_given_back(f, TDM_REASON_DIGEST);
}

static void a_damaged_relocation_table_is_found_before_anything_is_erased(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    f->package.bytes[package_table(&f->package)] ^= 1;
    assert_given_back(f, TDM_REASON_RELOCATIONS);
}

static void firmware_for_other_hardware_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    f->options.hardware = "board-8";
    fixture_build(f);
    assert_given_back(f, TDM_REASON_HARDWARE);
}

static void firmware_of_another_type_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    f->options.type = "toaster";
    fixture_build(f);
    assert_given_back(f, TDM_REASON_TYPE);
}

static void firmware_below_the_counter_floor_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    f->options.counter = 1;
    fixture_build(f);
    assert_given_back(f, TDM_REASON_COUNTER);
}

static void the_image_that_is_there_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    f->options.version = "1.0.0";
    f->options.seed = 77;
    f->options.image_bytes = f->running.image_bytes;
    fixture_build(f);
    assert_memory_equal(f->package.digest, f->running.digest, sizeof f->package.digest);
    assert_given_back(f, TDM_REASON_ALREADY_RUNNING);
}

static void a_file_longer_than_its_package_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    f->package.length++;
    assert_given_back(f, TDM_REASON_PACKAGE);
}

/* The envelope is not signed: what it says of lengths must be what the header says, also where the file is as
 * long as both together. */
static void lengths_that_the_header_does_not_say_are_refused(void **state)
{
    static const int changes[][2] = {{4, 0}, {0, 4}, {4, -4}, {-4, 4}};
    struct fixture *f = &fixture;

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t *envelope = f->package.bytes;

        bench_start_with_image(f);
        (void)bench_put_u32(envelope + 8, f->package.table_bytes + (uint32_t)changes[i][0]);
        (void)bench_put_u32(envelope + 12, f->package.image_bytes + (uint32_t)changes[i][1]);
        (void)bench_put_u32(envelope + 60, package_crc32(envelope, 60));
        f->package.length += (uint32_t)(changes[i][0] + changes[i][1]);
        assert_given_back(f, TDM_REASON_PACKAGE);
    }
}

static void swap_before_the_second_pass(struct fixture *f)
{
    if (bench.starts == 2) {
        f->options.seed++;
        fixture_build(f);
    }
    if (bench.starts <= 3)
        bench_assert_untouched(f);
}

static void another_file_in_the_second_pass_is_checked_as_the_first_one_was(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.on_start = swap_before_the_second_pass;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(bench.starts, 3);
    bench_assert_pending(f);
}

static void refuse_twice(struct fixture *f)
{
    if (bench.starts == 1)
        f->ncp.start_refusals = 2;
}

static void swap_before_each_pass(struct fixture *f)
{
    f->options.seed++;
    fixture_build(f);
}

static void a_file_that_is_another_in_each_pass_is_refused_in_the_end(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.on_start = swap_before_each_pass;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    bench_assert_untouched(f);
    assert_int_equal(bench_record(f).state, TDM_BOOT_IDLE);
    assert_int_equal(bench_record(f).last_reason, TDM_REASON_PACKAGE);
    assert_int_equal(bench.starts, 4);
}

static void a_second_pass_that_is_refused_needs_no_third(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.on_start = refuse_twice;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(bench.starts, 2);
    bench_assert_pending(f);
}

static void a_co_processor_that_keeps_the_offer_need_not_make_it_again(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.offers = 0;
    bench.keeps_offer = true;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(bench.starts, 2); /* streamed whole, then written */
    bench_assert_pending(f);
}

static void an_offer_that_never_comes_ends_in_the_image_that_is_there(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.offers = 0;
    assert_false(bench_runs_for(f, 119000, &bench_intact));
    assert_true(bench_runs_for(f, 121000, &bench_intact));
    assert_int_equal(bench_record(f).state, TDM_BOOT_IDLE);
    bench_assert_untouched(f);
}

static void cancel_the_second_chunk(struct fixture *f)
{
    if (bench.at > 0)
        (void)ncp_stub_invoke(&f->ncp, 0x0444, NULL, 0);
}

static void a_cancel_ends_in_the_image_that_is_there(void **state)
{
    struct fixture *f = &fixture;
    uint8_t reason;

    (void)state;
    bench_start_with_image(f);
    bench.on_chunk = cancel_the_second_chunk;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(fixture_last_report(f, &reason), 1); /* it need not be told of the failure */
    assert_int_equal(bench_record(f).last_reason, TDM_REASON_CANCELLED);
    bench_assert_untouched(f);
}

static void offer_again_once(struct fixture *f)
{
    if (bench.starts == 1 && bench.at == 2 * (uint32_t)bench.chunk) {
        bench.on_chunk = NULL;
        bench_offer(f);
    }
}

static void a_newer_offer_takes_the_place_of_the_one_under_way(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.on_chunk = offer_again_once;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(bench.starts, 3);
    bench_assert_pending(f);
}

static void offer_again(struct fixture *f)
{
    if (bench.at < 2 * (uint32_t)bench.chunk)
        return;
    bench.offers = 1;
    bench_offer(f);
}

static void newer_offers_without_end_do_not_keep_the_image_from_running(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.on_chunk = offer_again;
    assert_true(bench_runs_for(f, 10 * LONG_MS, &bench_intact));
    assert_int_equal(bench.starts, 8);
    assert_int_equal(bench_record(f).state, TDM_BOOT_IDLE);
    assert_int_equal(bench_record(f).last_reason, TDM_REASON_SUPERSEDED);
    bench_assert_untouched(f);
}

static void dawdle(struct fixture *f)
{
    f->now_ms += 12000;
}

/* Two minutes is for the offer, and not for what follows it. */
static void a_transfer_may_take_its_time(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.on_chunk = dawdle;
    assert_false(bench_runs_for(f, 130000, &bench_intact));
    bench_start_with_image(f);
    bench.on_chunk = dawdle;
    assert_true(bench_runs_for(f, 6 * LONG_MS, &bench_intact));
    bench_assert_pending(f);
}

static void lose_reports(struct fixture *f)
{
    f->ncp.report_losses = 5;
}

static void a_call_without_an_answer_is_made_three_times(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    f->package.bytes[package_signature(&f->package)] ^= 1;
    bench.on_start = lose_reports;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5401), 1 + 3); /* started; failed */
}

static void cancel_once_the_image_arrives(struct fixture *f)
{
    if (bench.at > package_image(&f->package))
        (void)ncp_stub_invoke(&f->ncp, 0x0444, NULL, 0);
}

static void a_cancel_while_the_image_is_checked_does_too(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_with_image(f);
    bench.on_chunk = cancel_once_the_image_arrives;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(bench.starts, 1);
    assert_int_equal(bench_record(f).last_reason, TDM_REASON_CANCELLED);
    bench_assert_untouched(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_streamed_once_before_anything_is_erased),
        cmocka_unit_test(a_wrong_signature_is_reported_and_the_image_starts_again),
        cmocka_unit_test(damage_in_the_last_byte_is_found_before_anything_is_erased),
        cmocka_unit_test(a_damaged_relocation_table_is_found_before_anything_is_erased),
        cmocka_unit_test(firmware_for_other_hardware_is_refused_by_its_header),
        cmocka_unit_test(firmware_of_another_type_is_refused_by_its_header),
        cmocka_unit_test(firmware_below_the_counter_floor_is_refused_by_its_header),
        cmocka_unit_test(the_image_that_is_there_is_refused_by_its_header),
        cmocka_unit_test(a_file_longer_than_its_package_is_refused_by_its_header),
        cmocka_unit_test(lengths_that_the_header_does_not_say_are_refused),
        cmocka_unit_test(another_file_in_the_second_pass_is_checked_as_the_first_one_was),
        cmocka_unit_test(a_file_that_is_another_in_each_pass_is_refused_in_the_end),
        cmocka_unit_test(a_second_pass_that_is_refused_needs_no_third),
        cmocka_unit_test(a_co_processor_that_keeps_the_offer_need_not_make_it_again),
        cmocka_unit_test(an_offer_that_never_comes_ends_in_the_image_that_is_there),
        cmocka_unit_test(a_cancel_ends_in_the_image_that_is_there),
        cmocka_unit_test(a_newer_offer_takes_the_place_of_the_one_under_way),
        cmocka_unit_test(newer_offers_without_end_do_not_keep_the_image_from_running),
        cmocka_unit_test(a_transfer_may_take_its_time),
        cmocka_unit_test(a_call_without_an_answer_is_made_three_times),
        cmocka_unit_test(a_cancel_while_the_image_is_checked_does_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
