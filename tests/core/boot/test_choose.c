/* The bootloader's choice, one transition at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/boot/world.h"

static struct world world;
static struct image old = {.version = "1.0.0", .counter = 1};
static struct image new = {.version = "1.1.0", .counter = 2};

static int set_up(void **state)
{
    (void)state;
    image_build(&old);
    image_build(&new);
    world_init(&world, 512, 8, true);
    world_place(&world, 0, &old, true);
    world_place(&world, 1, &new, false);
    return 0;
}

static int no_rule_was_broken(void **state)
{
    (void)state;
    return world.ram.violations == 0 ? 0 : -1;
}

/* Bank 0 active with the old image, bank 1 the target with the new one. */
static struct tdm_record in_state(enum tdm_boot_state at, uint8_t attempts_left)
{
    struct tdm_record record;

    memset(&record, 0, sizeof record);
    record.state = (uint8_t)at;
    record.active = 0;
    record.target = at == TDM_BOOT_IDLE ? TDM_NO_BANK : 1;
    record.counter_floor = 1;
    record.attempts_left = attempts_left;
    if (at != TDM_BOOT_IDLE) {
        memcpy(record.target_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    }
    return record;
}

/* In both units, as after any two transitions. */
static void record_twice(const struct tdm_record *record)
{
    world_record(&world, record);
    world_record(&world, record);
}

static void given(enum tdm_boot_state at, uint8_t attempts_left)
{
    struct tdm_record record = in_state(at, attempts_left);

    record_twice(&record);
}

static void runs(enum tdm_reset_cause cause, uint8_t bank, bool trial, uint8_t reason)
{
    const struct tdm_boot_choice *choice = world_start(&world, cause);

    assert_int_equal(choice->action, TDM_BOOT_RUN);
    assert_int_equal(choice->bank, bank);
    assert_int_equal(choice->trial, trial);
    assert_int_equal(choice->reason, reason);
    assert_int_equal(choice->vector_table, world.layout.bank[bank].address + 8);
}

static void recovers(void)
{
    const struct tdm_boot_choice *choice = world_start(&world, TDM_RESET_POWER);

    assert_int_equal(choice->action, TDM_BOOT_RECOVER);
    assert_int_equal(choice->bank, TDM_NO_BANK);
    assert_int_equal(choice->reason, TDM_REASON_ACTIVE_INVALID);
}

static struct tdm_record recorded(void)
{
    return world_log(&world).record;
}

static void make_record_units_dead(void)
{
    world.ram.broken_unit = true;
    world.ram.broken_from = world.layout.record[0].address;
    world.ram.broken_to = world.layout.record[1].address + world.layout.record[1].bytes;
}

/* --- The active bank --- */

static void the_active_bank_runs_and_nothing_is_written(void **state)
{
    static const enum tdm_boot_state quiet[] = {TDM_BOOT_IDLE, TDM_BOOT_ERASING, TDM_BOOT_RECEIVING};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
        uint32_t before;

        given(quiet[i], 0);
        before = recorded().sequence;
        runs(TDM_RESET_WATCHDOG, 0, false, TDM_REASON_NONE);
        assert_int_equal(recorded().sequence, before);
        assert_int_equal(recorded().state, quiet[i]);
    }
}

static void the_watchdog_is_armed_and_fed_while_verifying(void **state)
{
    (void)state;
    given(TDM_BOOT_IDLE, 0);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
    assert_true(world.watchdog_armed);
    assert_in_range(world.feeds, 2, 100);
}

static void a_rotten_active_image_gives_way_to_a_marked_bank(void **state)
{
    int which;

    (void)state;
    for (which = 0; which < 3; which++) {
        world_place(&world, 0, &old, true);
        world_place(&world, 1, &new, true);
        given(TDM_BOOT_IDLE, 0);
        if (which == 0) {
            world_rot_image(&world, 0);
        } else if (which == 1) {
            world_rot_header(&world, 0);
        } else {
            ram_flash_make_unreadable(&world.ram, &world.layout.bank[0]);
        }
        runs(TDM_RESET_POWER, 1, false, TDM_REASON_ACTIVE_INVALID);
        assert_int_equal(recorded().active, 1);
        assert_int_equal(recorded().state, TDM_BOOT_IDLE);
        assert_int_equal(recorded().last_reason, TDM_REASON_ACTIVE_INVALID);
        runs(TDM_RESET_POWER, 1, false, TDM_REASON_NONE);
    }
}

