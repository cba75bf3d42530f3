/* The transitions of a device without another bank, and what the bootloader makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/boot/world.h"

static struct world world;
static struct image old = {.version = "1.0.0", .counter = 1};
static struct image new = {.version = "1.1.0", .counter = 4};

static int set_up(void **state)
{
    struct tdm_record record = {
        .state = TDM_BOOT_IDLE, .active = 0, .target = TDM_NO_BANK, .counter_floor = 1, .starts = 3};

    (void)state;
    image_build(&old);
    image_build(&new);
    world_init(&world, 1024, 4, false);
    world.layout.bank[1].bytes = 0;
    world_place(&world, 0, &old, true);
    world_record(&world, &record);
    world_record(&world, &record);
    return 0;
}

static int no_rule_was_broken(void **state)
{
    (void)state;
    return world.ram.violations == 0 ? 0 : -1;
}

static void fetch_is_recorded_from_the_confirmed_image(void **state)
{
    struct tdm_record_log log = world_log(&world);

    (void)state;
    assert_int_equal(tdm_boot_fetch(&log, 0), TDM_OK);
    assert_int_equal(log.record.state, TDM_BOOT_FETCH);
    assert_int_equal(log.record.active, 0);
    assert_int_equal(log.record.target, TDM_NO_BANK);
    assert_int_equal(log.record.counter_floor, 1);
    assert_int_equal(log.record.starts, 3);
}

static void fetch_is_refused_where_there_is_another_bank_or_a_trial(void **state)
{
    struct tdm_record trial = {.state = TDM_BOOT_TRIAL, .active = TDM_NO_BANK, .target = 0};
    struct tdm_record in_bank_b = {.state = TDM_BOOT_IDLE, .active = 1, .target = TDM_NO_BANK};
    struct tdm_record_log log = world_log(&world);

    (void)state;
    assert_int_equal(tdm_boot_fetch(&log, 1), TDM_E_STATE);
    world.layout.bank[1].bytes = world.layout.bank[0].bytes;
    assert_int_equal(tdm_boot_fetch(&log, 0), TDM_E_STATE);
    world_record(&world, &in_bank_b);
    log = world_log(&world);
    assert_int_equal(tdm_boot_fetch(&log, 1), TDM_E_STATE);
    world.layout.bank[1].bytes = 0;
    world_record(&world, &trial);
    log = world_log(&world);
    assert_int_equal(tdm_boot_fetch(&log, 0), TDM_E_STATE);
}

static void a_fetch_that_ends_leads_back_to_the_image(void **state)
{
    struct tdm_record_log log = world_log(&world);

    (void)state;
    assert_int_equal(tdm_boot_fetch_end(&log, TDM_REASON_DIGEST), TDM_E_STATE);
    assert_int_equal(tdm_boot_fetch(&log, 0), TDM_OK);
    assert_int_equal(tdm_boot_fetch_end(&log, TDM_REASON_DIGEST), TDM_OK);
    assert_int_equal(log.record.state, TDM_BOOT_IDLE);
    assert_int_equal(log.record.active, 0);
    assert_int_equal(log.record.last_reason, TDM_REASON_DIGEST);
}

static void the_last_image_is_active_until_its_bank_is_about_to_be_erased(void **state)
{
    struct tdm_record_log log = world_log(&world);

    (void)state;
    assert_int_equal(tdm_boot_fetch(&log, 0), TDM_OK);
    assert_int_equal(world_start(&world, TDM_RESET_SOFT)->action, TDM_BOOT_RUN);
    assert_false(world.choice.trial);
    log = world_log(&world);
    assert_int_equal(tdm_boot_begin_in_place(&log, 0, new.manifest.image_digest), TDM_OK);
    assert_int_equal(log.record.state, TDM_BOOT_ERASING);
    assert_int_equal(log.record.active, TDM_NO_BANK);
    assert_int_equal(log.record.target, 0);
    assert_int_equal(log.record.starts, 4);
    assert_memory_equal(log.record.target_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
}

static void nothing_begins_in_a_bank_that_is_not_there_or_for_a_rejected_image(void **state)
{
    struct tdm_record record = {.state = TDM_BOOT_IDLE, .active = 0, .target = TDM_NO_BANK};
    struct tdm_record_log log;

    (void)state;
    memcpy(record.rejected_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    world_record(&world, &record);
    log = world_log(&world);
    assert_int_equal(tdm_boot_begin_in_place(&log, 1, old.manifest.image_digest), TDM_E_STATE);
    assert_int_equal(tdm_boot_begin_in_place(&log, TDM_BANKS, old.manifest.image_digest), TDM_E_STATE);
    assert_int_equal(tdm_boot_begin_in_place(&log, TDM_NO_BANK, old.manifest.image_digest), TDM_E_STATE);
    assert_int_equal(tdm_boot_begin_in_place(&log, 0, new.manifest.image_digest), TDM_E_STATE);
}

static void starts_are_counted_to_the_end_and_no_further(void **state)
{
    struct tdm_record record = {.state = TDM_BOOT_IDLE, .target = TDM_NO_BANK, .starts = UINT16_MAX - 1};
    struct tdm_record_log log;

    (void)state;
    world_record(&world, &record);
    log = world_log(&world);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tdm_boot_begin_in_place(&log, 0, new.manifest.image_digest), TDM_OK);
        assert_int_equal(log.record.starts, UINT16_MAX);
    }
}

/* An image that comes where nobody asked for one brings the device back, and says so; the end of a trial is
 * worth more. */
