/* The update of one MCU:
 *
 *     none --offer--> downloading --> feeding --installed, failed--> none
 *                          |             ^ \_ a new offer downloads meanwhile, and takes its place
 *                          '--> none     '-- start, with an update that is remembered
 *
 * From the moment that a file is complete until the update is over, the store remembers it: a restart of this
 * program goes on with it. The budget runs from the offer on, over restarts. */
#include "ncpd/firmware/update.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ncpd/base/host.h"
#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/base/timer.h"
#include "ncpd/cloud/offer.h"
#include "ncpd/firmware/download.h"
#include "ncpd/firmware/open_files.h"

enum {
    PREFETCH_LIMIT_MS = 28000, /* the MCU waits for 30 */
    PRUNE_EVERY_MS = 6 * 3600 * 1000
};

struct update {
    const struct mcu_config *mcu;
    struct store *store;
    struct tdm_ncp *ncp;
    struct report_queue *reports;
    struct update_handler handler;
    struct download *download;
    struct open_files files;
    uint32_t remembered; /* id of the file whose update the store remembers, 0 if none */
    uint32_t current;    /* id of the file that core/ncp took last */
    int64_t began_s;     /* the latest offer, since 1970 */
    struct event *budget;
    struct event *prune;
    struct event *prefetch; /* limit of the call below */
    bool prefetch_waits;    /* an otaUpdatePrefetch waits for the download */
    uint16_t prefetch_id;
    enum tdm_prefetch last; /* how the last download ended */
    struct update_status status;
};

static uint32_t now_ms(void)
{
    return (uint32_t)host_clock_ms();
}

static void wake(struct update *update)
{
    update->handler.wake(update->handler.ctx);
}

int update_read(struct update *update, uint32_t id, uint32_t offset, void *to, size_t bytes)
{
    if (open_files_read(&update->files, id, offset, to, bytes))
        return TDM_OK;
    log_error(update->mcu->name, "data folder %s: the firmware file cannot be read: %s", update->mcu->data,
              strerror(errno));
    return TDM_E_TRUNCATED;
}

/* --- The budget --- */

static void start_budget(struct update *update)
{
    int64_t left_s = update->began_s + update->mcu->update_limit_s - time(NULL);

    /* A clock that was set meanwhile: at most the whole again. */
    if (left_s > (int64_t)update->mcu->update_limit_s)
        left_s = update->mcu->update_limit_s;
    timer_start(update->budget, left_s > 0 ? (uint64_t)left_s * 1000 : 0);
}

static void set_stage(struct update *update, const char *stage)
{
    update->status.stage = stage;
    update->status.changed_s = time(NULL);
}

/* The latest offer is over, one way or the other. */
static void end(struct update *update, const char *stage, uint8_t reason)
{
    evtimer_del(update->budget);
    update->status.reason = reason;
    update->status.active = false;
    set_stage(update, stage);
}

static void on_budget_over(evutil_socket_t fd, short what, void *ctx)
{
    struct update *update = ctx;

    (void)fd;
    (void)what;
    log_warning(update->mcu->name, "update: took longer than %u hours; given up",
                update->mcu->update_limit_s / 3600);
    if (download_busy(update->download)) {
        download_stop(update->download);
        update->last = TDM_PREFETCH_TIMEOUT;
        report_download_failed(update->reports, TDM_REASON_EXPIRED);
        end(update, "failed", TDM_REASON_EXPIRED);
    }
    tdm_ncp_withdraw(update->ncp, TDM_REASON_EXPIRED, now_ms());
    wake(update);
}

/* --- To the MCU --- */

static void remember(struct update *update, const struct download_result *result, uint32_t id)
{
    struct store_update kept = {.offer = result->offer, .began_s = update->began_s};

    kept.offer.size = result->digests.bytes;
    memcpy(kept.sha256, result->digests.sha256, sizeof kept.sha256);
    if (!store_remember(update->store, &kept))
        log_warning(update->mcu->name, "data folder: the update is not remembered over a restart");
    update->remembered = id;
}

