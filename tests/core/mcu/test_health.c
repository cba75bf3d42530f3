#include "tests/core/mcu/fixture.h"

#include <string.h>

static struct fixture fixture;

/* What the self-tests of these tests answer, and how often they were asked. */
static int verdict[2];
static int asked[2];

static int first(void *ctx)
{
    assert_ptr_equal(ctx, &fixture);
    asked[0]++;
    return verdict[0];
}

static int second(void *ctx)
{
    (void)ctx;
    asked[1]++;
    return verdict[1];
}

static const struct tdm_self_test list[] = {{"first", first, 500}, {"second", second, 500}};
static const struct tdm_self_tests self_tests = TDM_SELF_TESTS(list);

static int setup(void **state)
{
    struct fixture *f = &fixture;

    fixture_init(f, 8, false);
    fixture_set_trial(f);
    f->config.self_tests = &self_tests;
    f->config.link_deadline_ms = 30000;
    verdict[0] = verdict[1] = 1;
    asked[0] = asked[1] = 0;
    *state = f;
    return 0;
}

static bool has_mark(const struct fixture *f)
{
    const uint8_t *mark = ram_flash_at(&f->ram, BANK_A + BANK_BYTES - 16);

    return memcmp(mark, "TDMC", 4) == 0 && memcmp(mark + 4, f->running.digest, 12) == 0;
}

static void assert_rejected(struct fixture *f, uint8_t reason)
{
    assert_int_equal(f->rejected_reason, reason);
    assert_int_equal(f->resets, 1);
    assert_int_equal(f->reset_cause, TDM_RESET_SOFT);
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_IDLE);
    assert_int_equal(f->mcu.log.record.active, 1);
    assert_int_equal(f->mcu.log.record.last_reason, reason);
    assert_true(tdm_boot_is_rejected(&f->mcu.log, f->running.digest));
    assert_false(has_mark(f));
}

static void a_healthy_image_with_its_link_up_is_confirmed(void **state)
{
    struct fixture *f = *state;
    uint8_t reason;

    fixture_start(f);
    assert_true(tdm_mcu_on_trial(&f->mcu));
    fixture_run(f, 200);
    assert_false(tdm_mcu_on_trial(&f->mcu));
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_IDLE);
    assert_int_equal(f->mcu.log.record.active, 0);
    assert_int_equal(f->mcu.log.record.counter_floor, 3);
    assert_true(has_mark(f));
    assert_int_equal(f->events[TDM_MCU_SELF_TEST], 2);
    assert_int_equal(f->events[TDM_MCU_CONFIRMED], 1);
    assert_int_equal(fixture_last_report(f, &reason), 3);
    assert_int_equal(f->resets, 0);
}

static void reports_of_the_trial_say_that_it_is_one(void **state)
{
    struct fixture *f = *state;

    f->config.confirm_needs_cloud = true;
    f->ncp.state_after_initialize = 4;
    fixture_start(f);
    fixture_run(f, 200);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5401), 2);
    assert_int_equal(f->ncp.log[f->ncp.logged - 1].uid, 0x5401);
    assert_int_equal(ncp_stub_last(&f->ncp, 0x5401)->args[0], 4); /* passed, waits for the cloud */
    assert_int_equal(ncp_stub_last(&f->ncp, 0x5401)->args[1], 2);
    f->ncp.state = 5;
    fixture_run(f, 12000);
    assert_int_equal(ncp_stub_last(&f->ncp, 0x5401)->args[0], 3);
    assert_int_equal(ncp_stub_last(&f->ncp, 0x5401)->args[1], 1);
}

static void a_failed_self_test_rejects_the_image_for_good(void **state)
{
    struct fixture *f = *state;

    verdict[0] = -1;
    fixture_start(f);
    fixture_run(f, 200);
    assert_int_equal(asked[1], 0);
    assert_rejected(f, TDM_REASON_SELF_TEST);
}

static void a_self_test_may_take_its_time(void **state)
{
    struct fixture *f = *state;

    verdict[1] = 0;
    fixture_start(f);
    fixture_run(f, 400);
    assert_true(asked[1] > 10);
    assert_true(tdm_mcu_on_trial(&f->mcu));
    verdict[1] = 1;
    fixture_run(f, 200);
    assert_false(tdm_mcu_on_trial(&f->mcu));
    assert_int_equal(f->resets, 0);
}

static void a_self_test_that_never_decides_rejects_the_image(void **state)
{
    struct fixture *f = *state;

    verdict[1] = 0;
    fixture_start(f);
    fixture_run(f, 800);
    assert_rejected(f, TDM_REASON_SELF_TEST_TIME);
}

static void without_a_link_the_trial_ends_in_a_reset_that_blames_nobody(void **state)
{
    struct fixture *f = *state;

    f->ncp.silent = true;
    fixture_start(f);
    fixture_run(f, 29000);
    assert_int_equal(f->resets, 0);
    fixture_run(f, 2000);
    assert_int_equal(f->resets, 1);
    assert_int_equal(f->reset_cause, TDM_RESET_NO_LINK);
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_TRIAL);
    assert_false(tdm_boot_is_rejected(&f->mcu.log, f->running.digest));
}

