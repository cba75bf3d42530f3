/* One MCU and its co-processor on Linux: core/ncp between the UART, the cloud and the files. */
#ifndef NCPD_BRIDGE_H
#define NCPD_BRIDGE_H

#include <jansson.h>

#include "ncpd/config/config.h"

struct event_base;
struct bridge;

/* Starts serving the MCU. mcu stays the caller's. NULL after a message, where its data folder or token file
 * is not to be used. */
struct bridge *bridge_new(struct event_base *base, const struct mcu_config *mcu);
void bridge_free(struct bridge *bridge);

/* Tells the MCU that its co-processor restarts, if no answer of it is awaited. True once that is on the wire,
 * or cannot be told: ask again in a moment if not. */
bool bridge_say_goodbye(struct bridge *bridge);

/* One row of docs/NCP.md, "Status". */
json_t *bridge_status(const struct bridge *bridge);

#endif
