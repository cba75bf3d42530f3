#include "cli/torture/torture_order.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/board/layout.h"

enum { RANDOM_CASES = 10000 };

/* The largest flash that is simulated: a case copies all of it. */
#define FLASH_MAX (64u << 20)

static int no_such_layout(const char *name)
{
    char known[512] = "";
    size_t used = 0;
    unsigned i;

    for (i = 0; i < SIM_SMALL_LAYOUTS && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                                 sim_small_layouts[i].name);
    return output_fail(CLI_USAGE, "there is no file \"%s\", nor a built-in layout of that name; those are %s",
                       name, known);
}

int torture_order_layout(const struct invocation *call, struct sim_layout *layout)
{
    const char *path = option_text(call, "layout");
    const struct sim_layout *small = sim_small_layout(path == NULL ? "small" : path);
    struct board_layout board;
    int rc;

    if (small != NULL) {
        *layout = *small;
        return CLI_OK;
    }
    if (strpbrk(path, "./") == NULL && access(path, F_OK) != 0)
        return no_such_layout(path);
    rc = layout_load(&board, path);
    if (rc != CLI_OK)
        return rc;
    if (board.flash.bytes > FLASH_MAX)
        return output_fail(CLI_FAILED, "%s: the flash is larger than 64 MiB; describe a smaller one", path);
    *layout = (struct sim_layout){.erase_bytes = board.erase_bytes,
                                  .program_bytes = board.program_bytes,
                                  .program_once = board.program_once,
                                  .places = board.places};
    return CLI_OK;
}

static int read_mode(const struct invocation *call, enum sim_mode *mode)
{
    const char *text = option_text(call, "cuts");
    int candidate;

    *mode = SIM_CUTS_EACH;
    if (text == NULL)
        return CLI_OK;
    for (candidate = SIM_CUTS_NONE; candidate <= SIM_CUTS_RANDOM; candidate++) {
        if (strcmp(text, sim_mode_name((enum sim_mode)candidate)) == 0) {
            *mode = (enum sim_mode)candidate;
            return CLI_OK;
        }
    }
    return output_fail(CLI_USAGE, "--cuts is none, each, pairs, line or random, not \"%s\"", text);
}

int torture_order_plan(const struct invocation *call, struct sim_plan *plan)
{
    int rc;

    *plan = (struct sim_plan){.one_in = 1, .random_cases = RANDOM_CASES};
    rc = read_mode(call, &plan->mode);
    rc = rc == CLI_OK ? option_number(call, "seed", UINT32_MAX, &plan->seed) : rc;
    rc = rc == CLI_OK ? option_number(call, "one-in", 1000000, &plan->one_in) : rc;
    if (rc == CLI_OK && plan->one_in == 0)
        return output_fail(CLI_USAGE, "--one-in is 1 or more");
    return rc;
}

int torture_order_fits(const struct sim_scenario *scenario, const struct sim_layout *layout)
{
    const struct sim_scenario *of_layout = sim_scenarios(layout);

    while (of_layout->name != NULL && of_layout != scenario)
        of_layout++;
    if (of_layout->name != NULL)
        return CLI_OK;
    return output_fail(CLI_USAGE,
                       "the scenario \"%s\" is for devices with %s; give a --layout that has as many, or "
                       "another scenario (`tandem torture --list`)",
                       scenario->name, sim_layout_has_one_bank(layout) ? "two banks" : "one bank");
}

int torture_order_scenario(const struct invocation *call, const struct sim_layout *layout,
                           const struct sim_scenario **scenario)
{
    const char *name = option_text(call, "scenario");

    *scenario = NULL;
    if (name == NULL)
        return CLI_OK;
    *scenario = sim_scenario_find(name);
    if (*scenario == NULL)
        return output_fail(CLI_USAGE, "there is no scenario \"%s\"; `tandem torture --list` prints them",
                           name);
    return torture_order_fits(*scenario, layout);
}
