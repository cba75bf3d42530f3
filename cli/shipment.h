/* Shipments as people read them. */
#ifndef CLI_SHIPMENT_H
#define CLI_SHIPMENT_H

#include <jansson.h>

#include "cli/command.h"

/* Prints a shipment and its devices, or its JSON, and frees it. */
int shipment_print(const struct invocation *call, json_t *shipment);

#endif
