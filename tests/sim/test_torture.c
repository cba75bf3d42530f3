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
    sim_torture(&world, plan, &tally, NULL, NULL);
    if (tally.failures > 0) {
        print_error("tandem torture --layout %s --case %s: %s\n", layout->name, tally.failed_case,
                    tally.verdict);
    }
    print_message("%-20s %u operations, %u cases, %u failed, %u boots\n", scenario->name,
                  (unsigned)tally.operations, (unsigned)tally.cases, (unsigned)tally.failures,
                  tally.worst_boots);
    sim_world_close(&world);
}

static void every_scenario_ends_as_it_should_without_cuts(void **state)
{
    const struct sim_plan plan = {.mode = SIM_CUTS_NONE, .one_in = 1};
    const struct sim_scenario *scenario;
    unsigned failures = 0;
    unsigned layout;

    (void)state;
    for (layout = 0; layout < SIM_SMALL_LAYOUTS; layout++) {
        for (scenario = sim_scenarios(&sim_small_layouts[layout]); scenario->name != NULL; scenario++) {
            torture(scenario, &sim_small_layouts[layout], &plan);
            failures += tally.failures;
        }
    }
    assert_int_equal(failures, 0);
}

/* One case of 16: `tandem torture` runs all of them. */
static void every_scenario_survives_power_cuts(void **state)
{
    const struct sim_plan plan = {.mode = SIM_CUTS_EACH, .one_in = 16};
    const struct sim_scenario *scenario;
    const struct sim_layout *two = sim_small_layout("small"), *one = sim_small_layout("one");
    unsigned failures = 0;

    (void)state;
    for (scenario = sim_scenarios_two_banks; scenario->name != NULL; scenario++) {
        torture(scenario, two + (scenario - sim_scenarios_two_banks) % 3, &plan);
        failures += tally.failures;
    }
    for (scenario = sim_scenarios_one_bank; scenario->name != NULL; scenario++) {
        torture(scenario, one + (scenario - sim_scenarios_one_bank) % 3, &plan);
        failures += tally.failures;
    }
    assert_int_equal(failures, 0);
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
    assert_false(sim_case_parse("healthy:12x7", &scenario, read, &count));
    assert_false(sim_case_parse("healthy:12t", &scenario, read, &count));
    assert_false(sim_case_parse("healthy:1t1,1t1,1t1", &scenario, read, &count));
    assert_false(sim_case_parse("nothing", &scenario, read, &count));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_ends_as_it_should_without_cuts),
        cmocka_unit_test(every_scenario_survives_power_cuts),
        cmocka_unit_test(a_kept_bank_has_no_weak_mark_on_flash_that_programs_once),
        cmocka_unit_test(a_case_has_a_name_that_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
