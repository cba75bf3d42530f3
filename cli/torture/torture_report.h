/* The report of a torture run as a page: where power cuts were made, and what the device did. */
#ifndef CLI_TORTURE_REPORT_H
#define CLI_TORTURE_REPORT_H

#include "sim/report.h"

struct torture_report;

/* The page grows in memory: nobody is left with half of one, nor without the one of before. layout and plan
 * must stay. NULL: no memory. */
struct torture_report *torture_report_open(const char *layout, const struct sim_plan *plan);

/* Around each scenario's sim_torture. begin makes the world tell what happens without cuts; onlooker takes
 * progress from another one, or NULL. */
void torture_report_begin(struct torture_report *report, struct sim_world *world,
                          const struct sim_onlooker *progress, struct sim_onlooker *onlooker);
void torture_report_end(struct torture_report *report, const struct sim_tally *tally);

/* The whole page, to be freed; report is gone. NULL: no memory. */
char *torture_report_close(struct torture_report *report, const struct sim_total *total);

#endif
