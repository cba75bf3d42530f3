/* The store: shipments and their waves. */
#ifndef TANDEM_CLOUD_STORE_SHIPMENT_H
#define TANDEM_CLOUD_STORE_SHIPMENT_H

#include "cloud/store/store.h"

/* update writes state, end, why, planned, and what moves: wave, planner, sweep, turn, due. Lists are newest
 * first. */
TDM_MUST_USE int store_shipment_add(struct store *store, struct shipment *shipment);
TDM_MUST_USE int store_shipment_get(struct store *store, int64_t id, struct shipment *shipment);
TDM_MUST_USE int store_shipment_update(struct store *store, const struct shipment *shipment);
/* With its waves and targets. */
/* Deletes it, or a part of it where it has more targets than a transaction may remove without keeping others
 * waiting: *more says that it is there yet, cancelled, without its targets up to *after. From 0 on. */
TDM_MUST_USE int store_shipment_delete(struct store *store, int64_t id, int64_t *after, bool *more);
/* One that ships this firmware: STORE_NOT_FOUND if there is none. */
TDM_MUST_USE int store_shipment_of_firmware(struct store *store, int64_t firmware, int64_t *id);
TDM_MUST_USE int store_shipments(struct store *store, int64_t organization, struct shipment **shipments,
                                 size_t *count);
/* In this state (-1: any), older than before (0: from the newest). */
TDM_MUST_USE int store_shipments_page(struct store *store, int64_t organization, int state, int64_t before,
                                      size_t limit, struct shipment **shipments, size_t *count);
/* The newest 200 of a template. */
TDM_MUST_USE int store_shipments_of_template(struct store *store, int64_t organization, const char *template,
                                             struct shipment **shipments, size_t *count);
/* Whether there is one with this image. */
TDM_MUST_USE int store_image_shipped(struct store *store, int64_t organization,
                                     const uint8_t digest[RECORD_DIGEST_BYTES], bool *shipped);
/* Those whose due time has come, the earliest first; 100 at most. */
TDM_MUST_USE int store_shipments_due(struct store *store, int64_t now, struct shipment **shipments,
                                     size_t *count);
/* The oldest that is not planned yet, and that this node plans: it began, or who did is gone. */
TDM_MUST_USE int store_shipment_unplanned(struct store *store, int64_t node, struct shipment *shipment);
/* The newest whose connected devices are being gone through. */
TDM_MUST_USE int store_shipment_sweeping(struct store *store, struct shipment *shipment);
/* Has the connected devices of an organization's live shipments with a preferred time gone through. */
TDM_MUST_USE int store_shipment_sweep_slots(struct store *store, int64_t organization);
/* Connected devices of a shipment in order of their ids, limit at most, among the next of its devices behind
 * after. *next gets where to go on, -1 at the end: of a large fleet of which few are connected, some are
 * looked at in each call. */
#define STORE_ONLINE_LOOK 2000
TDM_MUST_USE int store_shipment_online(struct store *store, int64_t shipment, int64_t after, size_t limit,
                                       int64_t **devices, size_t *count, int64_t *next);
/* From the waves' counters. */
TDM_MUST_USE int store_shipment_progress(struct store *store, int64_t shipment, struct progress *progress);

/* Waves, in order. update writes how it passes its gate; the counters are added to, one by one. */
TDM_MUST_USE int store_wave_add(struct store *store, const struct wave *wave);
TDM_MUST_USE int store_waves(struct store *store, int64_t shipment, struct wave **waves, size_t *count);
TDM_MUST_USE int store_wave_update(struct store *store, const struct wave *wave);
TDM_MUST_USE int store_wave_count(struct store *store, const struct wave *more);
/* Takes all targets of a shipment away, to begin anew. */
TDM_MUST_USE int store_waves_clear(struct store *store, int64_t shipment);

#endif
