/* Shipments as people read them. */
#ifndef CLI_SHIPMENT_H
#define CLI_SHIPMENT_H

#include <jansson.h>

#include "cli/base/command.h"

/* Prints how a shipment stands in one line, and the devices that have ended without running the firmware; or
 * its JSON. Frees it. */
int shipment_print_result(const struct invocation *call, json_t *shipment);

/* True if it has more devices than the answer holds. */
bool shipment_is_large(const json_t *shipment);

/* True if a row of its devices has ended, and true if it runs the firmware. */
bool shipment_device_ended(const json_t *device);
bool shipment_device_runs(const json_t *device);

#endif