static void a_link_that_needs_the_cloud_waits_for_it(void **state)
{
    struct fixture *f = *state;

    f->config.confirm_needs_cloud = true;
    f->ncp.state_after_initialize = 4;
    fixture_start(f);
    fixture_run(f, 31000);
    assert_int_equal(f->resets, 1);
    assert_int_equal(f->reset_cause, TDM_RESET_NO_LINK);
}

static void a_record_that_can_not_be_written_ends_the_trial_in_a_reset(void **state)
{
    struct fixture *f = *state;

    f->ram.broken_unit = true;
    f->ram.broken_from = FLASH_BASE;
    f->ram.broken_to = FLASH_BASE + 2 * ERASE_BYTES;
    fixture_start(f);
    fixture_run(f, 5000);
    assert_int_equal(f->resets, 1);
    assert_int_equal(f->reset_cause, TDM_RESET_SOFT);
    assert_int_equal(f->events[TDM_MCU_CONFIRMED], 0);
}

static void one_that_can_be_written_a_second_later_is(void **state)
{
    struct fixture *f = *state;

    f->ram.broken_unit = true;
    f->ram.broken_from = FLASH_BASE;
    f->ram.broken_to = FLASH_BASE + 2 * ERASE_BYTES;
    fixture_start(f);
    while (f->mcu.health.tries == 0)
        fixture_run(f, 1);
    fixture_run(f, 500);
    f->ram.broken_unit = false;
    fixture_run(f, 1000);
    assert_int_equal(f->resets, 0);
    assert_int_equal(f->events[TDM_MCU_CONFIRMED], 1);
}

static void a_confirmed_image_runs_no_self_tests(void **state)
{
    struct fixture *f = *state;

    fixture_init(f, 8, false);
    f->config.self_tests = &self_tests;
    verdict[0] = -1;
    fixture_bring_up(f);
    fixture_run(f, 1000);
    assert_int_equal(asked[0], 0);
    assert_int_equal(f->resets, 0);
}

/* --- The watchdog --- */

static void the_watchdog_is_fed_in_each_poll_of_a_healthy_product(void **state)
{
    struct fixture *f = *state;
    uint32_t feeds;

    fixture_bring_up(f);
    feeds = f->feeds;
    fixture_run(f, 100);
    assert_in_range(f->feeds - feeds, 100, 110);
    f->unhealthy = true;
    feeds = f->feeds;
    fixture_run(f, 1000);
    assert_int_equal(f->feeds, feeds);
    f->unhealthy = false;
    fixture_run(f, 100);
    assert_true(f->feeds > feeds);
}

static uint32_t feeds_at_signature;

static bool note_feeds(const uint8_t digest[32], const uint8_t signature[64], const uint8_t key[64])
{
    feeds_at_signature = fixture.feeds;
    return package_verify(digest, signature, key);
}

/* Its period is that of a signature check, and the record is written in the same poll. */
static void it_is_fed_behind_a_signature_check(void **state)
{
    struct fixture *f = *state;

    fixture_init(f, 8, false);
    f->config.trust.verify = note_feeds;
    fixture_accept(f);
    feeds_at_signature = 0;
    (void)fixture_send_chunk(f, 0, 512);
    while (feeds_at_signature == 0)
        fixture_run(f, 1);
    assert_true(f->feeds > feeds_at_signature);
}

static void an_update_does_not_feed_it_for_a_product_that_hangs(void **state)
{
    struct fixture *f = *state;
    uint32_t feeds;

    fixture_init(f, 8, false);
    fixture_transfer_to(f, 512);
    f->unhealthy = true;
    fixture_run(f, 2);
    feeds = f->feeds;
    assert_int_equal(fixture_transfer(f, 512), f->package.length);
    assert_int_equal(fixture_finish(f), 1); /* erased, programmed, verified */
    assert_int_equal(f->feeds, feeds);
}

static void after_the_confirm_an_update_may_start(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    fixture_run(f, 1000);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(fixture_bank_b_holds_package(f));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_healthy_image_with_its_link_up_is_confirmed),
        TEST(reports_of_the_trial_say_that_it_is_one),
        TEST(a_failed_self_test_rejects_the_image_for_good),
        TEST(a_self_test_may_take_its_time),
        TEST(a_self_test_that_never_decides_rejects_the_image),
        TEST(without_a_link_the_trial_ends_in_a_reset_that_blames_nobody),
        TEST(a_link_that_needs_the_cloud_waits_for_it),
        TEST(a_record_that_can_not_be_written_ends_the_trial_in_a_reset),
        TEST(one_that_can_be_written_a_second_later_is),
        TEST(a_confirmed_image_runs_no_self_tests),
        TEST(the_watchdog_is_fed_in_each_poll_of_a_healthy_product),
        TEST(it_is_fed_behind_a_signature_check),
        TEST(an_update_does_not_feed_it_for_a_product_that_hangs),
        TEST(after_the_confirm_an_update_may_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
