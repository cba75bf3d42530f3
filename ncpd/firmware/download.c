/* States:
 *
 *     idle --start--> asking --200--> writing --end of file--> checked: done
 *                      ^  |             |            '-- wrong digest, after a kept part: the whole again
 *                      |  |-- 206, same file: go on with the part
 *                      |  |-- 206 of another file or place, 416: drop the part, ask for the whole
 *                      |  |-- the complete file of the store is this one: done
 *                      |  '-- 4xx, wrong size, no digest, nowhere to go: done, failed
 *                      |                |
 *                      '--- pausing <---'  cut, stalled, no server, 5xx: later again, from what is here
 *
 * - Attempts that brought no new byte are counted, in a row; the caller's budget ends the rest.
 * - Pauses double, have a random part, and are at least what the server asked for (Retry-After). */
#include "ncpd/firmware/download.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/base/timer.h"
#include "ncpd/firmware/transfer.h"
#include "tandem/reason.h"

enum {
    PAUSE_FIRST_MS = 1000,
    PAUSE_LAST_MS = 60000,
    RETRY_AFTER_MAX_S = 6 * 3600,
    FILE_BYTES_MAX = 64 * 1024 * 1024
};

struct download {
    const struct mcu_config *mcu;
    struct store *store;
    struct download_handler handler;
    struct transfer *transfer;
    struct event *pause;
    struct offer offer;
    bool busy;
    uint32_t attempts;
    bool was_whole;             /* it was all asked for once, after a part turned out wrong */
    uint32_t asked_from;        /* offset of the request under way */
    bool advanced;              /* it brought bytes */
    bool again;                 /* ask anew at once, for the whole */
    int found;                  /* the store had it: descriptor, else -1 */
    uint8_t reason;             /* why begin or data ended the transfer, */
    enum tdm_prefetch prefetch; /* and what went wrong last */
    struct transfer_head head;
    struct store_digests digests;
};

static void finish(struct download *download, int fd, uint8_t reason)
{
    struct download_result result = {.fd = fd,
                                     .prefetch = fd >= 0 ? TDM_PREFETCH_OK : download->prefetch,
                                     .digests = download->digests,
                                     .reason = reason,
                                     .offer = download->offer};

    download->busy = false;
    download->handler.done(download->handler.ctx, &result);
}

static void fail(struct download *download, uint8_t reason, enum tdm_prefetch prefetch)
{
    download->prefetch = prefetch;
    log_error(download->mcu->name, "download of %s failed: %s", offer_url_shown(&download->offer),
              tdm_reason_text(reason));
    finish(download, -1, reason);
}

static void ask(struct download *download)
{
    struct store_part part;

    download->asked_from = store_part_kept(download->store, &part);
    download->advanced = download->again = false;
    download->found = -1;
    download->reason = TDM_REASON_NONE;
    transfer_start(download->transfer, download->offer.url, download->asked_from, part.etag);
}

static void ask_for_whole(struct download *download)
{
    store_part_drop(download->store);
    ask(download);
}

/* --- The answer begins --- */

static bool refuse(struct download *download, uint8_t reason, enum tdm_prefetch prefetch, const char *why)
{
    log_warning(download->mcu->name, "download of %s: %s", offer_url_shown(&download->offer), why);
    download->reason = reason;
    download->prefetch = prefetch;
    return false;
}

/* The disk does not take it; errno says why. A limit on the size of files is a full disk too. */
static bool refuse_storage(struct download *download)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    char why[CONFIG_TEXT + 128];

    snprintf(why, sizeof why, "data folder %s: %s%s", download->mcu->data, strerror(errno),
             full ? "; make room there" : "");
    return refuse(download, TDM_REASON_STORAGE, full ? TDM_PREFETCH_NO_SPACE : TDM_PREFETCH_WRITE, why);
}

/* The answer's head, when it is one of a file that can be taken. */
static bool is_acceptable(struct download *download, const struct transfer_head *head)
{
    if (!head->has_bytes || head->bytes == 0)
        return refuse(download, TDM_REASON_DOWNLOAD, TDM_PREFETCH_REQUEST,
                      "the answer does not say how long the file is");
    if (head->bytes > FILE_BYTES_MAX)
        return refuse(download, TDM_REASON_DOWNLOAD, TDM_PREFETCH_REQUEST, "the file is longer than 64 MiB");
    if (download->offer.size != 0 && head->bytes != download->offer.size)
        return refuse(download, TDM_REASON_DOWNLOAD, TDM_PREFETCH_REQUEST,
                      "the file is not as long as the offer says");
    if (!head->has_sha256)
        return refuse(download, TDM_REASON_DOWNLOAD_DIGEST, TDM_PREFETCH_FINALIZE,
                      "the answer has no x-sha256 to check the file with");
    return true;
}

