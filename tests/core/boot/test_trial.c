/* The bootloader's choice of what is on trial, one transition at a time, and what it does to what was
 * rejected. */
#include "tests/core/boot/choice.h"

#include <string.h>

/* --- Trials --- */

static void a_pending_image_starts_with_its_attempt_recorded(void **state)
{
    struct tdm_record record;

    (void)state;
    given(TDM_BOOT_PENDING, 3);
    runs(TDM_RESET_SOFT, 1, true, TDM_REASON_NONE);
    record = recorded();
    assert_int_equal(record.state, TDM_BOOT_TRIAL);
    assert_int_equal(record.active, 0);
    assert_int_equal(record.target, 1);
    assert_int_equal(record.attempts_left, 2);
}

/* Reads that fail the test where they touch the bank on trial before its attempt is recorded. */
static struct tdm_flash_ops wary;
static const struct tdm_flash_ops *plain;
static uint32_t sequence_before;

static int wary_read(void *ctx, uint32_t address, void *to, size_t bytes)
{
    const struct tdm_region *bank = &world.layout.bank[1];
    bool is_mark = address == bank->address + bank->bytes - 16;

    if (address >= bank->address && address < bank->address + bank->bytes && !is_mark) {
        world.ram.flash.ops = plain;
        assert_true(recorded().sequence > sequence_before);
        assert_int_equal(recorded().state, TDM_BOOT_TRIAL);
        world.ram.flash.ops = &wary;
    }
    return plain->read(ctx, address, to, bytes);
}

static void a_bank_on_trial_is_not_read_before_its_attempt_is_recorded(void **state)
{
    static const enum tdm_boot_state trying[] = {TDM_BOOT_PENDING, TDM_BOOT_TRIAL};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        struct tdm_record record = in_state(trying[i], 3);

        memset(record.rejected_digest, 7, sizeof record.rejected_digest);
        record_twice(&record);
        sequence_before = recorded().sequence;
        plain = world.ram.flash.ops;
        wary = *plain;
        wary.read = wary_read;
        world.ram.flash.ops = &wary;
        runs(TDM_RESET_WATCHDOG, 1, true, TDM_REASON_NONE);
        world.ram.flash.ops = plain;
    }
}

static void a_pending_image_that_does_not_verify_is_not_rejected(void **state)
{
    struct tdm_record record;

    (void)state;
    given(TDM_BOOT_PENDING, 3);
    world_rot_image(&world, 1);
    runs(TDM_RESET_SOFT, 0, false, TDM_REASON_BANK_INVALID);
    record = recorded();
    assert_int_equal(record.state, TDM_BOOT_IDLE);
    assert_int_equal(record.last_reason, TDM_REASON_BANK_INVALID);
    assert_int_equal(record.soft_rollbacks, 1);
    assert_int_equal(record.rejected_digest[0], 0);
}

static void a_verified_image_other_than_the_recorded_one_is_not_tried(void **state)
{
    struct image other = {.version = "1.1.1", .counter = 2};

    (void)state;
    image_build(&other);
    world_place(&world, 1, &other, false);
    given(TDM_BOOT_PENDING, 3);
    runs(TDM_RESET_SOFT, 0, false, TDM_REASON_BANK_INVALID);
}

static void a_pending_image_below_the_floor_is_not_tried(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_PENDING, 3);

    (void)state;
    world_place(&world, 0, &new, true);
    world_place(&world, 1, &old, false);
    memcpy(record.target_digest, old.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    record.counter_floor = 2;
    record_twice(&record);
    runs(TDM_RESET_SOFT, 0, false, TDM_REASON_BANK_INVALID);
}

static void a_pending_image_is_tried_even_where_the_active_one_is_rotten(void **state)
{
    (void)state;
    given(TDM_BOOT_PENDING, 3);
    world_rot_image(&world, 0);
    runs(TDM_RESET_SOFT, 1, true, TDM_REASON_NONE);
}

