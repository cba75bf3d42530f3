#include "cloud/fleet/firmware/removal.h"

#include "cloud/durations.h"

#define GRACE_MS     (60 * MINUTE_MS) /* longer than a file is on its way to be kept, or to a device */
#define ATTEMPT_MS   (5 * MINUTE_MS)  /* no removal takes longer */
#define DOUBLING_MAX 8                /* of the pause between two tries: four hours */

int removal_delete_firmware(struct fleet *fleet, int64_t firmware, int64_t *after, bool *more)
{
    int64_t shipment;
    int result;
    *more = false;
    while ((result = store_shipment_of_firmware(fleet->store, firmware, &shipment)) == STORE_OK) {
        result = store_shipment_delete(fleet->store, shipment, after, more);
        if (result != STORE_OK || *more)
            return result;
        *after = 0;
    }
    if (result != STORE_NOT_FOUND)
        return result;
    result = store_removal_add(fleet->store, firmware, fleet->now + GRACE_MS);
    return result == STORE_OK ? store_firmware_delete(fleet->store, firmware) : result;
}

static int64_t next_try(const struct fleet *fleet, const struct removal *removal)
{
    int64_t doubled = removal->tries < DOUBLING_MAX ? removal->tries : DOUBLING_MAX;
    int64_t pause = MINUTE_MS << doubled;
    return fleet->now + (pause > ATTEMPT_MS ? pause : ATTEMPT_MS);
}

int removal_take(struct fleet *fleet, struct removal *removal)
{
    for (;;) {
        bool needed = false;
        int result = store_removal_due(fleet->store, fleet->now, removal);
        if (result == STORE_OK)
            result = store_file_needed(fleet->store, removal->sha256, &needed);
        if (result != STORE_OK)
            return result;
        if (!needed)
            break;
        result = store_removal_drop(fleet->store, removal->sha256); /* it was uploaded again */
        if (result != STORE_OK)
            return result;
    }
    removal->tried = fleet->now;
    removal->due = next_try(fleet, removal);
    removal->tries++;
    return store_removal_update(fleet->store, removal);
}

int removal_done(struct fleet *fleet, const struct removal *removal)
{
    return store_removal_drop(fleet->store, removal->sha256);
}

int removal_hold(struct fleet *fleet, const uint8_t sha256[RECORD_DIGEST_BYTES])
{
    struct removal removal;
    int result = store_removal_get(fleet->store, sha256, &removal);
    if (result != STORE_OK)
        return result == STORE_NOT_FOUND ? STORE_OK : result;
    if (removal.tried != 0 && fleet->now - removal.tried < ATTEMPT_MS)
        return STORE_CONFLICT;
    return store_removal_drop(fleet->store, sha256);
}
