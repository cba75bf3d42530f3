/* Reports of our own to a Tandem cloud: topic ota/report (docs/EXTENSIONS.md).
 *
 * They wait here until the cloud acknowledged them, so one that was made while it was away is told later. A
 * new progress takes the place of one that still waits; of the others the oldest give way. */
#ifndef NCPD_REPORT_H
#define NCPD_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "ncpd/cloud/offer.h"
#include "tandem/ncp.h"

enum { REPORTS = 16, REPORT_BYTES = 1024 };

struct report {
    char json[REPORT_BYTES];
    bool progress; /* of a transfer; at most one of them waits */
    int msg_id;    /* of the publish in flight, 0 if it waits */
};

struct report_queue {
    struct report rows[REPORTS]; /* oldest first */
    int count;
    uint64_t progress_ms; /* when the last progress was made */
};

/* What arrived at the co-processor. */
void report_received(struct report_queue *queue, const struct offer *offer);
/* The first leg, at most once a second. */
void report_downloading(struct report_queue *queue, uint32_t bytes, uint32_t size, uint64_t now_ms);
void report_downloaded(struct report_queue *queue, uint32_t size);
void report_download_failed(struct report_queue *queue, uint8_t reason);
/* The second leg; transferring at most once a second. */
void report_progress(struct report_queue *queue, const struct tdm_ncp_progress *progress, uint64_t now_ms);
void report_device(struct report_queue *queue, const struct tdm_ncp_device_report *device);

/* What a device report's numbers are called, there and in the log. */
const char *report_event_slug(uint8_t event);
const char *report_state_slug(uint8_t state);

/* The first that waits to be published, NULL if none does. */
struct report *report_next(struct report_queue *queue);
/* The cloud acknowledged it. */
void report_acknowledged(struct report_queue *queue, int msg_id);
/* The connection ended: what was in flight waits again. */
void report_disconnected(struct report_queue *queue);

#endif