static void where_the_attempt_cannot_be_recorded_the_active_bank_runs(void **state)
{
    static const enum tdm_boot_state trying[] = {TDM_BOOT_PENDING, TDM_BOOT_TRIAL};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        given(trying[i], 3);
        make_record_units_dead();
        runs(TDM_RESET_WATCHDOG, 0, false, TDM_REASON_FLASH);
        world.ram.broken_unit = false;
        assert_int_equal(recorded().state, trying[i]);
    }
}

static void each_end_without_confirm_costs_an_attempt(void **state)
{
    static const struct {
        enum tdm_reset_cause cause;
        uint8_t reason;
        bool blamed;
    } ends[] = {
        {TDM_RESET_WATCHDOG, TDM_REASON_WATCHDOG, true},
        {TDM_RESET_FAULT, TDM_REASON_FAULT, true},
        {TDM_RESET_NO_LINK, TDM_REASON_NO_LINK, false},
        {TDM_RESET_SOFT, TDM_REASON_RESTARTED, false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct tdm_record record;

        world_place(&world, 1, &new, false);
        given(TDM_BOOT_PENDING, 2);
        runs(TDM_RESET_SOFT, 1, true, TDM_REASON_NONE);
        runs(ends[i].cause, 1, true, TDM_REASON_NONE);
        assert_int_equal(recorded().attempts_left, 0);
        assert_int_equal(recorded().trial_reason, ends[i].reason);
        runs(ends[i].cause, 0, false, ends[i].reason);
        record = recorded();
        assert_int_equal(record.state, TDM_BOOT_IDLE);
        assert_int_equal(record.last_reason, ends[i].reason);
        assert_int_equal(record.soft_rollbacks, ends[i].blamed ? 0 : 1);
        assert_int_equal(record.rejected_digest[0], ends[i].blamed ? new.manifest.image_digest[0] : 0);
        assert_int_equal(world_holds(&world, 1, &new), !ends[i].blamed);
        runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
    }
}

static void power_losses_cost_retries_first_and_attempts_then(void **state)
{
    (void)state;
    given(TDM_BOOT_PENDING, 2);
    runs(TDM_RESET_SOFT, 1, true, TDM_REASON_NONE);
    runs(TDM_RESET_POWER, 1, true, TDM_REASON_NONE);
    assert_int_equal(recorded().attempts_left, 1);
    runs(TDM_RESET_POWER, 1, true, TDM_REASON_NONE);
    assert_int_equal(recorded().attempts_left, 1);
    assert_int_equal(recorded().retries, 2);
    runs(TDM_RESET_POWER, 1, true, TDM_REASON_NONE);
    assert_int_equal(recorded().attempts_left, 0);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_POWER);
    assert_int_equal(recorded().soft_rollbacks, 1);
    assert_true(world_holds(&world, 1, &new));
}

static void a_power_loss_does_not_hide_how_the_attempt_before_it_ended(void **state)
{
    (void)state;
    world.config.soft_limit = 0;
    given(TDM_BOOT_PENDING, 2);
    runs(TDM_RESET_SOFT, 1, true, TDM_REASON_NONE);
    runs(TDM_RESET_WATCHDOG, 1, true, TDM_REASON_NONE);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_WATCHDOG);
    assert_memory_equal(recorded().rejected_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
}

static void the_verdict_is_that_of_the_last_attempt(void **state)
{
    static const struct {
        enum tdm_reset_cause first, last;
        uint8_t reason;
        bool blamed;
    } trials[] = {
        {TDM_RESET_WATCHDOG, TDM_RESET_NO_LINK, TDM_REASON_NO_LINK, false},
        {TDM_RESET_NO_LINK, TDM_RESET_FAULT, TDM_REASON_FAULT, true},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        world_place(&world, 1, &new, false);
        given(TDM_BOOT_PENDING, 2);
        runs(TDM_RESET_SOFT, 1, true, TDM_REASON_NONE);
        runs(trials[i].first, 1, true, TDM_REASON_NONE);
        runs(trials[i].last, 0, false, trials[i].reason);
        assert_int_equal(recorded().rejected_digest[0], trials[i].blamed ? new.manifest.image_digest[0] : 0);
    }
}

