/* Gets the firmware of an offer into the store: resumed where it can be, checked against x-sha256 and x-md5.
 */
#ifndef NCPD_DOWNLOAD_H
#define NCPD_DOWNLOAD_H

#include <stdint.h>

#include "ncpd/cloud/offer.h"
#include "ncpd/config/config.h"
#include "ncpd/firmware/store.h"
#include "tandem/rpc.h"

struct event_base;
struct download;

struct download_result {
    int fd;                     /* the complete file, the receiver's to close; -1 if it failed */
    enum tdm_prefetch prefetch; /* the same as otaUpdatePrefetch says it */
    struct store_digests digests;
    uint8_t reason;     /* enum tdm_reason: TDM_REASON_NONE, or why it failed */
    struct offer offer; /* as asked for; type, version and build completed from the answer */
};

struct download_handler {
    /* bytes of size are here. */
    void (*progress)(void *ctx, uint32_t bytes, uint32_t size);
    /* The end, once per download_start that is not replaced. */
    void (*done)(void *ctx, const struct download_result *result);
    void *ctx;
};

/* mcu and store stay the caller's. Never NULL. */
struct download *download_new(struct event_base *base, const struct mcu_config *mcu, struct store *store,
                              const struct download_handler *handler);
void download_free(struct download *download);

/* Starts, in place of the one under way; the same URL again changes nothing. */
void download_start(struct download *download, const struct offer *offer);

/* Ends the one under way without a done; what is here of it is kept. */
void download_stop(struct download *download);

/* True while one is under way. */
bool download_busy(const struct download *download);

#endif
