/* An offer on its way, and the file that is fetched for it. */
#include "cloud/fleet/device.h"

#include <stdio.h>

#include "cloud/fleet/dossier.h"
#include "cloud/fleet/notice.h"

int device_offer_sent(struct fleet *fleet, int64_t id, int64_t shipment)
{
    struct target target;
    int result = store_target_sent(fleet->store, shipment, id, fleet->now);
    if (result == STORE_OK && !notice_watched(fleet))
        return STORE_OK;
    if (result == STORE_OK)
        result = store_target_get(fleet->store, shipment, id, &target);
    if (result != STORE_OK)
        return result == STORE_NOT_FOUND ? STORE_OK : result;
    return notice_target(fleet, &target);
}

struct download {
    int64_t firmware;
    bool complete;
};

static int apply_download(struct fleet *fleet, const struct scene *scene, struct target *target,
                          const void *argument)
{
    const struct download *download = argument;
    const struct firmware *firmware = &scene->firmware;
    if (firmware->id == download->firmware && download->complete)
        status_downloaded(target, &fleet->limits, fleet->now);
    else if (firmware->id == download->firmware)
        status_requested(target, &fleet->limits, fleet->now);
    return STORE_OK;
}

int device_download(struct fleet *fleet, int64_t id, int64_t firmware, bool complete)
{
    struct dossier dossier;
    struct download download = {firmware, complete};
    int result = dossier_open(&dossier, fleet, id);
    if (result == STORE_OK)
        result = dossier_change_current(&dossier, apply_download, &download);
    struct event step = {.kind = "download", .shipment = dossier.device.shipment};
    snprintf(step.code, sizeof step.code, "%s", complete ? "sent" : "requested");
    if (result == STORE_OK)
        result = fleet_step(fleet, id, &step,
                            complete ? "the firmware was sent whole" : "the firmware was asked for");
    result = dossier_close(&dossier, result);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}