static void counts_in_the_record_end_at_their_limits(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_TRIAL, 0);

    (void)state;
    record.soft_rollbacks = UINT8_MAX;
    record_twice(&record);
    runs(TDM_RESET_SOFT, 0, false, TDM_REASON_RESTARTED);
    assert_int_equal(recorded().soft_rollbacks, UINT8_MAX);
    given(TDM_BOOT_PENDING, 0);
    runs(TDM_RESET_SOFT, 1, true, TDM_REASON_NONE);
    assert_int_equal(recorded().attempts_left, 0);
}

static void the_number_of_trial_starts_is_the_products_choice(void **state)
{
    uint8_t attempts;

    (void)state;
    for (attempts = 1; attempts <= 5; attempts++) {
        unsigned trials = 0;

        world_place(&world, 1, &new, false);
        given(TDM_BOOT_PENDING, attempts);
        while (world_start(&world, TDM_RESET_WATCHDOG)->trial)
            trials++;
        assert_int_equal(trials, attempts);
    }
}

static void a_trial_image_that_rots_is_rolled_back_without_rejection(void **state)
{
    (void)state;
    given(TDM_BOOT_TRIAL, 2);
    world_rot_image(&world, 1);
    runs(TDM_RESET_WATCHDOG, 0, false, TDM_REASON_BANK_INVALID);
    assert_int_equal(recorded().rejected_digest[0], 0);
    assert_int_equal(recorded().soft_rollbacks, 1);
}

static void a_confirm_whose_entry_was_lost_is_found_by_its_mark(void **state)
{
    struct tdm_record record;
    uint8_t attempts;

    (void)state;
    for (attempts = 0; attempts < 2; attempts++) {
        world_place(&world, 1, &new, true);
        given(TDM_BOOT_TRIAL, attempts);
        runs(TDM_RESET_POWER, 1, false, TDM_REASON_NONE);
        record = recorded();
        assert_int_equal(record.state, TDM_BOOT_IDLE);
        assert_int_equal(record.active, 1);
        assert_int_equal(record.counter_floor, 2);
    }
}

static void a_confirm_found_by_its_mark_counts_even_where_nothing_can_be_recorded(void **state)
{
    (void)state;
    world_place(&world, 1, &new, true);
    given(TDM_BOOT_TRIAL, 0);
    make_record_units_dead();
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_NONE);
}

static void a_mark_does_not_confirm_an_image_that_rotted(void **state)
{
    (void)state;
    world_place(&world, 1, &new, true);
    given(TDM_BOOT_TRIAL, 0);
    world_rot_image(&world, 1);
    runs(TDM_RESET_NO_LINK, 0, false, TDM_REASON_NO_LINK);
    assert_int_equal(recorded().active, 0);
}

static void the_trial_s_mark_beside_another_image_confirms_nothing(void **state)
{
    struct image other = {.version = "1.3.0", .counter = 3};

    (void)state;
    image_build(&other);
    ram_flash_blank(&world.ram, &world.layout.bank[1]);
    world_place(&world, 1, &other, false);
    assert_int_equal(tdm_bank_mark_program(new.manifest.image_digest, &world.layout, 1, &world.ram.flash),
                     TDM_OK);
    given(TDM_BOOT_TRIAL, 1);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_BANK_INVALID);
    assert_int_equal(recorded().counter_floor, 1);
}

static void an_old_mark_on_another_image_confirms_nothing(void **state)
{
    (void)state;
    world_place(&world, 1, &old, true);
    given(TDM_BOOT_TRIAL, 0);
    runs(TDM_RESET_WATCHDOG, 0, false, TDM_REASON_WATCHDOG);
    assert_int_equal(recorded().active, 0);
}

