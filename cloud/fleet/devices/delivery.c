/* An offer on its way, and the file that is fetched for it. */
#include "cloud/fleet/devices/device.h"

#include <stdio.h>

#include "cloud/fleet/shipments/dossier.h"
#include "cloud/fleet/shipments/target.h"

int device_offer_unsent(struct fleet *fleet, int64_t id, int64_t shipment, const char *why)
{
    struct dossier dossier;
    struct event step = {.kind = "log", .shipment = shipment};
    int result = dossier_open(&dossier, fleet, id);
    struct target *target = result == STORE_OK ? dossier_target(&dossier, shipment) : NULL;
    if (target != NULL) {
        struct target before = *target;
        status_unsent(target, fleet->now);
        result = target_save(&dossier, &before, target);
        if (result == STORE_OK)
            result = fleet_step(fleet, &dossier.device, &step, "the offer was not sent: %s", why);
    }
    result = dossier_close(&dossier, result);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

struct download {
    int64_t firmware;
    enum download_step step;
    bool *news; /* whether it changes the target's status */
};

static int apply_download(struct fleet *fleet, const struct scene *scene, struct target *target,
                          const void *argument)
{
    const struct download *download = argument;
    enum target_status before = target->status;
    if (scene->firmware.id != download->firmware)
        return STORE_OK;
    if (download->step == DOWNLOAD_SENT)
        status_downloaded(target, &fleet->limits, fleet->now);
    else
        status_requested(target, &fleet->limits, fleet->now);
    *download->news = target->status != before;
    return STORE_OK;
}

static int note_download(struct fleet *fleet, struct device *device, enum download_step step)
{
    bool sent = step == DOWNLOAD_SENT;
    struct event event = {.kind = "download", .shipment = device->shipment};
    snprintf(event.code, sizeof event.code, "%s", sent ? "sent" : "requested");
    return fleet_step(fleet, device, &event,
                      sent ? "the firmware was sent whole" : "the firmware was asked for");
}

int device_download(struct fleet *fleet, int64_t id, int64_t firmware, enum download_step step)
{
    struct dossier dossier;
    bool news = false;
    struct download download = {firmware, step, &news};
    int result = dossier_open(&dossier, fleet, id);
    if (result == STORE_OK)
        result = target_change_current(&dossier, apply_download, &download);
    if (result == STORE_OK && (news || step != DOWNLOAD_GOES_ON))
        result = note_download(fleet, &dossier.device, step);
    result = dossier_close(&dossier, result);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}
