#include "sim/scenario.h"

#include <string.h>

const struct sim_scenario *sim_scenarios(const struct sim_layout *layout)
{
    return sim_layout_has_one_bank(layout) ? sim_scenarios_one_bank : sim_scenarios_two_banks;
}

static const struct sim_scenario *find(const struct sim_scenario *scenario, const char *name)
{
    while (scenario->name != NULL && strcmp(scenario->name, name) != 0)
        scenario++;
    return scenario->name != NULL ? scenario : NULL;
}

const struct sim_scenario *sim_scenario_find(const char *name)
{
    const struct sim_scenario *found = find(sim_scenarios_two_banks, name);

    return found != NULL ? found : find(sim_scenarios_one_bank, name);
}

unsigned sim_scenario_firmwares(const struct sim_scenario *scenario)
{
    unsigned count = 0;

    while (count < SIM_FIRMWARES && scenario->firmware[count].version != NULL)
        count++;
    return count;
}
