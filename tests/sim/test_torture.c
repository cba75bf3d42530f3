/* The whole device under torture, and the judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/torture.h"

static struct sim_world world;
static struct sim_tally tally;

static void torture(const struct sim_scenario *scenario, const struct sim_layout *layout,
                    const struct sim_plan *plan)
{
    assert_true(sim_world_open(&world, scenario, layout));
    sim_torture(&world, plan, &tally, NULL);
    if (tally.failures > 0)
        print_error("tandem torture --layout %s --case %s: %s\n", layout->name, tally.failed_case,
                    tally.verdict);
    print_message("%-20s %u operations, %u cases, %u failed, %u boots\n", scenario->name,
                  (unsigned)tally.operations, (unsigned)tally.cases, (unsigned)tally.failures,
                  tally.worst_boots);
    sim_world_close(&world);
}

static bool is_standard(const struct sim_layout *layout)
{
    return layout == sim_small_layout("small") || layout == sim_small_layout("one");
}

/* The large images on the layouts that take them, all else on all others; what takes long on the standard
 * ones. */
static bool is_for(const struct sim_scenario *scenario, const struct sim_layout *layout)
{
    if (layout == sim_small_layout("framed") || layout == sim_small_layout("one-framed"))
        return scenario->large;
    return scenario->one_in == 0 || is_standard(layout);
}

/* Every scenario on the layouts that it is for, without cuts first; returns the failures. */
static unsigned torture_all(const struct sim_plan *plan)
{
    const struct sim_scenario *scenario;
    unsigned failures = 0;
    unsigned i;

    for (i = 0; i < SIM_SMALL_LAYOUTS; i++) {
        const struct sim_layout *layout = &sim_small_layouts[i];
        struct sim_plan own = *plan;

        for (scenario = sim_scenarios(layout); scenario->name != NULL; scenario++) {
            own.one_in = plan->one_in * (layout->erase_bytes > 512 ? 10 : 1);
            if (is_for(scenario, layout) && (plan->mode != SIM_CUTS_LINE || is_standard(layout))) {
                torture(scenario, layout, &own);
                failures += tally.failures;
            }
        }
    }
    return failures;
}

/* One case of 500: `make bench` runs all of them. */
static void every_scenario_ends_as_it_should_and_survives_power_cuts(void **state)
{
    const struct sim_plan plan = {.mode = SIM_CUTS_EACH, .one_in = 500};

    (void)state;
    assert_int_equal(torture_all(&plan), 0);
}

/* Lost, late, doubled, noisy and lying frames, cancels, silence, restarts: one case of 2500. */
static void every_scenario_survives_faults_of_the_line(void **state)
{
    const struct sim_plan plan = {.mode = SIM_CUTS_LINE, .one_in = 2500};

    (void)state;
    assert_int_equal(torture_all(&plan), 0);
}

/* A scenario that does not happen proves nothing. */
static void assert_happens(const struct sim_scenario *scenario, const struct sim_layout *layout)
{
    struct sim_outcome outcome;

    assert_true(sim_world_open(&world, scenario, layout));
    sim_world_run(&world, NULL, 0, &outcome);
    sim_world_close(&world);
    print_message("%s\n", scenario->name);
    assert_true(world.ships.tricked || scenario->trick == SIM_NO_TRICK);
    assert_true(world.loss_done || scenario->loss == SIM_NO_LOSS);
}

static void every_trick_is_played_and_every_loss_happens(void **state)
{
    static const char *const layouts[][2] = {{"small", "framed"}, {"one", "one-framed"}};
    const struct sim_scenario *scenario;
    unsigned i;

    (void)state;
    for (i = 0; i < 2; i++) {
        for (scenario = sim_scenarios(sim_small_layout(layouts[i][0])); scenario->name != NULL; scenario++) {
            if (scenario->one_in == 0)
                assert_happens(scenario, sim_small_layout(layouts[i][scenario->large]));
        }
    }
}

/* The slot that the first tear hit is left behind, whatever it reads as. */
static void two_tears_of_the_same_record_entry_are_survived(void **state)
{
    const struct sim_layout *layout = sim_small_layout("tiny");
    uint8_t place[SIM_OPERATIONS_MAX];
    struct sim_outcome outcome;
    struct sim_cut cuts[2] = {{0}};
    uint32_t operations;
    unsigned pairs = 0;

    (void)state;
    assert_true(sim_world_open(&world, sim_scenario_find("healthy"), layout));
    sim_world_run(&world, NULL, 0, &outcome);
    operations = outcome.operations;
    memcpy(place, world.place, sizeof place);
    for (; cuts[0].operation < operations; cuts[0].operation++) {
        if (place[cuts[0].operation] > SIM_RECORD_1)
            continue;
        for (pairs = 0; pairs < SIM_TEAR_COUNT * SIM_TEAR_COUNT; pairs++) {
            cuts[0].tear = (enum sim_tear)(pairs / SIM_TEAR_COUNT);
            cuts[1].tear = (enum sim_tear)(pairs % SIM_TEAR_COUNT); /* of the first operation after it */
            sim_world_run(&world, cuts, 2, &outcome);
            assert_string_equal(outcome.verdict, "");
        }
    }
    assert_int_equal(pairs, SIM_TEAR_COUNT * SIM_TEAR_COUNT);
    sim_world_close(&world);
}

