/* A dry run: who would be updated by a shipment, and for everybody else the one rule that says no. Nothing is
 * written. Step by step like planning.h, so that a large fleet's question keeps nobody waiting. */
#ifndef TANDEM_CLOUD_PREVIEW_H
#define TANDEM_CLOUD_PREVIEW_H

#include "cloud/fleet/rules/rules.h"
#include "cloud/fleet/shipments/shipment.h"

#define PREVIEW_RULES_MAX    32
#define PREVIEW_EXAMPLES_MAX 5

/* What one rule said, and to how many devices. */
struct preview_rule {
    const char *rule; /* NULL: an offer at once */
    bool later;
    int64_t devices;
    char text[240]; /* of the first */
    int64_t examples[PREVIEW_EXAMPLES_MAX];
};

struct preview {
    int64_t target;
    int64_t sizes[WAVES_MAX]; /* of the waves */
    size_t rule_count;
    struct preview_rule rules[PREVIEW_RULES_MAX];
};

struct preview_run;

/* order and firmware are copied; the device list of order must live as long as the run. NULL if a filter of
 * order does not parse. */
struct preview_run *preview_start(const struct shipment_order *order, const struct firmware *firmware);
/* Looks at some thousand devices. *more: there are others. */
TDM_MUST_USE int preview_step(struct fleet *fleet, struct preview_run *run, bool *more);
const struct preview *preview_result(const struct preview_run *run);
void preview_free(struct preview_run *run);

/* Of one device: false if the shipment does not include it. Its wave is taken as open. */
TDM_MUST_USE int preview_device(struct fleet *fleet, struct preview_run *run, const struct device *device,
                                bool *included, struct verdict *verdict);

#endif
