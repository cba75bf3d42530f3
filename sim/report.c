#include "sim/report.h"

#include <inttypes.h>

void sim_total_add(struct sim_total *total, const struct sim_tally *tally)
{
    int tear;

    total->scenarios++;
    total->cases += tally->cases;
    total->cuts += tally->cuts;
    total->failures += tally->failures;
    for (tear = 0; tear < SIM_KIND_COUNT; tear++)
        total->by_tear[tear] += tally->by_tear[tear];
    if (total->worst_boots < tally->worst_boots)
        total->worst_boots = tally->worst_boots;
}

const char *sim_mode_name(enum sim_mode mode)
{
    static const char *const names[] = {"none", "each", "pairs", "line", "random"};

    return names[mode];
}

const char *sim_tear_name(enum sim_tear tear)
{
    static const char *const names[] = {"before", "torn",   "unreadable", "unstable",     "weak",  "faint",
                                        "after",  "lost",   "repeated",   "late",         "noise", "lie",
                                        "data",   "cancel", "silence",    "co-processor", "device"};

    return names[tear];
}

const char *sim_tear_text(enum sim_tear tear)
{
    static const char *const texts[] = {
#define TEAR_TEXT(name, letter, text) (text),
        SIM_TEARS(TEAR_TEXT) SIM_FAULTS(TEAR_TEXT)
#undef TEAR_TEXT
    };

    return texts[tear];
}

void sim_report_heading(FILE *to)
{
    fprintf(to, "%-28s %10s %10s %10s %8s\n", "scenario", "operations", "cases", "cuts", "failed");
}

void sim_report_row(FILE *to, const struct sim_tally *tally)
{
    fprintf(to, "%-28s %10" PRIu32 " %10" PRIu32 " %10" PRIu32 " %8" PRIu32, tally->scenario->name,
            tally->operations, tally->cases, tally->cuts, tally->failures);
    if (tally->scenario->one_in > 1 && tally->cuts > 0)
        fprintf(to, "  1 case of %" PRIu32, tally->one_in);
    fputc('\n', to);
    if (tally->failures > 0)
        fprintf(to, "    --case %s\n    %s\n", tally->failed_case, tally->verdict);
}

void sim_report_total(FILE *to, const struct sim_total *total, const struct sim_plan *plan)
{
    int tear;

    fprintf(to, "%-28s %10s %10" PRIu32 " %10" PRIu32 " %8" PRIu32 "\n\n", "all", "", total->cases,
            total->cuts, total->failures);
    for (tear = 0; tear < SIM_KIND_COUNT; tear++) {
        if (total->by_tear[tear] > 0)
            fprintf(to, "%10" PRIu32 " %s %s\n", total->by_tear[tear],
                    tear < SIM_TEAR_COUNT ? "cuts" : "times", sim_tear_text((enum sim_tear)tear));
    }
    if (plan->one_in > 1)
        fprintf(to, "1 case of %" PRIu32 " was run\n", plan->one_in);
    if (total->worst_boots > 0)
        fprintf(to, "boots from a cut until a confirmed firmware ran: at most %u\n", total->worst_boots);
    fprintf(to, "%" PRIu32 " cases, %" PRIu32 " failed\n", total->cases, total->failures);
}
