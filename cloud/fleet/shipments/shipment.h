/* Shipments: one firmware for a selection of devices, or for all of a template, in waves. Runs on the store's
 * thread; results are enum store_result.
 *
 *     created --planned (planning.h)--> its waves, one after the other (waves.h) --> finished */
#ifndef TANDEM_CLOUD_SHIPMENT_H
#define TANDEM_CLOUD_SHIPMENT_H

#include "cloud/fleet/base/fleet.h"

/* What a new shipment is made of. */
struct shipment_order {
    struct shipment shipment; /* what an operator says; an empty name gets a default */
    struct wave waves[WAVES_MAX];
    size_t wave_count;      /* the last one takes the rest */
    const int64_t *devices; /* these, or */
    size_t device_count;    /* 0: all of the template (that match shipment.filter) */
};

/* A plain order: one wave, default gate and limits. */
void shipment_order_init(struct shipment_order *order, const struct status_limits *limits);

/* Creates the shipment, and makes the offers that are due. Then order->shipment is as it was written.
 * STORE_CONFLICT: the name is taken. */
TDM_MUST_USE int shipment_create(struct fleet *fleet, struct shipment_order *order);

enum shipment_action { SHIPMENT_PAUSE, SHIPMENT_RESUME, SHIPMENT_CANCEL, SHIPMENT_ADVANCE };
/* STORE_CONFLICT: the shipment's state does not allow it. */
TDM_MUST_USE int shipment_act(struct fleet *fleet, int64_t id, enum shipment_action action,
                              struct shipment *shipment);

/* The firmware that the shipment took the place of: that of the newest one before it, for the same template
 * and firmware type, which has updated devices. STORE_NOT_FOUND: there is none. */
TDM_MUST_USE int shipment_previous(struct fleet *fleet, const struct shipment *shipment,
                                   struct firmware *firmware);
/* Ships firmware to the devices that run what shipment brought, which is cancelled if it is not over. order
 * gets what was created. */
TDM_MUST_USE int shipment_revert(struct fleet *fleet, const struct shipment *shipment, int64_t firmware,
                                 struct shipment_order *order);

/* Takes a new device into the shipments for all devices of its template: those that are live or paused, and
 * the newest one even if it is finished, which it reopens. */
TDM_MUST_USE int shipment_take_in(struct fleet *fleet, const struct device *device);

/* Everything whose time has come, and the next step of what takes long. Sets fleet->busy if more is left. */
TDM_MUST_USE int shipment_tick(struct fleet *fleet);

#endif
