#include "sim/torture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROGRESS_EVERY = 200,
    WAYS_TO_CUT = 2 * SIM_TEAR_COUNT, /* with and without the co-processor's power */
    LINE_FRAMES_MAX = 1000 /* of a scenario: what follows, in one that lasts for days, is more of the same */
};

#define BASE 0x08000000u

#define SMALL(unit, size_a, size_b, header)                                                                  \
    {                                                                                                        \
        .record = {{BASE, (unit)}, {BASE + (unit), (unit)}},                                                 \
        .bank = {{BASE + 2 * (unit), (size_a)}, {BASE + 2 * (unit) + (size_a), (size_b)}},                   \
        .header_bytes = (header),                                                                            \
    }
#define TWO(unit, size) SMALL(unit, size, size, 1024)
#define ONE(unit, size) SMALL(unit, size, 0, 1024)

const struct sim_layout sim_small_layouts[SIM_SMALL_LAYOUTS] = {
    {"small", .erase_bytes = 256, .program_bytes = 8, .places = TWO(256, 1536)},
    {"small-once", .erase_bytes = 256, .program_bytes = 8, .program_once = true, .places = TWO(256, 1536)},
    {"small-wide", .erase_bytes = 512, .program_bytes = 32, .places = TWO(512, 2048)},
    {"tiny", .erase_bytes = 256, .program_bytes = 8, .places = TWO(256, 1280)},
    {"long", .erase_bytes = 256, .program_bytes = 8, .places = TWO(256, 2560)},
    {"long-once", .erase_bytes = 256, .program_bytes = 8, .program_once = true, .places = TWO(256, 2560)},
    {"framed", .erase_bytes = 2048, .program_bytes = 8, .places = SMALL(2048, 24576, 24576, 2048)},
    {"one", .erase_bytes = 256, .program_bytes = 8, .places = ONE(256, 1536)},
    {"one-once", .erase_bytes = 256, .program_bytes = 8, .program_once = true, .places = ONE(256, 1536)},
    {"one-wide", .erase_bytes = 512, .program_bytes = 32, .places = ONE(512, 2048)},
    {"one-tiny", .erase_bytes = 256, .program_bytes = 8, .places = ONE(256, 1280)},
    {"one-long", .erase_bytes = 256, .program_bytes = 8, .places = ONE(256, 2560)},
    {"one-framed", .erase_bytes = 2048, .program_bytes = 8, .places = SMALL(2048, 24576, 0, 2048)},
};

const struct sim_layout *sim_small_layout(const char *name)
{
    unsigned i;

    for (i = 0; i < SIM_SMALL_LAYOUTS; i++) {
        if (strcmp(sim_small_layouts[i].name, name) == 0)
            return &sim_small_layouts[i];
    }
    return NULL;
}

static const char letters[] = {
#define TEAR_LETTER(name, letter, text) letter,
    SIM_TEARS(TEAR_LETTER) SIM_FAULTS(TEAR_LETTER)
#undef TEAR_LETTER
};

/* --- Names of cases --- */

void sim_case_name(char name[SIM_CASE_NAME_MAX], const struct sim_scenario *scenario,
                   const struct sim_cut *cuts, unsigned count)
{
    int length = snprintf(name, SIM_CASE_NAME_MAX, "%s", scenario->name);
    unsigned i;

    for (i = 0; i < count; i++)
        length += snprintf(name + length, SIM_CASE_NAME_MAX - (size_t)length, "%c%u%c%u", i == 0 ? ':' : ',',
                           (unsigned)cuts[i].operation, letters[cuts[i].tear], (unsigned)cuts[i].seed);
}

static bool parse_number(const char **text, uint32_t *value)
{
    char *end;
    unsigned long number;

    if (**text < '0' || **text > '9')
        return false;
    number = strtoul(*text, &end, 10);
    *value = (uint32_t)number;
    *text = end;
    return number <= UINT32_MAX;
}