static void a_rotten_active_image_gives_an_unmarked_bank_a_trial(void **state)
{
    struct tdm_record record;

    (void)state;
    given(TDM_BOOT_RECEIVING, 0);
    world_rot_image(&world, 0);
    runs(TDM_RESET_POWER, 1, true, TDM_REASON_ACTIVE_INVALID);
    record = recorded();
    assert_int_equal(record.state, TDM_BOOT_TRIAL);
    assert_int_equal(record.target, 1);
    assert_int_equal(record.attempts_left, WORLD_ATTEMPTS - 1);
    assert_memory_equal(record.target_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
}

static void an_unmarked_bank_does_not_run_where_its_trial_cannot_be_recorded(void **state)
{
    (void)state;
    given(TDM_BOOT_RECEIVING, 0);
    world_rot_image(&world, 0);
    make_record_units_dead();
    recovers();
}

static void a_marked_bank_runs_even_where_nothing_can_be_recorded(void **state)
{
    (void)state;
    world_place(&world, 1, &new, true);
    given(TDM_BOOT_IDLE, 0);
    world_rot_image(&world, 0);
    make_record_units_dead();
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_ACTIVE_INVALID);
}

static void a_bank_below_the_floor_is_no_fall_back(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_IDLE, 0);

    (void)state;
    world_place(&world, 1, &new, true);
    record.counter_floor = 3;
    record_twice(&record);
    recovers();
    record.counter_floor = 2;
    record_twice(&record);
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_ACTIVE_INVALID);
}

static void a_rejected_image_is_no_fall_back(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_IDLE, 0);

    (void)state;
    memcpy(record.rejected_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    record_twice(&record);
    world_rot_image(&world, 0);
    recovers();
}

static void a_revoked_key_signs_for_no_bank(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_IDLE, 0);

    (void)state;
    record.revoked_keys = 1;
    record_twice(&record);
    recovers();
}

static void an_image_without_a_sound_vector_table_does_not_run(void **state)
{
    (void)state;
    given(TDM_BOOT_IDLE, 0);
    world.vector_result = TDM_E_VECTOR;
    recovers();
}

static void on_one_bank_there_is_no_fall_back(void **state)
{
    (void)state;
    given(TDM_BOOT_IDLE, 0);
    world.layout.bank[1].bytes = 0;
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
    world_rot_image(&world, 0);
    recovers();
}

static void a_confirm_without_mark_is_copied_to_the_other_unit(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_TRIAL, 1);
    struct tdm_record_log log;

    (void)state;
    world_record(&world, &record);
    record = in_state(TDM_BOOT_IDLE, 0);
    record.active = 1;
    record.counter_floor = 2;
    world_record(&world, &record);
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_NONE);
    assert_false(world_is_marked(&world, 1, &new)); /* it may have been hit: this flash programs once */
    log = world_log(&world);
    assert_int_equal(log.spare.active, 1);
    assert_int_equal(log.spare.counter_floor, 2);
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_NONE);
    assert_int_equal(recorded().sequence, log.record.sequence);
}

static void a_mark_that_a_power_cut_prevented_is_programmed_at_the_next_start(void **state)
{
    struct tdm_record record = in_state(TDM_BOOT_TRIAL, 1);

    (void)state;
    world.ram.flash.program_once = false;
    world_record(&world, &record);
    record = in_state(TDM_BOOT_IDLE, 0);
    record.active = 1;
    world_record(&world, &record);
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_NONE);
    assert_true(world_is_marked(&world, 1, &new));
    assert_int_equal(recorded().sequence, 2);
}

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

static void the_number_of_trial_starts_is_the_products_choice(void **state)
{
    uint8_t attempts;

    (void)state;
    for (attempts = 1; attempts <= 5; attempts++) {
        unsigned trials = 0;

        world_place(&world, 1, &new, false);
        given(TDM_BOOT_PENDING, attempts);
        while (world_start(&world, TDM_RESET_WATCHDOG)->trial) {
            trials++;
        }
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

/* --- Rebuilding --- */

static void without_a_record_the_marked_bank_runs_and_is_recorded(void **state)
{
    (void)state;
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_RECORD_LOST);
    assert_int_equal(recorded().state, TDM_BOOT_IDLE);
    assert_int_equal(recorded().active, 0);
    assert_int_equal(recorded().counter_floor, 1);
    assert_int_equal(recorded().last_reason, TDM_REASON_RECORD_LOST);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
}

static void of_two_marked_banks_the_higher_counter_runs_and_is_the_floor(void **state)
{
    (void)state;
    world_place(&world, 1, &new, true);
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_RECORD_LOST);
    assert_int_equal(recorded().counter_floor, 2);
    world_rot_image(&world, 1);
    recovers();
}

static void of_equal_counters_the_higher_version_runs(void **state)
{
    static const struct {
        const char *lower, *higher;
    } pairs[] = {{"1.9.0", "1.10.0"}, {"1.2", "1.2.1"}, {"1.0.0-rc1", "1.0.0-rc2"}, {"2", "10"}};
    size_t i;

    (void)state;
    for (i = 0; i < 2 * sizeof pairs / sizeof pairs[0]; i++) {
        struct image lower = {.version = pairs[i / 2].lower, .counter = 1};
        struct image higher = {.version = pairs[i / 2].higher, .counter = 1};
        uint8_t bank = i % 2;

        image_build(&lower);
        image_build(&higher);
        set_up(NULL);
        world_place(&world, bank, &higher, true);
        world_place(&world, 1 - bank, &lower, true);
        runs(TDM_RESET_POWER, bank, false, TDM_REASON_RECORD_LOST);
    }
}

