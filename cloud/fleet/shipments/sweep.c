#include "cloud/fleet/shipments/sweep.h"

#include <stdlib.h>

#include "cloud/fleet/shipments/planner.h"

#define SWEEP_STEP 200 /* devices */

static int sweep(struct fleet *fleet, const struct shipment *shipment)
{
    int64_t *devices;
    size_t count;
    int64_t next = -1;
    struct shipment now;
    int result = store_shipment_online(fleet->store, shipment->id, shipment->sweep, SWEEP_STEP, &devices,
                                       &count, &next);
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = planner_run(fleet, devices[i], PLANNER_CHANGE);
    free(devices);
    if (result == STORE_OK)
        result = store_shipment_get(fleet->store, shipment->id, &now);
    /* Unless it was started anew meanwhile, by a wave that opened or a gate that stopped it. */
    if (result == STORE_OK && now.sweep == shipment->sweep && now.wave == shipment->wave &&
        now.state == shipment->state) {
        now.sweep = next;
        result = store_shipment_update(fleet->store, &now);
    }
    return result;
}

int sweep_step(struct fleet *fleet)
{
    struct shipment shipment;
    int result = store_shipment_sweeping(fleet->store, &shipment);
    if (result == STORE_NOT_FOUND)
        return STORE_OK;
    fleet->busy = true;
    return result == STORE_OK ? sweep(fleet, &shipment) : result;
}

int sweep_zone_changed(struct fleet *fleet, int64_t organization)
{
    fleet->busy = true;
    return store_shipment_sweep_slots(fleet->store, organization);
}
