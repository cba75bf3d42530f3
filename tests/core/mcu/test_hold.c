/* The maintenance hold (tdm_mcu_hold, docs/PROTOCOL.md: otaUpdateSuspend). */
#include "tests/core/mcu/fixture.h"

static struct fixture fixture;

static int setup(void **state)
{
    fixture_init(&fixture, 8, false);
    *state = &fixture;
    return 0;
}

static void hold(struct fixture *f, uint32_t seconds)
{
    assert_int_equal(tdm_mcu_hold(&f->mcu, seconds, f->now_ms), TDM_OK);
    fixture_run(f, 50);
}

/* Seconds that the co-processor was told last. */
static unsigned told(const struct fixture *f)
{
    const struct ncp_stub_call *call = ncp_stub_last(&f->ncp, 0x0346);

    assert_non_null(call);
    assert_int_equal(call->bytes, 2);
    return call->args[0] | call->args[1] << 8;
}

static void the_co_processor_is_told_and_no_update_starts_before_the_end(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    hold(f, 900);
    assert_int_equal(told(f), 900);
    assert_int_equal(fixture_offer_package(f), 1);
    fixture_run(f, 890000); /* three times the patience */
    assert_int_equal(f->ncp.chunk, 0);
    assert_true(tdm_mcu_is_updating(&f->mcu));
    fixture_run(f, 11000);
    assert_int_equal(f->ncp.chunk, 512);
}

static void a_hold_of_0_seconds_ends_it_at_once(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    hold(f, TDM_MCU_HOLD_MAX_S);
    assert_int_equal(told(f), 64800);
    assert_int_equal(fixture_offer_package(f), 1);
    fixture_run(f, 5000);
    assert_int_equal(f->ncp.chunk, 0);
    hold(f, 0);
    assert_int_equal(told(f), 0);
    assert_true(fixture_await_start(f));
}

static void more_than_18_hours_are_refused(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    assert_int_equal(tdm_mcu_hold(&f->mcu, TDM_MCU_HOLD_MAX_S + 1, f->now_ms), TDM_E_ARGUMENT);
    fixture_run(f, 50);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0346), 0);
}

static void a_transfer_under_way_outlives_minutes_without_a_chunk(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 2048);
    hold(f, 300);
    fixture_run(f, 299000);
    assert_true(tdm_mcu_is_updating(&f->mcu));
    assert_int_equal(fixture_transfer(f, 2048), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

static void after_the_hold_a_minute_of_silence_ends_the_transfer(void **state)
{
    struct fixture *f = *state;

    fixture_transfer_to(f, 2048);
    hold(f, 120);
    fixture_run(f, 179000);
    assert_true(tdm_mcu_is_updating(&f->mcu));
    fixture_run(f, 2000);
    fixture_assert_ended(f, TDM_REASON_SILENCE);
}

static void a_co_processor_that_restarted_is_told_what_is_left(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    hold(f, 600);
    fixture_run(f, 100000);
    f->ncp.state = 10;
    fixture_run(f, 12000);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0346), 2);
    assert_in_range(told(f), 600 - 113, 600 - 100);
}

static void one_without_our_extensions_is_told_too(void **state)
{
    struct fixture *f = *state;

    f->ncp.knows_report = false;
    fixture_bring_up(f);
    hold(f, 60);
    assert_int_equal(told(f), 60);
}

static void a_hold_before_the_link_is_up_is_told_once_it_is(void **state)
{
    struct fixture *f = *state;

    fixture_start(f);
    assert_int_equal(tdm_mcu_hold(&f->mcu, 60, f->now_ms), TDM_OK);
    fixture_run(f, 200);
    assert_int_equal(told(f), 60);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_co_processor_is_told_and_no_update_starts_before_the_end),
        TEST(a_hold_of_0_seconds_ends_it_at_once),
        TEST(more_than_18_hours_are_refused),
        TEST(a_transfer_under_way_outlives_minutes_without_a_chunk),
        TEST(after_the_hold_a_minute_of_silence_ends_the_transfer),
        TEST(a_co_processor_that_restarted_is_told_what_is_left),
        TEST(one_without_our_extensions_is_told_too),
        TEST(a_hold_before_the_link_is_up_is_told_once_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
