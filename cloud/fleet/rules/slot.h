/* Preferred times of the day, as shipments name them: when one is open in a device's own zone. */
#ifndef TANDEM_CLOUD_SLOT_H
#define TANDEM_CLOUD_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/fleet/rules/zone.h"
#include "cloud/store/records.h"

/* Is the slot open at now (milliseconds since 1970) in that zone? *opens gets the time when it is next; now
 * itself while it is open. */
bool slot_open(enum shipment_slot slot, const struct zone *zone, int64_t now, int64_t *opens);

const char *slot_slug(enum shipment_slot slot);
/* "0-6", for people. */
const char *slot_hours(enum shipment_slot slot);

#endif