/* The part goes on exactly there, in exactly that file. */
static bool is_kept_part(const struct download *download, const struct transfer_head *head)
{
    struct store_part part;

    return store_part_kept(download->store, &part) == download->asked_from &&
           head->start == download->asked_from && part.size == head->bytes &&
           memcmp(part.sha256, head->sha256, sizeof part.sha256) == 0;
}

static bool begin_part(struct download *download, const struct transfer_head *head)
{
    struct store_part part = {.size = (uint32_t)head->bytes};

    if (head->status == 206 && !is_kept_part(download, head)) {
        download->again = true;
        return false;
    }
    memcpy(part.sha256, head->sha256, sizeof part.sha256);
    memcpy(part.etag, head->etag, sizeof part.etag);
    if (head->status == 206 ? store_part_resume(download->store) : store_part_begin(download->store, &part))
        return true;
    return refuse_storage(download);
}

static bool on_begin(void *ctx, const struct transfer_head *head)
{
    struct download *download = ctx;

    if (head->status != 200 && head->status != 206)
        return false;
    if (!is_acceptable(download, head))
        return false;
    download->head = *head;
    download->found = store_find(download->store, head->sha256, (uint32_t)head->bytes, &download->digests);
    return download->found < 0 && begin_part(download, head);
}

static bool on_data(void *ctx, const void *bytes, size_t count)
{
    struct download *download = ctx;
    uint32_t size = (uint32_t)download->head.bytes;

    if (count > size - download->store->bytes)
        return refuse(download, TDM_REASON_DOWNLOAD, TDM_PREFETCH_REQUEST,
                      "the file is longer than the answer said");
    if (!store_part_write(download->store, bytes, count))
        return refuse_storage(download);
    download->advanced = true;
    download->handler.progress(download->handler.ctx, download->store->bytes, size);
    return true;
}

/* --- The answer ends --- */

static void complete_text(char *to, size_t room, const char *from)
{
    if (to[0] == '\0')
        snprintf(to, room, "%.*s", (int)room - 1, from);
}

static void succeed(struct download *download, int fd)
{
    const struct transfer_head *head = &download->head;
    struct offer *offer = &download->offer;

    complete_text(offer->type, sizeof offer->type, head->type);
    complete_text(offer->version, sizeof offer->version, head->version);
    complete_text(offer->build, sizeof offer->build, head->build);
    finish(download, fd, TDM_REASON_NONE);
}

static bool is_right(const struct download *download)
{
    const struct transfer_head *head = &download->head;
    const struct store_digests *digests = &download->digests;

    return memcmp(digests->sha256, head->sha256, sizeof head->sha256) == 0 &&
           (!head->has_md5 || memcmp(digests->md5, head->md5, sizeof head->md5) == 0);
}

static void check_whole(struct download *download)
{
    int fd;

    store_part_digests(download->store, &download->digests);
    if (!is_right(download) && download->asked_from > 0 && !download->was_whole) {
        log_warning(download->mcu->name,
                    "download of %s: the part that was here already is damaged; all again",
                    offer_url_shown(&download->offer));
        download->was_whole = true;
        ask_for_whole(download);
        return;
    }
    if (!is_right(download)) {
        store_part_drop(download->store);
        fail(download, TDM_REASON_DOWNLOAD_DIGEST, TDM_PREFETCH_FINALIZE);
        return;
    }
    fd = store_part_complete(download->store);
    if (fd < 0) {
        log_error(download->mcu->name, "data folder: the downloaded file cannot be kept: %s",
                  strerror(errno));
        store_part_drop(download->store);
        fail(download, TDM_REASON_STORAGE, TDM_PREFETCH_FINALIZE);
        return;
    }
    succeed(download, fd);
}

/* From half to one and a half times as long, so that a fleet does not come back all at once. */
static uint32_t pause_ms(const struct download *download, uint32_t retry_after_s)
{
    uint32_t ms = PAUSE_FIRST_MS;

    for (uint32_t i = 1; i < download->attempts && ms < PAUSE_LAST_MS; i++)
        ms *= 2;
    ms = ms / 2 + (uint32_t)random() % ms;
    if (retry_after_s > RETRY_AFTER_MAX_S)
        retry_after_s = RETRY_AFTER_MAX_S;
    return ms > retry_after_s * 1000 ? ms : retry_after_s * 1000 + ms / 4;
}

