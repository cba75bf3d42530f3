/* Is the defect that was planted in this build found? The judge is tested by what it must see: each defect of
 * defects.json is built into a program of its own, and some case has to fail there. */
#include <stdio.h>

#include "sim/torture.h"

static bool is_found(const struct sim_layout *layout, const struct sim_plan *plan)
{
    static struct sim_world world;
    const struct sim_scenario *scenario;
    struct sim_tally tally;

    for (scenario = sim_scenarios(layout); scenario->name != NULL; scenario++) {
        if (!sim_world_open(&world, scenario, layout)) {
            return false;
        }
        sim_torture(&world, plan, &tally, NULL, NULL);
        sim_world_close(&world);
        if (tally.failures > 0) {
            printf("found: --layout %s --case %s: %s\n", layout->name, tally.failed_case, tally.verdict);
            return true;
        }
    }
    return false;
}

int main(void)
{
    const struct sim_plan plans[] = {
        {.mode = SIM_CUTS_NONE, .one_in = 1},
        {.mode = SIM_CUTS_EACH, .one_in = 4},
        {.mode = SIM_CUTS_EACH, .one_in = 1, .seed = 1},
    };
    unsigned plan, layout;

    for (plan = 0; plan < sizeof plans / sizeof plans[0]; plan++) {
        for (layout = 0; layout < SIM_SMALL_LAYOUTS; layout++) {
            if (is_found(&sim_small_layouts[layout], &plans[plan])) {
                return 0;
            }
        }
    }
    printf("not found: every case of every scenario ended as it must\n");
    return 1;
}
