/* The judge, shown what no device of ours does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/torture.h"

static struct sim_world world;
static struct sim_judge *const judge = &world.judge;

static int open_world(void **state, const char *scenario, const char *layout)
{
    (void)state;
    if (!sim_world_open(&world, sim_scenario_find(scenario), sim_small_layout(layout)))
        return -1;
    sim_flash_copy(&world.flash, &world.factory);
    sim_judge_init(judge, world.scenario, world.layout, world.firmware, &world.flash);
    return 0;
}

static int two_banks(void **state)
{
    return open_world(state, "three-updates", "small");
}

static int one_bank(void **state)
{
    return open_world(state, "one-healthy", "one");
}

static int close_world(void **state)
{
    (void)state;
    sim_world_close(&world);
    return 0;
}

static void assert_accuses(const char *verdict)
{
    assert_true(judge->guilty);
    assert_memory_equal(judge->verdict, verdict, strlen(verdict));
}

static const struct tdm_region *bank(unsigned index)
{
    return &world.layout->places.bank[index];
}

static void a_device_fresh_from_the_factory_is_innocent(void **state)
{
    (void)state;
    assert_int_equal(sim_judge_start(judge, 0, false, false), 0);
    sim_judge_end(judge, 0, 1);
    assert_accuses("in the end 1.0.0 runs, and not 1.3.0"); /* that is all there is to say */
}

static void a_confirmed_image_that_lost_a_bit_is_missed(void **state)
{
    (void)state;
    sim_flash_flip(&world.flash, bank(0)->address + 9, 3);
    sim_judge_flash(judge);
    assert_accuses("invariant 1: the confirmed firmware 1.0.0 is in no bank any more");
}

static void nothing_runs_that_was_not_signed(void **state)
{
    (void)state;
    assert_int_equal(sim_judge_start(judge, 1, false, false), SIM_NONE);
    assert_accuses("invariant 2: bank 1 runs, and holds nothing that was signed");
}

static void nothing_runs_as_confirmed_that_was_not(void **state)
{
    (void)state;
    sim_firmware_place(&world.firmware[1], &world.flash, world.layout, 1, false);
    assert_int_equal(sim_judge_start(judge, 1, false, false), 1);
    assert_accuses("invariant 2: 1.1.0 runs as if it were confirmed");
}

static void nothing_is_confirmed_untested(void **state)
{
    (void)state;
    sim_judge_confirmed(judge, 1);
    assert_accuses("invariant 2: 1.1.0 was confirmed without its self-test");
}

static void nothing_runs_below_the_floor(void **state)
{
    (void)state;
    sim_firmware_place(&world.firmware[3], &world.flash, world.layout, 1, true);
    sim_judge_passed_tests(judge, 3);
    sim_judge_confirmed(judge, 3);
    assert_int_equal(sim_judge_start(judge, 0, false, false), 0);
    assert_accuses("invariant 3: 1.0.0 runs below the counter floor");
}

static void a_record_that_is_gone_is_missed(void **state)
{
    (void)state;
    sim_flash_blank(&world.flash, &world.layout->places.record[0]);
    sim_judge_flash(judge);
    assert_false(judge->guilty);
    sim_flash_blank(&world.flash, &world.layout->places.record[1]);
    sim_judge_flash(judge);
    assert_accuses("invariant 4: no valid entry in either record unit");
}

static void what_was_rejected_does_not_run_again(void **state)
{
    (void)state;
    sim_firmware_place(&world.firmware[1], &world.flash, world.layout, 1, false);
    sim_judge_rejected(judge, 1);
    assert_int_equal(sim_judge_start(judge, 1, true, false), 1);
    assert_accuses("invariant 6: 1.1.0 runs, which was rejected");
}

static void a_trial_ends(void **state)
{
    unsigned i;

    (void)state;
    sim_firmware_place(&world.firmware[1], &world.flash, world.layout, 1, false);
    for (i = 0; i < SIM_ATTEMPTS + SIM_SOFT_LIMIT; i++)
        assert_int_equal(sim_judge_start(judge, 1, true, false), 1);
    assert_false(judge->guilty);
    assert_int_equal(sim_judge_start(judge, 1, true, false), 1);
    assert_accuses("invariant 7: 1.1.0 was started on trial 6 times in a row");
}

static void nobody_fetches_while_an_image_could_run(void **state)
{
    (void)state;
    sim_judge_fetches(judge, TDM_NO_BANK, false, false);
    assert_accuses("invariant 1: the bootloader runs nothing, although bank 0 holds 1.0.0");
}

static void the_only_image_does_not_give_way_unchecked(void **state)
{
    struct tdm_record record = {.sequence = 3, .state = TDM_BOOT_ERASING, .active = TDM_NO_BANK};
    uint8_t entry[TDM_RECORD_ENTRY_BYTES];

    (void)state;
    memcpy(record.target_digest, world.firmware[1].manifest.image_digest, sizeof record.target_digest);
    tdm_record_encode(&record, entry);
    sim_flash_set(&world.flash, world.layout->places.record[0].address + sizeof entry, entry, sizeof entry);
    sim_judge_streamed(judge, 1);
    sim_judge_flash(judge);
    assert_false(judge->guilty);
    judge->streamed[1] = false;
    sim_judge_flash(judge);
    assert_accuses("R9: 1.0.0 is erased for a package that was not checked to its end");
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_device_fresh_from_the_factory_is_innocent, two_banks),
        TEST(a_confirmed_image_that_lost_a_bit_is_missed, two_banks),
        TEST(nothing_runs_that_was_not_signed, two_banks),
        TEST(nothing_runs_as_confirmed_that_was_not, two_banks),
        TEST(nothing_is_confirmed_untested, two_banks),
        TEST(nothing_runs_below_the_floor, two_banks),
        TEST(a_record_that_is_gone_is_missed, two_banks),
        TEST(what_was_rejected_does_not_run_again, two_banks),
        TEST(a_trial_ends, two_banks),
        TEST(nobody_fetches_while_an_image_could_run, two_banks),
        TEST(the_only_image_does_not_give_way_unchecked, one_bank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
