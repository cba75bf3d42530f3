#include "tests/core/mcu/fixture.h"

#include <string.h>

static struct fixture fixture;

static int setup(void **state)
{
    fixture_init(&fixture, 8, false);
    *state = &fixture;
    return 0;
}

/* Sends everything and wants it refused for reason, before anything was erased. */
static void assert_refused(struct fixture *f, uint8_t reason)
{
    uint8_t reported;

    fixture_build(f);
    fixture_bring_up(f);
    assert_int_equal(fixture_offer(f, "", ""), 1);
    assert_true(fixture_await_start(f));
    assert_in_range(fixture_transfer(f, 0), 0, 1024);
    fixture_run(f, 10);
    assert_int_equal(f->ended_reason, reason);
    assert_int_equal(fixture_last_report(f, &reported), 2);
    assert_int_equal(reported, reason);
    assert_int_equal(f->ram.erases, 0);
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_IDLE);
    assert_false(tdm_mcu_is_updating(&f->mcu));
}

/* --- The offer --- */

static void assert_offer_refused(struct fixture *f, const char *type, const char *version, uint8_t reason)
{
    uint8_t reported;

    fixture_bring_up(f);
    assert_int_equal(fixture_offer(f, type, version), 0);
    assert_int_equal(fixture_last_report(f, &reported), 2);
    assert_int_equal(reported, reason);
    fixture_run(f, 3000);
    assert_int_equal(f->ncp.chunk, 0);
    assert_false(tdm_mcu_is_updating(&f->mcu));
}

static void an_offer_of_another_type_is_refused(void **state)
{
    assert_offer_refused(*state, "fridge", "1.1.0", TDM_REASON_TYPE);
}

/* It has no one to tell its reason to, and does not wait for one. */
static void so_is_one_that_comes_before_the_link_is_up(void **state)
{
    struct fixture *f = *state;

    f->ncp.silent = true;
    fixture_start(f);
    assert_int_equal(fixture_offer(f, "fridge", "1.1.0"), 0);
}

static void an_offer_of_a_version_that_the_product_refuses_is_refused(void **state)
{
    struct fixture *f = *state;

    f->only_newer = true;
    assert_offer_refused(f, "product", "1.0.0", TDM_REASON_VERSION);
}

static void an_offer_larger_than_the_bank_is_refused(void **state)
{
    struct fixture *f = *state;

    f->package.length = BANK_BYTES - ERASE_BYTES + TDM_PACKAGE_FRONT_MAX + 1;
    assert_offer_refused(f, "", "", TDM_REASON_SIZE);
}

/* The lengths of the longest front and a full bank, and of an envelope. */
static void so_large_and_so_small_a_file_is_accepted(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    f->package.length = BANK_BYTES - ERASE_BYTES + TDM_PACKAGE_FRONT_MAX;
    assert_int_equal(fixture_offer(f, "", ""), 1);
    f->package.length = TDM_ENVELOPE_BYTES;
    assert_int_equal(fixture_offer(f, "", ""), 1);
    f->package.length--;
    assert_int_equal(fixture_offer(f, "", ""), 0);
}

static void an_image_on_trial_takes_no_offer(void **state)
{
    struct fixture *f = *state;
    uint8_t reason;

    fixture_set_trial(f);
    f->config.confirm_needs_cloud = true;
    f->ncp.state_after_initialize = TDM_STATE_CONNECTING_CLOUD;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer(f, "", ""), 0);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_NOT_CONFIRMED);
}

static void an_offer_waits_for_the_battery_and_the_moment(void **state)
{
    struct fixture *f = *state;

    f->battery = 29;
    f->moment = false;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    fixture_run(f, 20000);
    assert_int_equal(f->ncp.chunk, 0);
    f->battery = 30;
    fixture_run(f, 20000);
    assert_int_equal(f->ncp.chunk, 0);
    f->moment = true;
    fixture_run(f, 200);
    assert_int_equal(f->ncp.chunk, 512);
}

static void an_offer_that_waits_too_long_ends_with_what_it_waited_for(void **state)
{
    struct fixture *f = *state;
    uint8_t reason;

    f->battery = 5;
    f->config.patience_ms = 60000;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    fixture_run(f, 61000);
    fixture_assert_ended(f, TDM_REASON_BATTERY);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_BATTERY);
}

static void preparing_may_take_its_time_or_end_the_update(void **state)
{
    struct fixture *f = *state;

    f->prepare = TDM_E_BUSY;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    fixture_run(f, 5000);
    assert_int_equal(f->ncp.chunk, 0);
    f->prepare = TDM_E_STATE;
    fixture_run(f, 200);
    fixture_assert_ended(f, TDM_REASON_NOT_NOW);
}

static void starting_is_asked_again_when_the_co_processor_refuses(void **state)
{
    struct fixture *f = *state;

    f->ncp.start_refusals = 2;
    fixture_accept(f);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 3);
}

static void a_co_processor_that_never_starts_ends_the_update(void **state)
{
    struct fixture *f = *state;

    f->ncp.start_refusals = 100;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    fixture_run(f, 20000);
    fixture_assert_ended(f, TDM_REASON_START_REFUSED);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 5);
}

/* --- The front: refusals before anything is erased --- */

static void a_tampered_signature_is_refused_before_erasing(void **state)
{
    struct fixture *f = *state;
    uint8_t reason;

    f->package.bytes[package_signature(&f->package) + 5] ^= 1;
    fixture_accept(f);
    assert_in_range(fixture_transfer(f, 0), 0, 1024);
    fixture_run(f, 10);
    fixture_assert_ended(f, TDM_REASON_SIGNATURE);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_SIGNATURE);
    assert_int_equal(f->ram.erases, 0);
}