static bool parse_cut(const char **text, struct sim_cut *cut)
{
    const char *letter;

    if (!parse_number(text, &cut->operation) || **text == '\0')
        return false;
    letter = memchr(letters, **text, sizeof letters);
    if (letter == NULL)
        return false;
    (*text)++;
    cut->tear = (enum sim_tear)(letter - letters);
    return parse_number(text, &cut->seed);
}

bool sim_case_parse(const char *name, const struct sim_scenario **scenario, struct sim_cut cuts[SIM_CUTS_MAX],
                    unsigned *count)
{
    size_t length = strcspn(name, ":");
    char of_scenario[SIM_CASE_NAME_MAX];

    *count = 0;
    if (length >= sizeof of_scenario)
        return false;
    memcpy(of_scenario, name, length);
    of_scenario[length] = '\0';
    *scenario = sim_scenario_find(of_scenario);
    name += length;
    while (*name == (*count == 0 ? ':' : ',') && *count < SIM_CUTS_MAX) {
        name++;
        if (!parse_cut(&name, &cuts[(*count)++]))
            return false;
    }
    return *scenario != NULL && *name == '\0';
}

/* --- Running --- */

struct run {
    struct sim_world *world;
    const struct sim_plan *plan;
    struct sim_tally *tally;
    const struct sim_onlooker *onlooker;
};

static void note_failure(struct sim_tally *tally, const struct sim_outcome *outcome,
                         const struct sim_cut *cuts, unsigned count)
{
    if (tally->failures++ == 0) {
        sim_case_name(tally->failed_case, tally->scenario, cuts, count);
        memcpy(tally->verdict, outcome->verdict, sizeof tally->verdict);
    }
}

static void tell(const struct run *run, const struct sim_cut *cuts, unsigned count,
                 const struct sim_outcome *outcome)
{
    const struct sim_onlooker *onlooker = run->onlooker;

    if (onlooker == NULL)
        return;
    if (onlooker->ended != NULL)
        onlooker->ended(onlooker->ctx, cuts, count, outcome);
    if (onlooker->progress != NULL && run->tally->cases % PROGRESS_EVERY == 0)
        onlooker->progress(onlooker->ctx, run->tally);
}

/* Runs one case. True if all its cuts happened: otherwise the case is over before, and does not count. */
static bool run_case(const struct run *run, const struct sim_cut *cuts, unsigned count)
{
    struct sim_tally *tally = run->tally;
    struct sim_outcome outcome;
    unsigned i;

    sim_world_run(run->world, cuts, count, &outcome);
    if (outcome.guilty)
        note_failure(tally, &outcome, cuts, count);
    if (outcome.cuts < count)
        return false;
    tally->cases++;
    tally->cuts += count;
    for (i = 0; i < count; i++)
        tally->by_tear[cuts[i].tear]++;
    if (outcome.boots_after_cut > tally->worst_boots)
        tally->worst_boots = outcome.boots_after_cut;
    if (count == 0) {
        tally->operations = outcome.operations;
        tally->frames = outcome.frames;
    }
    tell(run, cuts, count, &outcome);
    return true;
}

/* Where a run over operations or frames begins, so that one case of one_in is run, and not always the same.
 */
static uint32_t first_operation(const struct sim_plan *plan, uint32_t a, uint32_t b)
{
    uint32_t mixed = (plan->seed * 31 + a * 6 + b + 1) * 2654435761u;

    return (mixed >> 7) % plan->one_in;
}

/* The ways begin at operations that are spread evenly: with one case of WAYS_TO_CUT each operation is cut
 * once. */
static void run_each(const struct run *run)
{
    uint32_t variant;
    int tear;

    for (tear = 0; tear < SIM_TEAR_COUNT; tear++) {
        for (variant = 0; variant < 2; variant++) {
            uint32_t way = variant * SIM_TEAR_COUNT + (uint32_t)tear;
            uint32_t first = run->plan->seed + way * run->plan->one_in / WAYS_TO_CUT;
            struct sim_cut cut = {first % run->plan->one_in, (enum sim_tear)tear, 0};

            for (; cut.operation < run->tally->operations; cut.operation += run->plan->one_in) {
                cut.seed = 2 * (run->plan->seed + cut.operation) + variant;
                (void)run_case(run, &cut, 1);
            }
        }
    }
}