/* --- Rejection --- */

static void a_rejected_header_is_erased_once_the_active_bank_has_verified(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_IDLE, 0);

    (void)state;
    memcpy(record.rejected_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    record_twice(&record);
    world_rot_image(&world, 0);
    recovers();
    assert_true(world_holds(&world, 1, &new));
    world_place(&world, 0, &old, true);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
    assert_false(world_holds(&world, 1, &new));
}

static void so_is_one_in_the_first_bank(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_IDLE, 0);

    (void)state;
    world_place(&world, 0, &new, false);
    world_place(&world, 1, &old, true);
    record.active = 1;
    memcpy(record.rejected_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    record_twice(&record);
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_NONE);
    assert_false(world_holds(&world, 0, &new));
    assert_true(world_holds(&world, 1, &old));
}

static void an_erase_that_failed_is_tried_again_at_the_next_start(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_IDLE, 0);

    (void)state;
    memcpy(record.rejected_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    record_twice(&record);
    world.ram.broken_unit = true;
    world.ram.broken_from = world.layout.bank[1].address;
    world.ram.broken_to = world.ram.broken_from + world.layout.bank[1].bytes;
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
    assert_true(world_holds(&world, 1, &new));
    world.ram.broken_unit = false;
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
    assert_false(world_holds(&world, 1, &new));
}

static void other_images_are_not_erased_for_a_rejection(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_IDLE, 0);

    (void)state;
    memcpy(record.rejected_digest, old.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    record_twice(&record);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE); /* the active image is exempt */
    assert_true(world_holds(&world, 1, &new));
    assert_true(world_holds(&world, 0, &old));
}

static void a_rejection_in_one_unit_is_copied_to_the_other(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_TRIAL, 2);
    struct tdm_record_log log;

    (void)state;
    world_record(&world, &record);
    record = in_state(TDM_BOOT_IDLE, 0);
    memcpy(record.rejected_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    world_record(&world, &record);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
    log = world_log(&world);
    assert_memory_equal(log.spare.rejected_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_pending_image_starts_with_its_attempt_recorded),
        TEST(a_bank_on_trial_is_not_read_before_its_attempt_is_recorded),
        TEST(a_pending_image_that_does_not_verify_is_not_rejected),
        TEST(a_verified_image_other_than_the_recorded_one_is_not_tried),
        TEST(a_pending_image_below_the_floor_is_not_tried),
        TEST(a_pending_image_is_tried_even_where_the_active_one_is_rotten),
        TEST(where_the_attempt_cannot_be_recorded_the_active_bank_runs),
        TEST(each_end_without_confirm_costs_an_attempt),
        TEST(power_losses_cost_retries_first_and_attempts_then),
        TEST(a_power_loss_does_not_hide_how_the_attempt_before_it_ended),
        TEST(the_verdict_is_that_of_the_last_attempt),
        TEST(counts_in_the_record_end_at_their_limits),
        TEST(the_number_of_trial_starts_is_the_products_choice),
        TEST(a_trial_image_that_rots_is_rolled_back_without_rejection),
        TEST(a_confirm_whose_entry_was_lost_is_found_by_its_mark),
        TEST(a_confirm_found_by_its_mark_counts_even_where_nothing_can_be_recorded),
        TEST(a_mark_does_not_confirm_an_image_that_rotted),
        TEST(the_trial_s_mark_beside_another_image_confirms_nothing),
        TEST(an_old_mark_on_another_image_confirms_nothing),
        TEST(a_rejected_header_is_erased_once_the_active_bank_has_verified),
        TEST(so_is_one_in_the_first_bank),
        TEST(an_erase_that_failed_is_tried_again_at_the_next_start),
        TEST(other_images_are_not_erased_for_a_rejection),
        TEST(a_rejection_in_one_unit_is_copied_to_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