static void pause_then_ask(struct download *download, enum tdm_prefetch prefetch, uint32_t retry_after_s,
                           const char *why)
{
    uint32_t ms;

    store_part_keep(download->store);
    download->attempts = download->advanced ? 1 : download->attempts + 1;
    if (download->attempts > download->mcu->attempts) {
        log_warning(download->mcu->name, "download of %s: %s", offer_url_shown(&download->offer), why);
        fail(download, TDM_REASON_DOWNLOAD, prefetch);
        return;
    }
    ms = pause_ms(download, retry_after_s);
    log_warning(download->mcu->name, "download of %s: %s; trying again in %u.%u s",
                offer_url_shown(&download->offer), why, ms / 1000, ms % 1000 / 100);
    timer_start(download->pause, ms);
}

static void on_pause_over(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    ask(ctx);
}

/* Nothing will change if it is asked for again. */
static bool is_final(long status)
{
    return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

/* begin or data ended it. */
static void end_stopped(struct download *download, const struct transfer_head *head)
{
    if (download->found >= 0) {
        succeed(download, download->found);
    } else if (download->reason != TDM_REASON_NONE) {
        store_part_keep(download->store);
        if (download->reason == TDM_REASON_STORAGE)
            store_part_drop(download->store);
        fail(download, download->reason, download->prefetch);
    } else if (download->again && download->asked_from > 0) {
        ask_for_whole(download);
    } else { /* a status that brings no file, with a body */
        char why[64];

        snprintf(why, sizeof why, "the server says %ld", head->status);
        pause_then_ask(download, TDM_PREFETCH_REQUEST, head->retry_after, why);
    }
}

static void end_whole(struct download *download, const struct transfer_head *head)
{
    if (download->store->part < 0) { /* an answer without a body */
        end_stopped(download, head);
    } else if (download->store->bytes < download->head.bytes) {
        pause_then_ask(download, TDM_PREFETCH_REQUEST, 0, "cut off");
    } else {
        check_whole(download);
    }
}

static void on_done(void *ctx, const struct transfer_head *head, enum transfer_end how, const char *error)
{
    struct download *download = ctx;
    bool answered = how == TRANSFER_WHOLE || how == TRANSFER_STOPPED;
    bool nowhere = how == TRANSFER_NO_REQUEST;

    if (answered && head->status == 416 && download->asked_from > 0) {
        ask_for_whole(download);
    } else if ((answered && is_final(head->status)) || nowhere) {
        log_warning(download->mcu->name, "download of %s: the server says %ld%s%s",
                    offer_url_shown(&download->offer), head->status, nowhere ? ": " : "",
                    nowhere ? error : "");
        fail(download, TDM_REASON_DOWNLOAD, TDM_PREFETCH_REQUEST);
    } else if (how == TRANSFER_STOPPED) {
        end_stopped(download, head);
    } else if (how == TRANSFER_WHOLE) {
        end_whole(download, head);
    } else {
        pause_then_ask(download,
                       how == TRANSFER_NO_SERVER ? TDM_PREFETCH_CONNECT
                       : how == TRANSFER_STALLED ? TDM_PREFETCH_TIMEOUT
                                                 : TDM_PREFETCH_REQUEST,
                       0, error);
    }
}

/* --- Outside --- */

struct download *download_new(struct event_base *base, const struct mcu_config *mcu, struct store *store,
                              const struct download_handler *handler)
{
    struct download *download = memory_zeroed(sizeof *download);
    struct transfer_handler transfer = {on_begin, on_data, on_done, download};

    download->mcu = mcu;
    download->store = store;
    download->handler = *handler;
    download->pause = evtimer_new(base, on_pause_over, download);
    download->transfer = transfer_new(base, mcu, &transfer);
    return download;
}

void download_free(struct download *download)
{
    transfer_free(download->transfer);
    event_free(download->pause);
    free(download);
}

void download_start(struct download *download, const struct offer *offer)
{
    if (download->busy && strcmp(download->offer.url, offer->url) == 0)
        return;
    download_stop(download);
    download->offer = *offer;
    download->busy = true;
    download->attempts = 0;
    download->was_whole = false;
    ask(download);
}

void download_stop(struct download *download)
{
    transfer_stop(download->transfer);
    evtimer_del(download->pause);
    store_part_keep(download->store);
    download->busy = false;
}

bool download_busy(const struct download *download)
{
    return download->busy;
}
