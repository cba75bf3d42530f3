/* What `tandem torture` was asked for. Each returns CLI_OK, or another code with the reason on standard
 * error. */
#ifndef CLI_TORTURE_ORDER_H
#define CLI_TORTURE_ORDER_H

#include "cli/base/command.h"
#include "sim/report.h"

/* A layout file, or one of those that are built in. */
int torture_order_layout(const struct invocation *call, struct sim_layout *layout);

/* Which cuts, and how many of them. */
int torture_order_plan(const struct invocation *call, struct sim_plan *plan);

/* NULL: all that fit the layout. */
int torture_order_scenario(const struct invocation *call, const struct sim_layout *layout,
                           const struct sim_scenario **scenario);

/* Scenarios for one bank mean nothing with two, and the other way round. */
int torture_order_fits(const struct sim_scenario *scenario, const struct sim_layout *layout);

#endif