static void the_reason_of_a_refused_chunk_goes_before_its_answer(void **state)
{
    struct fixture *f = *state;
    uint32_t at;

    f->package.bytes[package_signature(&f->package)] ^= 1;
    fixture_accept(f);
    f->ncp.chunk = 128;
    at = fixture_transfer(f, 0);
    assert_in_range(at, 128, 1024);
    /* It is there although no time has passed since the answer. */
    assert_int_equal(ncp_stub_last(&f->ncp, 0x5401)->args[2], TDM_REASON_SIGNATURE);
}

static void a_key_that_the_device_does_not_hold_is_refused(void **state)
{
    struct fixture *f = *state;

    f->keys.key[0].id = 5;
    assert_refused(f, TDM_REASON_KEY);
}

static void a_file_that_is_no_package_is_refused(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    memset(f->package.bytes, 0x42, f->package.length);
    assert_int_equal(fixture_offer(f, "", ""), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_write(f, 0, 512), 0);
    fixture_run(f, 10);
    fixture_assert_ended(f, TDM_REASON_PACKAGE);
    assert_int_equal(f->ram.erases, 0);
}

static void other_hardware_is_refused(void **state)
{
    struct fixture *f = *state;

    f->options.hardware = "board-8";
    assert_refused(f, TDM_REASON_HARDWARE);
}

static void another_type_in_the_manifest_is_refused(void **state)
{
    struct fixture *f = *state;

    f->options.type = "fridge";
    assert_refused(f, TDM_REASON_TYPE);
}

static void a_version_in_the_manifest_that_the_product_refuses_is_refused(void **state)
{
    struct fixture *f = *state;

    f->options.version = "0.9.9";
    f->only_newer = true;
    assert_refused(f, TDM_REASON_VERSION);
}

static void a_counter_below_the_floor_is_refused(void **state)
{
    struct fixture *f = *state;

    f->options.counter = 1;
    assert_refused(f, TDM_REASON_COUNTER);
}

static void the_rejected_image_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tdm_record_log log;
    struct tdm_record record;

    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    record = log.record;
    memcpy(record.rejected_digest, f->package.digest, TDM_DIGEST_PREFIX_BYTES);
    assert_int_equal(tdm_record_append(&log, &record), TDM_OK);
    f->ram.erases = 0;
    assert_refused(f, TDM_REASON_REJECTED_BEFORE);
}

/* It would take the place of the image that the device can fall back to. */
static void the_image_that_runs_is_refused(void **state)
{
    struct fixture *f = *state;

    f->options.version = "1.0.0";
    f->options.seed = 77;
    fixture_build(f);
    assert_memory_equal(f->package.digest, f->running.digest, sizeof f->package.digest);
    assert_refused(f, TDM_REASON_ALREADY_RUNNING);
}

static void a_payload_that_can_not_be_decoded_is_refused(void **state)
{
    struct fixture *f = *state;

    f->options.encoding = 1;
    assert_refused(f, TDM_REASON_ENCODING);
}

static void a_plain_package_that_names_a_base_is_refused(void **state)
{
    struct fixture *f = *state;

    f->options.base_fill = 0x55;
    assert_refused(f, TDM_REASON_PACKAGE);
}

static void an_image_linked_elsewhere_without_relocations_is_refused(void **state)
{
    struct fixture *f = *state;

    f->options.relocations = false;
    f->options.link_address = BANK_A;
    assert_refused(f, TDM_REASON_LINK_ADDRESS);
}

static void a_package_of_another_length_than_offered_is_refused(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    f->package.length += 4;
    assert_int_equal(fixture_offer(f, "", ""), 1);
    assert_true(fixture_await_start(f));
    assert_in_range(fixture_transfer(f, 0), 0, 1024);
    fixture_run(f, 10);
    fixture_assert_ended(f, TDM_REASON_PACKAGE);
    assert_int_equal(f->ram.erases, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_offer_of_another_type_is_refused),
        TEST(so_is_one_that_comes_before_the_link_is_up),
        TEST(an_offer_of_a_version_that_the_product_refuses_is_refused),
        TEST(an_offer_larger_than_the_bank_is_refused),
        TEST(so_large_and_so_small_a_file_is_accepted),
        TEST(an_image_on_trial_takes_no_offer),
        TEST(an_offer_waits_for_the_battery_and_the_moment),
        TEST(an_offer_that_waits_too_long_ends_with_what_it_waited_for),
        TEST(preparing_may_take_its_time_or_end_the_update),
        TEST(starting_is_asked_again_when_the_co_processor_refuses),
        TEST(a_co_processor_that_never_starts_ends_the_update),
        TEST(a_tampered_signature_is_refused_before_erasing),
        TEST(the_reason_of_a_refused_chunk_goes_before_its_answer),
        TEST(a_key_that_the_device_does_not_hold_is_refused),
        TEST(a_file_that_is_no_package_is_refused),
        TEST(other_hardware_is_refused),
        TEST(another_type_in_the_manifest_is_refused),
        TEST(a_version_in_the_manifest_that_the_product_refuses_is_refused),
        TEST(a_counter_below_the_floor_is_refused),
        TEST(the_rejected_image_is_refused),
        TEST(the_image_that_runs_is_refused),
        TEST(a_payload_that_can_not_be_decoded_is_refused),
        TEST(a_plain_package_that_names_a_base_is_refused),
        TEST(an_image_linked_elsewhere_without_relocations_is_refused),
        TEST(a_package_of_another_length_than_offered_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
