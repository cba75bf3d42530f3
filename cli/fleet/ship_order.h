/* What `tandem ship` asks of a shipment, from its options to the body of the request. */
#ifndef CLI_SHIP_ORDER_H
#define CLI_SHIP_ORDER_H

#include <jansson.h>

#include "cli/base/command.h"

/* X-rows of `tandem ship` that describe the shipment; a command's option list starts with them. */
#define SHIP_ORDER_OPTIONS                                                                                   \
    {"template", 't', "TEMPLATE", "the product to update", OPTION_REQUIRED},                                 \
        {"device", 'd', "ID", "only this device; without it all of the template, future ones too",           \
         OPTION_REPEATED},                                                                                   \
        {"filter", 'f', "FILTER", "only devices that match: a saved filter, or an expression (docs/API.md)", \
         0},                                                                                                 \
        {"name", 'n', "NAME", "the shipment's name", 0},                                                     \
        {"wave", 0, "WAVE", "serve these first: a count (10), a share (5%), a filter, or both (5% tag=lab)", \
         OPTION_REPEATED},                                                                                   \
        {"success", 0, "PERCENT", "updated devices that open the next wave (90)", 0},                        \
        {"failure", 0, "PERCENT", "failed devices that stop the shipment (no limit)", 0},                    \
        {"minimum", 0, "COUNT", "devices that must have ended for that (10)", 0},                            \
        {"soak", 0, "MINUTES", "how long a wave is watched before the next one opens (0)", 0},               \
        {"condition", 0, "CONDITION",                                                                        \
         "only where it changes something: lower-version, earlier-build, other-build, lower-library", 0},    \
        {"time", 0, "TIME", "night, morning, afternoon or evening, where the device stands", 0},             \
        {"user-controlled", 0, NULL, "each device waits for its owner's consent", 0},                        \
        {"attempts", 0, "COUNT", "attempts per device and period (3)", 0},                                   \
        {"attempts-hours", 0, "HOURS", "the period (24)", 0},                                                \
        {"per-minute", 0, "COUNT", "offers in a minute at most", 0},                                         \
        {"bytes-per-second", 0, "BYTES", "what the downloads may use together", 0},                          \
    {                                                                                                        \
        "expires", 0, "TIME", "no offers from then on: 48h, 7d, or 2026-11-22T08:00:00Z", 0                  \
    }

/* The body, from malloc; NULL with the reason on standard error. */
json_t *ship_order(const struct invocation *call, const char *firmware);

#endif
