/* Files that no firmware needs any more leave the place that several servers share (cloud/files). Runs on the
 * store's thread; results are enum store_result.
 *
 *     deleted --an hour--> due --removal_take--> being removed --removal_done--> forgotten
 *                           ^                         |
 *                           '-- failed: later, and later each time
 *
 * Any server may take one. One that dies while it removes leaves it due again. */
#ifndef TANDEM_CLOUD_FLEET_REMOVAL_H
#define TANDEM_CLOUD_FLEET_REMOVAL_H

#include "cloud/fleet/base/fleet.h"

/* Deletes a firmware, its shipments with it, and has its file and those of its forms removed. Large shipments
 * go in pieces: *more and *after as store_shipment_delete has them. */
TDM_MUST_USE int removal_delete_firmware(struct fleet *fleet, int64_t firmware, int64_t *after, bool *more);

/* A file that is to be removed now: STORE_NOT_FOUND if there is none. */
TDM_MUST_USE int removal_take(struct fleet *fleet, struct removal *removal);
TDM_MUST_USE int removal_done(struct fleet *fleet, const struct removal *removal);

/* A file of this content is about to be kept: then it is not removed. STORE_CONFLICT: it is being removed at
 * present. */
TDM_MUST_USE int removal_hold(struct fleet *fleet, const uint8_t sha256[RECORD_DIGEST_BYTES]);

#endif
