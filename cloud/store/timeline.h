/* The store: the timelines of devices.
 *
 * The lines of all devices stand in one table in the order in which they were written, so that the lines of
 * hundreds of devices share a page, and the oldest go from its end. Each line has the id of the one before it
 * of its device, the device that of its newest: a timeline is read along that chain, until where it is gone.
 */
#ifndef TANDEM_CLOUD_STORE_TIMELINE_H
#define TANDEM_CLOUD_STORE_TIMELINE_H

#include "cloud/durations.h"
#include "cloud/store/store.h"

/* What is read of a timeline, and how many lines the table has room for per device that was ever added,
 * beside some for a small fleet. */
#define STORE_EVENTS_KEPT 200
#define STORE_LINES_SPARE 2000

/* What a device may write about itself beside its updates, so that none takes the room of all: this many
 * lines at once, and one more in each pause. */
#define STORE_LINES_BURST    200
#define STORE_LINES_PAUSE_MS (DAY_MS / STORE_EVENTS_KEPT)

/* Adds a line to the timeline of a device that was read in this transaction. The caller writes its pulse
 * (store_device_pulse) behind it. Beyond what the device may write, a line that is about no shipment takes
 * the place of the newest one, unless that is about a shipment. */
TDM_MUST_USE int store_event_add(struct store *store, struct device *device, const struct event *event);
/* The newest lines of a device, oldest first. */
TDM_MUST_USE int store_events(struct store *store, int64_t device, struct event **events, size_t *count);
/* Takes all of them away; the device goes behind them. */
TDM_MUST_USE int store_events_delete(struct store *store, int64_t device);

#endif
