/* Who gets what: asks the rules for each open shipment of a device, newest first, and makes the first offer
 * that passes. Runs on the store's thread, inside its transaction; results are enum store_result. */
#ifndef TANDEM_CLOUD_PLANNER_H
#define TANDEM_CLOUD_PLANNER_H

#include "cloud/fleet/base/fleet.h"
#include "cloud/fleet/rules/rules.h"

struct dossier;

enum planner_trigger {
    PLANNER_CHANGE,   /* something changed: a shipment was created, an update ended */
    PLANNER_CHECK_IN, /* the device just checked in */
};

/* Asks for the device of a dossier, which is changed accordingly. */
TDM_MUST_USE int planner_decide(struct dossier *dossier, enum planner_trigger trigger);
/* The same because the due time of its target in this shipment came. */
TDM_MUST_USE int planner_decide_due(struct dossier *dossier, int64_t shipment);
/* The same for a device by its id. */
TDM_MUST_USE int planner_run(struct fleet *fleet, int64_t device, enum planner_trigger trigger);
/* Why the target does not move, in words, as the rules see it now. */
TDM_MUST_USE int planner_explain(struct fleet *fleet, const struct target *target, struct verdict *verdict);

/* Whether the verdict would spend an attempt. */
bool planner_spends(const struct verdict *verdict);
/* Such a verdict is made anew where other shipments spent some on this image: they count only where
 * everything else says yes. */
TDM_MUST_USE int planner_judge_attempts(const struct dossier *dossier, struct candidate *candidate,
                                        struct verdict *verdict);

#endif