static void an_image_that_recovers_the_device_tells_so(void **state)
{
    static const struct {
        enum tdm_boot_state state;
        enum tdm_reason before;
        enum tdm_reason after;
    } cases[] = {
        {TDM_BOOT_IDLE, TDM_REASON_NONE, TDM_REASON_RECOVERY},
        {TDM_BOOT_IDLE, TDM_REASON_ALREADY_RUNNING, TDM_REASON_RECOVERY},
        {TDM_BOOT_IDLE, TDM_REASON_SELF_TEST, TDM_REASON_SELF_TEST},
        {TDM_BOOT_IDLE, TDM_REASON_NO_LINK, TDM_REASON_NO_LINK},
        {TDM_BOOT_RECEIVING, TDM_REASON_NONE, TDM_REASON_RECOVERY},
        {TDM_BOOT_FETCH, TDM_REASON_NONE, TDM_REASON_NONE},
        {TDM_BOOT_FETCH, TDM_REASON_SILENCE, TDM_REASON_SILENCE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool under_way = cases[i].state == TDM_BOOT_RECEIVING;
        struct tdm_record record = {.state = cases[i].state,
                                    .active = under_way ? TDM_NO_BANK : 0,
                                    .target = under_way ? 0 : TDM_NO_BANK,
                                    .last_reason = cases[i].before};
        struct tdm_record_log log;

        world_record(&world, &record);
        log = world_log(&world);
        assert_int_equal(tdm_boot_begin_in_place(&log, 0, new.manifest.image_digest), TDM_OK);
        assert_int_equal(world_log(&world).record.last_reason, cases[i].after);
    }
}

/* As the bootloader leaves it: the new image in bank 0, pending. */
static void install_in_place(void)
{
    struct tdm_record_log log = world_log(&world);

    assert_int_equal(tdm_boot_begin_in_place(&log, 0, new.manifest.image_digest), TDM_OK);
    ram_flash_blank(&world.ram, &world.layout.bank[0]);
    assert_int_equal(tdm_boot_receiving(&log), TDM_OK);
    world_place(&world, 0, &new, false);
    assert_int_equal(tdm_boot_pending(&log, WORLD_ATTEMPTS), TDM_OK);
}

static void the_new_image_starts_on_trial_and_is_confirmed(void **state)
{
    struct tdm_record_log log;

    (void)state;
    install_in_place();
    assert_int_equal(world_start(&world, TDM_RESET_SOFT)->action, TDM_BOOT_RUN);
    assert_true(world.choice.trial);
    log = world_log(&world);
    assert_int_equal(tdm_boot_confirm(&log, 0, &new.manifest), TDM_OK);
    assert_int_equal(world_start(&world, TDM_RESET_POWER)->action, TDM_BOOT_RUN);
    assert_false(world.choice.trial);
    assert_int_equal(world_log(&world).record.active, 0);
    assert_int_equal(world_log(&world).record.counter_floor, 4);
}

static void a_new_image_that_hangs_in_every_attempt_leaves_recovery(void **state)
{
    (void)state;
    install_in_place();
    assert_int_equal(world_start(&world, TDM_RESET_SOFT)->action, TDM_BOOT_RUN);
    for (int i = 1; i < WORLD_ATTEMPTS; i++)
        assert_int_equal(world_start(&world, TDM_RESET_WATCHDOG)->action, TDM_BOOT_RUN);
    assert_int_equal(world_start(&world, TDM_RESET_WATCHDOG)->action, TDM_BOOT_RECOVER);
    assert_int_equal(world_start(&world, TDM_RESET_POWER)->action, TDM_BOOT_RECOVER);
}

/* Nobody is blamed, and yet the device must not be left to an image that can't be updated. */
static void between_the_trials_of_an_image_that_finds_no_link_there_is_recovery(void **state)
{
    (void)state;
    install_in_place();
    for (int round = 0; round < 3; round++) {
        assert_int_equal(world_start(&world, TDM_RESET_SOFT)->action, TDM_BOOT_RUN);
        for (int i = 1; i < WORLD_ATTEMPTS; i++)
            assert_int_equal(world_start(&world, TDM_RESET_NO_LINK)->action, TDM_BOOT_RUN);
        assert_int_equal(world_start(&world, TDM_RESET_NO_LINK)->action, TDM_BOOT_RECOVER);
        assert_int_equal(world.choice.reason, TDM_REASON_NO_LINK);
        assert_int_equal(world_log(&world).record.soft_rollbacks, round + 1);
    }
}

static void a_bank_that_was_only_begun_leaves_recovery(void **state)
{
    struct tdm_record_log log = world_log(&world);

    (void)state;
    assert_int_equal(tdm_boot_begin_in_place(&log, 0, new.manifest.image_digest), TDM_OK);
    ram_flash_blank(&world.ram, &world.layout.bank[0]);
    assert_int_equal(world_start(&world, TDM_RESET_POWER)->action, TDM_BOOT_RECOVER);
    assert_int_equal(tdm_boot_receiving(&log), TDM_OK);
    assert_int_equal(world_start(&world, TDM_RESET_POWER)->action, TDM_BOOT_RECOVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fetch_is_recorded_from_the_confirmed_image, set_up,
                                        no_rule_was_broken),
        cmocka_unit_test_setup_teardown(fetch_is_refused_where_there_is_another_bank_or_a_trial, set_up,
                                        no_rule_was_broken),
        cmocka_unit_test_setup_teardown(a_fetch_that_ends_leads_back_to_the_image, set_up,
                                        no_rule_was_broken),
        cmocka_unit_test_setup_teardown(the_last_image_is_active_until_its_bank_is_about_to_be_erased, set_up,
                                        no_rule_was_broken),
        cmocka_unit_test_setup_teardown(nothing_begins_in_a_bank_that_is_not_there_or_for_a_rejected_image,
                                        set_up, no_rule_was_broken),
        cmocka_unit_test_setup_teardown(starts_are_counted_to_the_end_and_no_further, set_up,
                                        no_rule_was_broken),
        cmocka_unit_test_setup_teardown(an_image_that_recovers_the_device_tells_so, set_up,
                                        no_rule_was_broken),
        cmocka_unit_test_setup_teardown(the_new_image_starts_on_trial_and_is_confirmed, set_up,
                                        no_rule_was_broken),
        cmocka_unit_test_setup_teardown(a_new_image_that_hangs_in_every_attempt_leaves_recovery, set_up,
                                        no_rule_was_broken),
        cmocka_unit_test_setup_teardown(between_the_trials_of_an_image_that_finds_no_link_there_is_recovery,
                                        set_up, no_rule_was_broken),
        cmocka_unit_test_setup_teardown(a_bank_that_was_only_begun_leaves_recovery, set_up,
                                        no_rule_was_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
