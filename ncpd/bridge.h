/* The co-processor on Linux: core/ncp between the UART, the cloud and the files. */
#ifndef NCPD_BRIDGE_H
#define NCPD_BRIDGE_H

#include "ncpd/options.h"
#include "ncpd/store.h"

struct event_base;
struct bridge;

/* options and store stay the caller's. Never NULL. */
struct bridge *bridge_new(struct event_base *base, const struct options *options, struct store *store);
void bridge_free(struct bridge *bridge);

#endif
