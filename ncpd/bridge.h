/* One MCU and its co-processor on Linux: core/ncp between the UART, the cloud and the files. */
#ifndef NCPD_BRIDGE_H
#define NCPD_BRIDGE_H

#include "ncpd/config.h"

struct event_base;
struct bridge;

/* Starts serving the MCU. mcu stays the caller's. NULL after a message, where its data folder or token file
 * is not to be used. */
struct bridge *bridge_new(struct event_base *base, const struct mcu_config *mcu);
void bridge_free(struct bridge *bridge);

#endif
