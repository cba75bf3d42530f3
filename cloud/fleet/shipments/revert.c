/* Shipping the previous version back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/shipments/shipment.h"

/* Has candidate updated devices with another firmware of this type? */
static int fits(struct fleet *fleet, const struct shipment *candidate, const struct firmware *now,
                struct firmware *firmware, bool *fit)
{
    struct progress progress;
    int result = store_firmware_get(fleet->store, candidate->firmware, firmware);
    if (result == STORE_OK)
        result = store_shipment_progress(fleet->store, candidate->id, &progress);
    *fit = result == STORE_OK && progress.updated > 0 && strcmp(firmware->type, now->type) == 0 &&
           memcmp(firmware->digest, now->digest, sizeof now->digest) != 0;
    return result;
}

int shipment_previous(struct fleet *fleet, const struct shipment *shipment, struct firmware *firmware)
{
    struct shipment *shipments;
    struct firmware now;
    size_t count;
    bool fit = false;
    int result = store_firmware_get(fleet->store, shipment->firmware, &now);
    if (result == STORE_OK)
        result = store_shipments_of_template(fleet->store, shipment->organization, shipment->template,
                                             &shipments, &count);
    if (result != STORE_OK)
        return result;
    for (size_t i = 0; i < count && result == STORE_OK && !fit; i++) {
        if (shipments[i].id < shipment->id)
            result = fits(fleet, &shipments[i], &now, firmware, &fit);
    }
    free(shipments);
    return result == STORE_OK && !fit ? STORE_NOT_FOUND : result;
}

/* The devices that run it, as a filter: a million of them need no list. */
static void describe(const struct firmware *firmware, char to[RECORD_FILTER])
{
    if (firmware->build[0] != '\0')
        snprintf(to, RECORD_FILTER, "type=\"%s\" version=\"%s\" build=\"%s\"", firmware->type,
                 firmware->version, firmware->build);
    else
        snprintf(to, RECORD_FILTER, "type=\"%s\" version=\"%s\"", firmware->type, firmware->version);
}

int shipment_revert(struct fleet *fleet, const struct shipment *shipment, int64_t firmware,
                    struct shipment_order *order)
{
    struct firmware now;
    struct shipment cancelled;
    int result = store_firmware_get(fleet->store, shipment->firmware, &now);
    if (result == STORE_OK && (shipment->state == SHIPMENT_LIVE || shipment->state == SHIPMENT_PAUSED))
        result = shipment_act(fleet, shipment->id, SHIPMENT_CANCEL, &cancelled);
    if (result != STORE_OK)
        return result;
    shipment_order_init(order, &fleet->limits);
    order->shipment.organization = shipment->organization;
    memcpy(order->shipment.template, shipment->template, sizeof order->shipment.template);
    order->shipment.firmware = firmware;
    describe(&now, order->shipment.filter);
    return shipment_create(fleet, order);
}