/* The second cut at every operation after the first. */
static void run_second(const struct run *run, struct sim_cut cuts[2])
{
    uint32_t first = cuts[0].operation * SIM_TEAR_COUNT + (uint32_t)cuts[0].tear;
    int tear;

    for (tear = 0; tear < SIM_TEAR_COUNT; tear++) {
        cuts[1].tear = (enum sim_tear)tear;
        cuts[1].operation = first_operation(run->plan, first, (uint32_t)tear);
        cuts[1].seed = run->plan->seed + cuts[1].operation;
        if (cuts[1].operation > run->tally->operations) { /* a drawn case that lies behind the end */
            continue;
        }
        while (run_case(run, cuts, 2)) {
            cuts[1].operation += run->plan->one_in;
            cuts[1].seed++;
        }
    }
}

static void run_pairs(const struct run *run)
{
    uint32_t operation;
    int tear;

    for (tear = 0; tear < SIM_TEAR_COUNT; tear++) {
        for (operation = 0; operation < run->tally->operations; operation++) {
            struct sim_cut cuts[2] = {{operation, (enum sim_tear)tear, run->plan->seed + operation}};

            run_second(run, cuts);
        }
    }
}

static void run_line(const struct run *run)
{
    int fault;

    for (fault = SIM_TEAR_COUNT; fault < SIM_KIND_COUNT; fault++) {
        struct sim_cut cut = {first_operation(run->plan, 0, (uint32_t)fault), (enum sim_tear)fault, 0};

        for (; cut.operation < run->tally->frames && cut.operation < LINE_FRAMES_MAX;
             cut.operation += run->plan->one_in) {
            cut.seed = (run->plan->seed + cut.operation) * 7;
            (void)run_case(run, &cut, 1);
        }
    }
}

static void run_random(const struct run *run)
{
    uint32_t random = run->plan->seed;
    uint32_t i;

    for (i = 0; i < run->plan->random_cases; i++) {
        struct sim_cut cuts[2];
        unsigned n;

        for (n = 0; n < 2; n++) {
            random = random * 1664525u + 1013904223u;
            cuts[n].operation = (random >> 8) % (run->tally->operations + 1);
            random = random * 1664525u + 1013904223u;
            cuts[n].tear = (enum sim_tear)((random >> 8) % SIM_TEAR_COUNT);
            cuts[n].seed = random >> 16;
        }
        (void)run_case(run, cuts, 2);
    }
}

uint64_t sim_plan_cases(const struct sim_plan *plan, const struct sim_tally *tally)
{
    uint64_t each = (uint64_t)SIM_TEAR_COUNT * tally->operations;

    switch (plan->mode) {
    case SIM_CUTS_EACH:
        return 1 + 2 * each / plan->one_in;
    case SIM_CUTS_PAIRS:
        return 1 + each * each / plan->one_in;
    case SIM_CUTS_LINE:
        return 1 + (uint64_t)(SIM_KIND_COUNT - SIM_TEAR_COUNT) * tally->frames / plan->one_in;
    case SIM_CUTS_RANDOM:
        return 1 + plan->random_cases;
    default:
        return 1;
    }
}

void sim_torture(struct sim_world *world, const struct sim_plan *plan, struct sim_tally *tally,
                 const struct sim_onlooker *onlooker)
{
    struct sim_plan own = *plan;
    const struct run run = {world, &own, tally, onlooker};

    own.one_in *= world->scenario->one_in != 0 ? world->scenario->one_in : 1;
    memset(tally, 0, sizeof *tally);
    tally->scenario = world->scenario;
    tally->one_in = own.one_in;
    (void)run_case(&run, NULL, 0);
    if (tally->failures > 0)
        return;
    switch (plan->mode) {
    case SIM_CUTS_NONE:
        break;
    case SIM_CUTS_EACH:
        run_each(&run);
        break;
    case SIM_CUTS_PAIRS:
        run_pairs(&run);
        break;
    case SIM_CUTS_LINE:
        run_line(&run);
        break;
    case SIM_CUTS_RANDOM:
        run_random(&run);
        break;
    }
}
