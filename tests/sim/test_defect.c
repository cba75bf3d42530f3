/* Is the defect that was planted in this build found? The judge is tested by what it must see: each defect of
 * defects.json is built into a program of its own, and the scenario that is named there has to fail.
 *
 *     defect_NAME LAYOUT SCENARIO */
#include <stdio.h>

#include "sim/torture.h"

static bool is_found(const struct sim_layout *layout, const struct sim_scenario *scenario,
                     const struct sim_plan *plan)
{
    static struct sim_world world;
    struct sim_tally tally;

    if (!sim_world_open(&world, scenario, layout))
        return false;
    sim_torture(&world, plan, &tally, NULL);
    sim_world_close(&world);
    if (tally.failures > 0)
        printf("found: --layout %s --case %s: %s\n", layout->name, tally.failed_case, tally.verdict);
    return tally.failures > 0;
}

int main(int argc, char **argv)
{
    const struct sim_plan plans[] = {
        {.mode = SIM_CUTS_NONE, .one_in = 1},
        {.mode = SIM_CUTS_EACH, .one_in = 1},
        {.mode = SIM_CUTS_EACH, .one_in = 1, .seed = 1},
    };
    const struct sim_layout *layout = argc == 3 ? sim_small_layout(argv[1]) : NULL;
    const struct sim_scenario *scenario = argc == 3 ? sim_scenario_find(argv[2]) : NULL;
    unsigned plan;

    if (layout == NULL || scenario == NULL) {
        fprintf(stderr, "Usage: %s LAYOUT SCENARIO\n", argv[0]);
        return 2;
    }
    for (plan = 0; plan < sizeof plans / sizeof plans[0]; plan++) {
        if (is_found(layout, scenario, &plans[plan]))
            return 0;
    }
    printf("not found: every case of \"%s\" ended as it must\n", scenario->name);
    return 1;
}
