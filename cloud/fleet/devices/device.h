/* A device's life as the fleet sees it: connected, checked in, reporting, downloading, gone. Runs on the
 * store's thread; results are enum store_result. */
#ifndef TANDEM_CLOUD_DEVICE_H
#define TANDEM_CLOUD_DEVICE_H

#include "cloud/fleet/base/fleet.h"
#include "cloud/fleet/devices/report.h"

/* Adds a device (template, and what people say of it, are filled in) that logs in with token. Shipments for
 * all devices of the template take it in. STORE_CONFLICT: another device has this token. */
TDM_MUST_USE int device_add(struct fleet *fleet, struct device *device, const char *token);
TDM_MUST_USE int device_delete(struct fleet *fleet, int64_t id);
/* A new token for it; or one that nobody has. Its old one logs in no more, and its connection closes. */
TDM_MUST_USE int device_renew_token(struct fleet *fleet, int64_t id, struct device *device,
                                    char token[SECRET_TOKEN_MAX]);
TDM_MUST_USE int device_revoke_token(struct fleet *fleet, int64_t id);
/* The token that it has logs in no more, on any server. */
TDM_MUST_USE int device_end_token(struct fleet *fleet, const struct device *device);

/* The device logged in on this connection; an older one of its own counts no more. */
TDM_MUST_USE int device_connected(struct fleet *fleet, int64_t id, uint64_t connection, const char *origin);
/* The connection is gone, for the reason given. */
TDM_MUST_USE int device_disconnected(struct fleet *fleet, int64_t id, uint64_t connection, const char *why);

TDM_MUST_USE int device_checked_in(struct fleet *fleet, int64_t id, uint64_t connection,
                                   const struct check_in *check_in);
TDM_MUST_USE int device_reported(struct fleet *fleet, int64_t id, const struct report *report);
/* A line for the timeline: a message that made no sense. */
TDM_MUST_USE int device_logged(struct fleet *fleet, int64_t id, const char *text);

/* The offer that was decided last did not go out, for the reason given. */
TDM_MUST_USE int device_offer_unsent(struct fleet *fleet, int64_t id, int64_t shipment, const char *why);
/* The device asks for a firmware file from its first byte, or for a later part, or its last byte was sent.
 * Some modems fetch a file in hundreds of parts: they are one line of the timeline. */
enum download_step { DOWNLOAD_BEGINS, DOWNLOAD_GOES_ON, DOWNLOAD_SENT };
TDM_MUST_USE int device_download(struct fleet *fleet, int64_t id, int64_t firmware, enum download_step step);

/* Its owner agrees to a shipment that waits for that, or declines it for good; 0: every one. answered gets
 * those that did wait. */
#define DEVICE_CONSENTS_MAX 32
TDM_MUST_USE int device_consent(struct fleet *fleet, int64_t id, int64_t shipment, bool agrees,
                                int64_t answered[DEVICE_CONSENTS_MAX], size_t *count);

#endif