static void without_record_and_marks_the_best_bank_runs_on_trial(void **state)
{
    (void)state;
    world_place(&world, 0, &old, false);
    runs(TDM_RESET_POWER, 1, true, TDM_REASON_RECORD_LOST);
    assert_int_equal(recorded().state, TDM_BOOT_TRIAL);
    assert_int_equal(recorded().active, TDM_NO_BANK);
    assert_int_equal(recorded().counter_floor, 0);
}

static void when_that_trial_fails_the_other_bank_gets_one(void **state)
{
    (void)state;
    world_place(&world, 0, &old, false);
    runs(TDM_RESET_POWER, 1, true, TDM_REASON_RECORD_LOST);
    runs(TDM_RESET_NO_LINK, 1, true, TDM_REASON_NONE);
    runs(TDM_RESET_NO_LINK, 1, true, TDM_REASON_NONE);
    runs(TDM_RESET_NO_LINK, 0, true, TDM_REASON_ACTIVE_INVALID);
    assert_true(world_holds(&world, 1, &new));
    runs(TDM_RESET_WATCHDOG, 0, true, TDM_REASON_NONE);
    runs(TDM_RESET_WATCHDOG, 0, true, TDM_REASON_NONE);
    runs(TDM_RESET_WATCHDOG, 1, true, TDM_REASON_ACTIVE_INVALID);
    assert_true(world_holds(&world, 0, &old));
}

static void without_record_and_banks_it_recovers(void **state)
{
    (void)state;
    world_rot_header(&world, 0);
    world_rot_image(&world, 1);
    recovers();
    assert_int_equal(world_log(&world).found, false);
}

static void without_record_only_a_marked_bank_runs_where_nothing_can_be_recorded(void **state)
{
    (void)state;
    make_record_units_dead();
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_RECORD_LOST);
    world_place(&world, 0, &old, false);
    recovers();
}

static void revocations_are_rebuilt_from_marked_banks(void **state)
{
    struct image revoking = {.version = "1.2.0", .counter = 2, .revoked_keys = 2};

    (void)state;
    image_build(&revoking);
    world_place(&world, 1, &revoking, true);
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_RECORD_LOST);
    assert_int_equal(recorded().revoked_keys, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, no_rule_was_broken)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_active_bank_runs_and_nothing_is_written),
        TEST(the_watchdog_is_armed_and_fed_while_verifying),
        TEST(a_rotten_active_image_gives_way_to_a_marked_bank),
        TEST(a_rotten_active_image_gives_an_unmarked_bank_a_trial),
        TEST(an_unmarked_bank_does_not_run_where_its_trial_cannot_be_recorded),
        TEST(a_marked_bank_runs_even_where_nothing_can_be_recorded),
        TEST(a_bank_below_the_floor_is_no_fall_back),
        TEST(a_rejected_image_is_no_fall_back),
        TEST(a_revoked_key_signs_for_no_bank),
        TEST(an_image_without_a_sound_vector_table_does_not_run),
        TEST(on_one_bank_there_is_no_fall_back),
        TEST(a_confirm_without_mark_is_copied_to_the_other_unit),
        TEST(a_mark_that_a_power_cut_prevented_is_programmed_at_the_next_start),
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
        TEST(the_number_of_trial_starts_is_the_products_choice),
        TEST(a_trial_image_that_rots_is_rolled_back_without_rejection),
        TEST(a_confirm_whose_entry_was_lost_is_found_by_its_mark),
        TEST(an_old_mark_on_another_image_confirms_nothing),
        TEST(a_rejected_header_is_erased_once_the_active_bank_has_verified),
        TEST(an_erase_that_failed_is_tried_again_at_the_next_start),
        TEST(other_images_are_not_erased_for_a_rejection),
        TEST(a_rejection_in_one_unit_is_copied_to_the_other),
        TEST(without_a_record_the_marked_bank_runs_and_is_recorded),
        TEST(of_two_marked_banks_the_higher_counter_runs_and_is_the_floor),
        TEST(of_equal_counters_the_higher_version_runs),
        TEST(without_record_and_marks_the_best_bank_runs_on_trial),
        TEST(when_that_trial_fails_the_other_bank_gets_one),
        TEST(without_record_and_banks_it_recovers),
        TEST(without_record_only_a_marked_bank_runs_where_nothing_can_be_recorded),
        TEST(revocations_are_rebuilt_from_marked_banks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
