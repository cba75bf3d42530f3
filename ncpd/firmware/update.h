/* The update of one MCU: from the cloud's offer, over the download, to its end, over restarts of the program.
 * What the MCU is told, and when, is core/ncp's business. */
#ifndef NCPD_UPDATE_H
#define NCPD_UPDATE_H

#include "ncpd/cloud/offer.h"
#include "ncpd/cloud/report.h"
#include "ncpd/config/config.h"
#include "ncpd/firmware/store.h"
#include "tandem/ncp.h"

struct event_base;
struct update;

struct update_handler {
    /* core/ncp has something to do, or there is something to report: look after both, from the loop. */
    void (*wake)(void *ctx);
    void *ctx;
};

/* The latest offer, for the status. */
struct update_status {
    bool active;
    const char *stage; /* of docs/EXTENSIONS.md; "none" before the first offer */
    uint8_t reason;    /* enum tdm_reason, when it failed */
    uint32_t bytes;    /* of the download, then of the transfer */
    uint32_t size;
    int64_t changed_s; /* since 1970 */
    struct offer offer;
};

/* Everything stays the caller's; ncp is initialised. Goes on with the update that the store remembers. Never
 * NULL. */
struct update *update_new(struct event_base *base, const struct mcu_config *mcu, struct store *store,
                          struct tdm_ncp *ncp, struct report_queue *reports,
                          const struct update_handler *handler);
void update_free(struct update *update);

/* downlink/ota/json came. */
void update_take_offer(struct update *update, const void *json, size_t bytes);

/* ops->read and ops->progress of core/ncp. */
int update_read(struct update *update, uint32_t id, uint32_t offset, void *to, size_t bytes);
void update_progress(struct update *update, const struct tdm_ncp_progress *progress);

/* otaUpdatePrefetch: what became of the file, or later, once that is known. As a tdm_serve_fn. */
int update_prefetch(struct update *update, uint16_t msg_id, struct tdm_writer *results);

/* Ends what is under way, and removes every file that was kept. */
void update_forget(struct update *update);

const struct update_status *update_status(const struct update *update);

#endif
