/* The bootloader's choice where nothing is on trial: the active bank, and what takes its place; the record
 * rebuilt. */
#include "tests/core/boot/choice.h"

#include <string.h>

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

static void an_image_starts_with_the_whole_period_of_the_watchdog(void **state)
{
    (void)state;
    given(TDM_BOOT_IDLE, 0);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
    assert_true(world.feeds > world.feeds_when_checked);
}

static unsigned feeds_seen;
static unsigned signatures_seen;

static bool hungry_verify(const uint8_t digest[TDM_SHA256_BYTES],
                          const uint8_t signature[TDM_SIGNATURE_BYTES],
                          const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    (void)key;
    assert_true(signatures_seen == 0 || world.feeds > feeds_seen);
    feeds_seen = world.feeds;
    signatures_seen++;
    return memcmp(signature, digest, TDM_SHA256_BYTES) == 0;
}

/* The watchdog's period need not exceed two signature checks. */
static void the_watchdog_is_fed_between_signatures(void **state)
{
    (void)state;
    given(TDM_BOOT_IDLE, 0);
    world_rot_header(&world, 0);
    world_rot_header(&world, 1);
    signatures_seen = 0;
    world.config.trust.verify = hungry_verify;
    recovers();
    assert_int_equal(signatures_seen, 2);
}

