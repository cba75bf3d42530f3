/* What a run came to, for people and for programs. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdio.h>

#include "sim/torture.h"

/* Sums of several scenarios. */
struct sim_total {
    uint32_t scenarios;
    uint32_t cases;
    uint32_t cuts;
    uint32_t by_tear[SIM_KIND_COUNT];
    uint32_t failures;
    unsigned worst_boots;
};

void sim_total_add(struct sim_total *total, const struct sim_tally *tally);

const char *sim_mode_name(enum sim_mode mode);
const char *sim_tear_name(enum sim_tear tear);
const char *sim_tear_text(enum sim_tear tear);

void sim_report_heading(FILE *to);
void sim_report_row(FILE *to, const struct sim_tally *tally);
void sim_report_total(FILE *to, const struct sim_total *total, const struct sim_plan *plan);

#endif
