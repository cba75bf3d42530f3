/* Which firmware of an organization is deleted by itself. Runs on the store's thread; results are enum
 * store_result. */
#ifndef TANDEM_CLOUD_RETENTION_H
#define TANDEM_CLOUD_RETENTION_H

#include "cloud/fleet/base/fleet.h"

/* What is older than days (0: none), but for the newest keep of each type, and for what a device runs or a
 * live or paused shipment needs. */
struct retention {
    int64_t days;
    int64_t keep;
};
TDM_MUST_USE int retention_get(struct fleet *fleet, int64_t organization, struct retention *retention);
TDM_MUST_USE int retention_set(struct fleet *fleet, int64_t organization, const struct retention *retention);

/* Deletes what they say, of all organizations. The files go at the next start, as in firmware_delete. Large
 * shipments go in pieces: *more, it is to be called again. */
TDM_MUST_USE int retention_expire(struct fleet *fleet, bool *more);

#endif