static void feed(struct update *update, const struct download_result *result)
{
    const struct offer *offer = &result->offer;
    struct tdm_ncp_firmware firmware = {.id = open_files_keep(&update->files, result->fd)};

    if (firmware.id == 0)
        return;
    firmware.bytes = result->digests.bytes;
    firmware.crc32 = result->digests.crc32;
    memcpy(firmware.md5, result->digests.md5, sizeof firmware.md5);
    memcpy(firmware.sha256, result->digests.sha256, sizeof firmware.sha256);
    offer_file_name(offer, firmware.name, sizeof firmware.name);
    memcpy(firmware.type, offer->type, sizeof firmware.type);
    memcpy(firmware.version, offer->version, sizeof firmware.version);
    memcpy(firmware.build, offer->build, sizeof firmware.build);
    if (tdm_ncp_offer(update->ncp, &firmware, now_ms()) == TDM_OK) {
        update->current = firmware.id;
        remember(update, result, firmware.id);
    } else {
        open_files_close(&update->files, firmware.id); /* it is under way already */
    }
    wake(update);
}

void update_progress(struct update *update, const struct tdm_ncp_progress *progress)
{
    bool over = progress->stage == TDM_NCP_INSTALLED || progress->stage == TDM_NCP_FAILED;

    if (progress->stage == TDM_NCP_TRANSFERRING)
        log_debug(update->mcu->name, "update: %u of %u bytes", progress->bytes, progress->size);
    else if (progress->stage == TDM_NCP_FAILED)
        log_warning(update->mcu->name, "update: failed: %s (%s)", tdm_reason_text(progress->reason),
                    tdm_reason_slug(progress->reason));
    else
        log_info(update->mcu->name, "update: %s", tdm_ncp_stage_slug(progress->stage));
    if (progress->id == update->current &&
        !download_busy(update->download)) { /* not of one that it replaced */
        update->status.bytes = progress->bytes;
        update->status.size = progress->size;
        set_stage(update, tdm_ncp_stage_slug(progress->stage));
        if (over)
            end(update, tdm_ncp_stage_slug(progress->stage), progress->reason);
    }
    if (over) {
        if (progress->id == update->remembered) {
            (void)store_remember(update->store, NULL);
            update->remembered = 0;
        }
        open_files_close(&update->files, progress->id);
    }
    report_progress(update->reports, progress, host_clock_ms());
}

/* An update that a restart of this program interrupted. */
static void go_on(struct update *update)
{
    struct download_result result = {.fd = -1};
    struct store_update kept;

    if (!store_recall(update->store, &kept))
        return;
    result.offer = kept.offer;
    result.fd = store_find(update->store, kept.sha256, kept.offer.size, &result.digests);
    if (result.fd < 0) {
        (void)store_remember(update->store, NULL);
        return;
    }
    log_info(update->mcu->name, "update: goes on with %s %s", kept.offer.type, kept.offer.version);
    update->began_s = kept.began_s;
    update->status.active = true;
    update->status.offer = kept.offer;
    set_stage(update, "downloaded");
    start_budget(update);
    feed(update, &result);
}

/* --- The download --- */

/* The cloud repeats its offer at every check-in, with another token in the URL. */
static bool is_same(const struct offer *a, const struct offer *b)
{
    return a->size == b->size && strcmp(a->type, b->type) == 0 && strcmp(a->version, b->version) == 0 &&
           strcmp(a->build, b->build) == 0;
}

void update_take_offer(struct update *update, const void *json, size_t bytes)
{
    struct offer offer;

    if (!offer_parse(&offer, json, bytes)) {
        log_warning(update->mcu->name, "cloud: an offer without an http URL, or that is not JSON; ignored");
        return;
    }
    log_info(update->mcu->name, "cloud: offers %s %s (%s), %u bytes, at %s", offer.type, offer.version,
             offer.build, offer.size, offer_url_shown(&offer));
    report_received(update->reports, &offer);
    if (!update->status.active || !is_same(&update->status.offer, &offer)) {
        update->began_s = time(NULL);
        start_budget(update);
    }
    update->status.offer = offer;
    update->status.active = true;
    set_stage(update, "received");
    download_start(update->download, &offer);
    wake(update);
}