/* Right behind each frame: in every state of both sides. */
static void a_cancel_in_any_state_is_survived(void **state)
{
    static const char *const layouts[] = {"tiny", "one-tiny"};
    static const char *const scenarios[] = {"healthy", "one-healthy"};
    struct sim_cut cut = {.tear = (enum sim_tear)SIM_FAULT_CANCEL};
    struct sim_outcome outcome;
    uint32_t frames;
    unsigned i;

    (void)state;
    for (i = 0; i < 2; i++) {
        assert_true(sim_world_open(&world, sim_scenario_find(scenarios[i]), sim_small_layout(layouts[i])));
        sim_world_run(&world, NULL, 0, &outcome);
        frames = outcome.frames;
        assert_true(frames > 40);
        for (cut.operation = 0; cut.operation < frames; cut.operation++) {
            sim_world_run(&world, &cut, 1, &outcome);
            assert_string_equal(outcome.verdict, "");
        }
        sim_world_close(&world);
    }
}

/* Named cases: what the simulator found. */
static void assert_survives(const char *layout, const char *name)
{
    const struct sim_scenario *scenario;
    struct sim_cut cuts[SIM_CUTS_MAX];
    struct sim_outcome outcome;
    unsigned count;

    assert_true(sim_case_parse(name, &scenario, cuts, &count));
    assert_true(sim_world_open(&world, scenario, sim_small_layout(layout)));
    sim_world_run(&world, cuts, count, &outcome);
    sim_world_close(&world);
    assert_string_equal(outcome.verdict, "");
    assert_int_equal(outcome.cuts, count);
}

static void a_kept_bank_has_no_weak_mark_on_flash_that_programs_once(void **state)
{
    (void)state;
    assert_survives("small-once", "replay:27w55");
}

static void a_mark_that_was_hit_is_not_programmed_again_after_the_record_was_lost(void **state)
{
    (void)state;
    assert_survives("one-once", "one-lose-record:29t58");
}

/* The operator cancels, or a lie ends the update: then the newer one that waits for it comes alone. */
static void what_failed_need_not_come_before_what_follows_it(void **state)
{
    (void)state;
    assert_survives("small", "newer-when-sent:47c329");
    assert_survives("small", "newer-when-sent:45y315");
}

/* The word of it was lost with the power: the old image takes over, and takes the new one again. */
static void what_rotted_is_shipped_again_if_nobody_heard_that_it_was_confirmed(void **state)
{
    (void)state;
    assert_survives("small", "rot-running:80m560");
}

/* So no case has one. */
static void nobody_can_tell_a_lie_in_the_offer_of_a_plain_bin(void **state)
{
    (void)state;
    assert_survives("tiny", "bin-self-test:32y224");
}

static void a_case_has_a_name_that_reads_back(void **state)
{
    const struct sim_cut cuts[] = {{12, SIM_TEAR_TORN, 7}, {3, SIM_TEAR_UNREADABLE, 4000000001u}};
    const struct sim_scenario *scenario;
    struct sim_cut read[SIM_CUTS_MAX];
    char name[SIM_CASE_NAME_MAX];
    unsigned count;

    (void)state;
    sim_case_name(name, sim_scenario_find("healthy"), cuts, 2);
    assert_string_equal(name, "healthy:12t7,3u4000000001");
    assert_true(sim_case_parse(name, &scenario, read, &count));
    assert_string_equal(scenario->name, "healthy");
    assert_int_equal(count, 2);
    assert_int_equal(read[1].operation, 3);
    assert_int_equal(read[1].tear, SIM_TEAR_UNREADABLE);
    assert_int_equal(read[1].seed, 4000000001u);
    assert_false(sim_case_parse("healthy:12k7", &scenario, read, &count));
    assert_false(sim_case_parse("healthy:12t", &scenario, read, &count));
    assert_false(sim_case_parse("healthy:1t1,1t1,1t1", &scenario, read, &count));
    assert_false(sim_case_parse("nothing", &scenario, read, &count));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_ends_as_it_should_and_survives_power_cuts),
        cmocka_unit_test(every_scenario_survives_faults_of_the_line),
        cmocka_unit_test(every_trick_is_played_and_every_loss_happens),
        cmocka_unit_test(two_tears_of_the_same_record_entry_are_survived),
        cmocka_unit_test(a_cancel_in_any_state_is_survived),
        cmocka_unit_test(a_kept_bank_has_no_weak_mark_on_flash_that_programs_once),
        cmocka_unit_test(a_mark_that_was_hit_is_not_programmed_again_after_the_record_was_lost),
        cmocka_unit_test(what_failed_need_not_come_before_what_follows_it),
        cmocka_unit_test(what_rotted_is_shipped_again_if_nobody_heard_that_it_was_confirmed),
        cmocka_unit_test(nobody_can_tell_a_lie_in_the_offer_of_a_plain_bin),
        cmocka_unit_test(a_case_has_a_name_that_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
