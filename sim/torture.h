/* Torture: every scenario with the power cut at every operation, in every way; once, or twice. */
#ifndef SIM_TORTURE_H
#define SIM_TORTURE_H

#include "sim/world.h"

enum sim_mode {
    SIM_CUTS_NONE,  /* the scenario alone */
    SIM_CUTS_EACH,  /* every operation x tear, each with and without the co-processor's power */
    SIM_CUTS_PAIRS, /* every such pair, the second counted from the first */
    SIM_CUTS_LINE,  /* every frame x fault */
    SIM_CUTS_RANDOM /* pairs drawn by the seed */
};

struct sim_plan {
    enum sim_mode mode;
    uint32_t seed;
    uint32_t one_in; /* each and pairs: the share of cases that is run; 1: all */
    uint32_t random_cases;
};

/* A case has a name that replays it: "healthy", "healthy:12t7", "healthy:12t7,3u1" (operation, letter of the
 * tear, seed). */
#define SIM_CASE_NAME_MAX 96

struct sim_tally {
    const struct sim_scenario *scenario;
    uint32_t one_in; /* the share of cases that was run */
    uint32_t cases;
    uint32_t cuts; /* that happened, and were survived where nothing failed */
    uint32_t by_tear[SIM_KIND_COUNT];
    uint32_t operations; /* of the flash, without cuts */
    uint32_t frames;     /* on the line */
    uint32_t failures;
    unsigned worst_boots;                /* from a cut until a confirmed firmware runs */
    char failed_case[SIM_CASE_NAME_MAX]; /* the first one */
    char verdict[160];
};

/* Who looks on; either slot may be NULL. */
struct sim_onlooker {
    /* Called now and then. */
    void (*progress)(void *ctx, const struct sim_tally *tally);
    /* Called after each case, the first of which is without cuts. */
    void (*ended)(void *ctx, const struct sim_cut *cuts, unsigned count, const struct sim_outcome *outcome);
    void *ctx;
};

void sim_case_name(char name[SIM_CASE_NAME_MAX], const struct sim_scenario *scenario,
                   const struct sim_cut *cuts, unsigned count);
/* False if it is no name of a case. */
bool sim_case_parse(const char *name, const struct sim_scenario **scenario, struct sim_cut cuts[SIM_CUTS_MAX],
                    unsigned *count);

/* About how many cases a plan makes of a scenario that was tallied without cuts. */
uint64_t sim_plan_cases(const struct sim_plan *plan, const struct sim_tally *tally);

/* Runs a scenario as planned. onlooker may be NULL. */
void sim_torture(struct sim_world *world, const struct sim_plan *plan, struct sim_tally *tally,
                 const struct sim_onlooker *onlooker);

/* Layouts for exhaustive runs. "small" has pages of 256 bytes, two of them for the image beside the four that
 * the longest header needs, and programs units of 8 bytes; "small-once" takes each unit once per erase;
 * "small-wide" has units of 32 bytes in pages of 512; "tiny" has one page for the image; "long" has six, so
 * that a transfer that goes on leaves some; "framed" takes images of more than a frame of an encoded payload.
 * Those that are called "one..." are the same with one bank. */
#define SIM_SMALL_LAYOUTS 13
extern const struct sim_layout sim_small_layouts[SIM_SMALL_LAYOUTS];

/* NULL if there is none of that name. */
const struct sim_layout *sim_small_layout(const char *name);

#endif