static void on_download_progress(void *ctx, uint32_t bytes, uint32_t size)
{
    struct update *update = ctx;

    update->status.bytes = bytes;
    update->status.size = size;
    set_stage(update, "downloading");
    report_downloading(update->reports, bytes, size, host_clock_ms());
    wake(update);
}

/* --- otaUpdatePrefetch --- */

static void answer_prefetch(struct update *update, enum tdm_prefetch result)
{
    struct tdm_writer results;

    if (!update->prefetch_waits)
        return;
    update->prefetch_waits = false;
    evtimer_del(update->prefetch);
    if (tdm_ncp_answer_open(update->ncp, update->prefetch_id, &results) == TDM_OK) {
        tdm_put_u8(&results, (uint8_t)result);
        if (tdm_ncp_answer_commit(update->ncp, &results) == TDM_OK)
            return;
    }
    log_warning(update->mcu->name,
                "uart: no room for the answer to otaUpdatePrefetch; the MCU's time limit does the rest");
}

static void on_prefetch_limit(evutil_socket_t fd, short what, void *ctx)
{
    struct update *update = ctx;

    (void)fd;
    (void)what;
    answer_prefetch(update, TDM_PREFETCH_TIMEOUT);
    wake(update);
}

int update_prefetch(struct update *update, uint16_t msg_id, struct tdm_writer *results)
{
    if (!tdm_ncp_updating(update->ncp) && download_busy(update->download)) {
        update->prefetch_waits = true;
        update->prefetch_id = msg_id;
        timer_start(update->prefetch, PREFETCH_LIMIT_MS);
        return TDM_SERVE_LATER;
    }
    tdm_put_u8(results, (uint8_t)(tdm_ncp_updating(update->ncp) ? TDM_PREFETCH_OK : update->last));
    return TDM_STATUS_OK;
}

static void on_downloaded(void *ctx, const struct download_result *result)
{
    struct update *update = ctx;

    update->last = result->prefetch;
    if (result->reason == TDM_REASON_NONE) {
        log_info(update->mcu->name, "update: %u bytes downloaded and checked", result->digests.bytes);
        update->status.offer = result->offer;
        set_stage(update, "downloaded");
        report_downloaded(update->reports, result->digests.bytes);
        feed(update, result);
    } else {
        report_download_failed(update->reports, result->reason);
        end(update, "failed", result->reason);
    }
    answer_prefetch(update, result->prefetch);
    wake(update);
}

/* --- Outside --- */

static void on_prune(evutil_socket_t fd, short what, void *ctx)
{
    struct update *update = ctx;

    (void)fd;
    (void)what;
    if (!download_busy(update->download))
        store_prune(update->store, update->mcu->keep_s);
    timer_start(update->prune, PRUNE_EVERY_MS);
}

struct update *update_new(struct event_base *base, const struct mcu_config *mcu, struct store *store,
                          struct tdm_ncp *ncp, struct report_queue *reports,
                          const struct update_handler *handler)
{
    struct update *update = memory_zeroed(sizeof *update);
    struct download_handler download = {on_download_progress, on_downloaded, update};

    update->mcu = mcu;
    update->store = store;
    update->ncp = ncp;
    update->reports = reports;
    update->handler = *handler;
    update->last = TDM_PREFETCH_GENERIC;
    update->status.stage = "none";
    update->budget = evtimer_new(base, on_budget_over, update);
    update->prune = evtimer_new(base, on_prune, update);
    update->prefetch = evtimer_new(base, on_prefetch_limit, update);
    update->download = download_new(base, mcu, store, &download);
    go_on(update);
    timer_start(update->prune, 0);
    return update;
}

void update_free(struct update *update)
{
    download_free(update->download);
    event_free(update->budget);
    event_free(update->prune);
    event_free(update->prefetch);
    open_files_close_all(&update->files);
    free(update);
}

void update_forget(struct update *update)
{
    if (download_busy(update->download)) {
        download_stop(update->download);
        report_download_failed(update->reports, TDM_REASON_CANCELLED);
        end(update, "failed", TDM_REASON_CANCELLED);
    }
    tdm_ncp_withdraw(update->ncp, TDM_REASON_CANCELLED, now_ms());
    store_clear(update->store);
    update->remembered = 0;
}

const struct update_status *update_status(const struct update *update)
{
    return &update->status;
}
