/* Shipments: one firmware for a selection of devices, or for all of a template. Runs on the store's thread;
 * results are enum store_result. */
#ifndef TANDEM_CLOUD_SHIPMENT_H
#define TANDEM_CLOUD_SHIPMENT_H

#include "cloud/fleet/fleet.h"

/* Creates shipment (name, template, firmware and all_devices are filled in; an empty name gets a default) for
 * devices, or for all of the template where all_devices, and makes the offers that are due. STORE_CONFLICT:
 * the name is taken. */
TDM_MUST_USE int shipment_create(struct fleet *fleet, struct shipment *shipment, const int64_t *devices,
                                 size_t count);

enum shipment_action { SHIPMENT_PAUSE, SHIPMENT_RESUME, SHIPMENT_CANCEL };
/* STORE_CONFLICT: the shipment's state does not allow it. */
TDM_MUST_USE int shipment_act(struct fleet *fleet, int64_t id, enum shipment_action action,
                              struct shipment *shipment);

/* Takes a new device into the shipments for all devices of its template: those that are live or paused, and
 * the newest one even if it is finished, which it reopens. */
TDM_MUST_USE int shipment_take_in(struct fleet *fleet, const struct device *device);

const char *shipment_state_slug(enum shipment_state state);

#endif
