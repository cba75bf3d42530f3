/* Firmware files: one file in the data folder per firmware, named by its SHA-256. Runs on the store's thread;
 * results are enum store_result. */
#ifndef TANDEM_CLOUD_FIRMWARE_H
#define TANDEM_CLOUD_FIRMWARE_H

#include "cloud/fleet/base/fleet.h"

#define FIRMWARE_PATH_MAX 4096

/* Where the file with this digest is. */
void firmware_path(const char *folder, const uint8_t sha256[RECORD_DIGEST_BYTES], char to[FIRMWARE_PATH_MAX]);

/* Takes the complete file at temporary in: makes it durable, moves it to its place and enters it. If the same
 * bytes are there already, *known is set and firmware is that one, whose file they replace. The temporary
 * file is gone afterwards, whatever happened. STORE_CONFLICT: the package names a key that is known here,
 * which did not sign it. */
TDM_MUST_USE int firmware_add(struct fleet *fleet, struct firmware *firmware, const char *temporary,
                              bool *known);

/* STORE_CONFLICT while a live or paused shipment needs it. Finished and cancelled shipments of it go with it.
 * Its file leaves the own folder within an hour, so that a failed commit loses nothing, and the place that
 * servers share an hour later (removal.h). */
TDM_MUST_USE int firmware_delete(struct fleet *fleet, int64_t id, int64_t *after, bool *more);

/* Whether files of some database are in this folder. */
bool firmware_kept(const char *folder);

/* At start: creates the folder, and removes unfinished uploads and files that no firmware refers to. */
TDM_MUST_USE int firmware_sweep(struct fleet *fleet);

/* While the server runs: removes files that no firmware refers to any more. Not in a transaction that deletes
 * some; what can't be removed is logged. */
TDM_MUST_USE int firmware_tidy(struct fleet *fleet);

#endif
