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
    if (tally.failures > 0) {
        print_error("tandem torture --layout %s --case %s: %s\n", layout->name, tally.failed_case,
                    tally.verdict);
    }
    print_message("%-20s %u operations, %u cases, %u failed, %u boots\n", scenario->name,
                  (unsigned)tally.operations, (unsigned)tally.cases, (unsigned)tally.failures,
                  tally.worst_boots);
    sim_world_close(&world);
}

/* Every scenario on every layout that it is for, those that take long on the first one; returns the failures.
 */
static unsigned torture_all(const struct sim_plan *plan)
{
    const struct sim_scenario *scenario;
    unsigned failures = 0;
    unsigned layout;

    for (layout = 0; layout < SIM_SMALL_LAYOUTS; layout++) {
        for (scenario = sim_scenarios(&sim_small_layouts[layout]); scenario->name != NULL; scenario++) {
            bool first = layout == 0 || &sim_small_layouts[layout] == sim_small_layout("one");

            if (first || scenario->one_in == 0) {
                torture(scenario, &sim_small_layouts[layout], plan);
                failures += tally.failures;
            }
        }
    }
    return failures;
}

static void every_scenario_ends_as_it_should_without_cuts(void **state)
{
    const struct sim_plan plan = {.mode = SIM_CUTS_NONE, .one_in = 1};

    (void)state;
    assert_int_equal(torture_all(&plan), 0);
}

/* One case of 200: `make bench` runs all of them. */
static void every_scenario_survives_power_cuts(void **state)
{
    const struct sim_plan plan = {.mode = SIM_CUTS_EACH, .one_in = 200};

    (void)state;
    assert_int_equal(torture_all(&plan), 0);
}

/* Lost, late, doubled, noisy and lying frames, cancels, silence, restarts: one case of 4000. */
static void every_scenario_survives_faults_of_the_line(void **state)
{
    const struct sim_plan plan = {.mode = SIM_CUTS_LINE, .one_in = 4000};

    (void)state;
    assert_int_equal(torture_all(&plan), 0);
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
        cmocka_unit_test(every_scenario_ends_as_it_should_without_cuts),
        cmocka_unit_test(every_scenario_survives_power_cuts),
        cmocka_unit_test(every_scenario_survives_faults_of_the_line),
        cmocka_unit_test(a_kept_bank_has_no_weak_mark_on_flash_that_programs_once),
        cmocka_unit_test(a_mark_that_was_hit_is_not_programmed_again_after_the_record_was_lost),
        cmocka_unit_test(a_case_has_a_name_that_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