static void a_rotten_active_image_gives_way_to_a_marked_bank(void **state)
{
    int which;

    (void)state;
    for (which = 0; which < 3; which++) {
        world_place(&world, 0, &old, true);
        world_place(&world, 1, &new, true);
        given(TDM_BOOT_IDLE, 0);
        if (which == 0)
            world_rot_image(&world, 0);
        else if (which == 1)
            world_rot_header(&world, 0);
        else
            ram_flash_make_unreadable(&world.ram, &world.layout.bank[0]);
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

/* docs/PACKAGE.md: what an image revokes, it is not signed by. */
static void an_image_that_revokes_its_own_key_does_not_run(void **state)
{
    struct image own = {.version = "1.2.0", .counter = 2, .revoked_keys = 1};

    (void)state;
    image_build(&own);
    world_place(&world, 0, &own, true);
    world_place(&world, 1, &own, true);
    given(TDM_BOOT_IDLE, 0);
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

/* The mark could not be programmed, so the confirm was appended twice: nothing is tried again. */
static void a_confirm_that_both_units_have_needs_no_mark(void **state)
{
    uint32_t before;

    (void)state;
    world_init(&world, 512, 8, false);
    world_place(&world, 0, &old, false);
    given(TDM_BOOT_IDLE, 0);
    before = recorded().sequence;
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_NONE);
    assert_false(world_is_marked(&world, 0, &old));
    assert_int_equal(recorded().sequence, before);
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

static void a_mark_that_did_not_take_is_made_up_for_by_a_second_entry(void **state)
{
    const struct tdm_region *bank = &world.layout.bank[1];
    struct tdm_record record = in_state(TDM_BOOT_TRIAL, 1);

    (void)state;
    world.ram.flash.program_once = false;
    world_record(&world, &record);
    record = in_state(TDM_BOOT_IDLE, 0);
    record.active = 1;
    world_record(&world, &record);
    world.ram.broken_unit = world.ram.silently = true;
    world.ram.broken_from = bank->address + bank->bytes - world.layout.header_bytes;
    world.ram.broken_to = bank->address + bank->bytes;
    runs(TDM_RESET_POWER, 1, false, TDM_REASON_NONE);
    assert_false(world_is_marked(&world, 1, &new));
    assert_int_equal(recorded().sequence, 3);
    assert_int_equal(world_log(&world).spare.active, 1);
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
    set_up(NULL);
    world_place(&world, 0, &new, true);
    world_place(&world, 1, &old, true);
    runs(TDM_RESET_POWER, 0, false, TDM_REASON_RECORD_LOST);
    assert_int_equal(recorded().counter_floor, 2);
}

/* Floor and revoked keys come from banks that verify, whatever a mark beside a rotten one says. */
static void what_is_marked_and_rotten_decides_nothing(void **state)
{
    struct image rotten = {.version = "1.2.0", .counter = 2, .revoked_keys = 2};

    (void)state;
    image_build(&rotten);
    for (uint8_t bank = 0; bank < TDM_BANKS; bank++) {
        set_up(NULL);
        world_place(&world, bank, &rotten, true);
        world_rot_image(&world, bank);
        world_place(&world, 1 - bank, &old, true);
        runs(TDM_RESET_POWER, 1 - bank, false, TDM_REASON_RECORD_LOST);
        assert_int_equal(recorded().counter_floor, 1);
        assert_int_equal(recorded().revoked_keys, 0);
    }
}

static void of_equal_counters_the_higher_version_runs(void **state)
{
    static const struct {
        const char *lower, *higher;
    } pairs[] = {{"1.9.0", "1.10.0"}, {"1.2", "1.2.1"},   {"1.0.0-rc1", "1.0.0-rc2"}, {"2", "10"},
                 {"18", "19"},        {"1.0-a", "1.0-b"}, {"1.0", "1.0-a"},           {"21", "22"},
                 {"29", "30"},        {"1.", "1.2"}};
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

static void of_two_equal_images_one_runs(void **state)
{
    struct image longest = {.version = "1111111111222222222233333333334444444444555555555566666666667777"};

    (void)state;
    image_build(&longest);
    for (uint8_t bank = 0; bank < TDM_BANKS; bank++)
        world_place(&world, bank, &longest, true);
    assert_int_equal(world_start(&world, TDM_RESET_POWER)->action, TDM_BOOT_RUN);
    assert_false(world.choice.trial);
}

/* Both unmarked: the best is the one that gets the trial. */
static void a_higher_counter_goes_before_a_higher_version(void **state)
{
    struct image lower = {.version = "1.9.0", .counter = 1};
    struct image higher = {.version = "1.2.0", .counter = 2};

    (void)state;
    image_build(&lower);
    image_build(&higher);
    for (uint8_t bank = 0; bank < TDM_BANKS; bank++) {
        set_up(NULL);
        world_place(&world, bank, &higher, false);
        world_place(&world, 1 - bank, &lower, false);
        runs(TDM_RESET_POWER, bank, true, TDM_REASON_RECORD_LOST);
    }
}

static void a_marked_bank_goes_before_a_newer_one_without_whichever_has_it(void **state)
{
    (void)state;
    for (uint8_t bank = 0; bank < TDM_BANKS; bank++) {
        set_up(NULL);
        world_place(&world, bank, &old, true);
        world_place(&world, 1 - bank, &new, false);
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_active_bank_runs_and_nothing_is_written),
        TEST(the_watchdog_is_armed_and_fed_while_verifying),
        TEST(an_image_starts_with_the_whole_period_of_the_watchdog),
        TEST(the_watchdog_is_fed_between_signatures),
        TEST(a_rotten_active_image_gives_way_to_a_marked_bank),
        TEST(a_rotten_active_image_gives_an_unmarked_bank_a_trial),
        TEST(an_unmarked_bank_does_not_run_where_its_trial_cannot_be_recorded),
        TEST(a_marked_bank_runs_even_where_nothing_can_be_recorded),
        TEST(a_bank_below_the_floor_is_no_fall_back),
        TEST(a_rejected_image_is_no_fall_back),
        TEST(a_revoked_key_signs_for_no_bank),
        TEST(an_image_that_revokes_its_own_key_does_not_run),
        TEST(an_image_without_a_sound_vector_table_does_not_run),
        TEST(on_one_bank_there_is_no_fall_back),
        TEST(a_confirm_without_mark_is_copied_to_the_other_unit),
        TEST(a_confirm_that_both_units_have_needs_no_mark),
        TEST(a_mark_that_a_power_cut_prevented_is_programmed_at_the_next_start),
        TEST(a_mark_that_did_not_take_is_made_up_for_by_a_second_entry),
        TEST(without_a_record_the_marked_bank_runs_and_is_recorded),
        TEST(of_two_marked_banks_the_higher_counter_runs_and_is_the_floor),
        TEST(what_is_marked_and_rotten_decides_nothing),
        TEST(of_equal_counters_the_higher_version_runs),
        TEST(of_two_equal_images_one_runs),
        TEST(a_higher_counter_goes_before_a_higher_version),
        TEST(a_marked_bank_goes_before_a_newer_one_without_whichever_has_it),
        TEST(without_record_and_marks_the_best_bank_runs_on_trial),
        TEST(when_that_trial_fails_the_other_bank_gets_one),
        TEST(without_record_and_banks_it_recovers),
        TEST(without_record_only_a_marked_bank_runs_where_nothing_can_be_recorded),
        TEST(revocations_are_rebuilt_from_marked_banks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
