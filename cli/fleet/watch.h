/* Following a shipment until it ends. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli/rest/rest.h"

/* Polls the shipment until every device of it has ended, it was cancelled, or seconds have passed. Shows both
 * legs of every device: bars on a terminal (standard error), a line per change otherwise (standard output,
 * nothing with --json). *last gets the shipment as it was seen last, the caller's, NULL if never.
 * CLI_OK: all devices run the firmware; CLI_SHIPMENT: ended otherwise; CLI_TIMEOUT; what rest_request
 * returns.
 */
int watch_shipment(struct rest *rest, const char *id, uint32_t seconds, bool json, json_t **last);

#endif
