/* States:
 *
 *     idle --start--> asking --200--> writing --end of file--> checked: done
 *                      ^  |             |
 *                      |  |-- 206, same file: go on with the part
 *                      |  |-- 206 of another file, 416: drop the part, ask for the whole
 *                      |  |-- the complete file of the store is this one: done
 *                      |  '-- 4xx, wrong size, no digest: done, failed
 *                      |                |
 *                      '--- pausing <---'  line cut, 5xx: later again, from what is here
 *
 * An attempt that brought new bytes does not count against the limit. */
#include "ncpd/download.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ncpd/log.h"
#include "ncpd/memory.h"
#include "ncpd/transfer.h"
#include "tandem/reason.h"

enum {
    ATTEMPTS = 8, /* in a row without a new byte */
    PAUSE_FIRST_S = 1,
    PAUSE_LAST_S = 30,
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
    int attempts;
    uint32_t asked_from; /* offset of the request under way */
    bool advanced;       /* it brought bytes */
    bool again;          /* ask anew at once, for the whole */
    int found;           /* the store had it: descriptor, else -1 */
    uint8_t reason;      /* why begin or data ended the transfer */
    struct transfer_head head;
    struct store_digests digests;
};

static void finish(struct download *download, int fd, uint8_t reason)
{
    struct download_result result = {
        .fd = fd, .digests = download->digests, .reason = reason, .offer = download->offer};

    download->busy = false;
    download->handler.done(download->handler.ctx, &result);
}

static void fail(struct download *download, uint8_t reason)
{
    log_error(download->mcu->name, "download of %s failed: %s", offer_url_shown(&download->offer),
              tdm_reason_text(reason));
    finish(download, -1, reason);
}

static void ask(struct download *download)
{
    uint8_t sha256[TDM_SHA256_BYTES];
    uint32_t size;

    download->asked_from = store_part_kept(download->store, sha256, &size);
    download->advanced = download->again = false;
    download->found = -1;
    download->reason = TDM_REASON_NONE;
    transfer_start(download->transfer, download->offer.url, download->asked_from);
}

/* --- The answer begins --- */

static bool refuse(struct download *download, uint8_t reason, const char *why)
{
    log_warning(download->mcu->name, "download of %s: %s", offer_url_shown(&download->offer), why);
    download->reason = reason;
    return false;
}

/* The answer's head, when it is one of a file that can be taken. */
static bool is_acceptable(struct download *download, const struct transfer_head *head)
{
    if (!head->has_bytes || head->bytes == 0) {
        return refuse(download, TDM_REASON_DOWNLOAD, "the answer does not say how long the file is");
    }
    if (head->bytes > FILE_BYTES_MAX) {
        return refuse(download, TDM_REASON_DOWNLOAD, "the file is longer than 64 MiB");
    }
    if (download->offer.size != 0 && head->bytes != download->offer.size) {
        return refuse(download, TDM_REASON_DOWNLOAD, "the file is not as long as the offer says");
    }
    if (!head->has_sha256) {
        return refuse(download, TDM_REASON_DOWNLOAD_DIGEST,
                      "the answer has no x-sha256 to check the file with");
    }
    return true;
}

static bool is_kept_part(const struct download *download, const struct transfer_head *head)
{
    uint8_t sha256[TDM_SHA256_BYTES];
    uint32_t size;

    return store_part_kept(download->store, sha256, &size) == download->asked_from && size == head->bytes &&
           memcmp(sha256, head->sha256, sizeof sha256) == 0;
}

static bool begin_part(struct download *download, const struct transfer_head *head)
{
    if (head->status == 206 && !is_kept_part(download, head)) {
        store_part_drop(download->store);
        download->again = true;
        return false;
    }
    if (head->status == 206 ? store_part_resume(download->store)
                            : store_part_begin(download->store, head->sha256, (uint32_t)head->bytes)) {
        return true;
    }
    return refuse(download, TDM_REASON_STORAGE, strerror(errno));
}

static bool on_begin(void *ctx, const struct transfer_head *head)
{
    struct download *download = ctx;

    if (head->status != 200 && head->status != 206) {
        return false;
    }
    if (!is_acceptable(download, head)) {
        return false;
    }
    download->head = *head;
    download->found = store_find(download->store, head->sha256, (uint32_t)head->bytes, &download->digests);
    return download->found < 0 && begin_part(download, head);
}

static bool on_data(void *ctx, const void *bytes, size_t count)
{
    struct download *download = ctx;
    uint32_t size = (uint32_t)download->head.bytes;

    if (count > size - download->store->bytes) {
        return refuse(download, TDM_REASON_DOWNLOAD, "the file is longer than the answer said");
    }
    if (!store_part_write(download->store, bytes, count)) {
        return refuse(download, TDM_REASON_STORAGE, strerror(errno));
    }
    download->advanced = true;
    download->handler.progress(download->handler.ctx, download->store->bytes, size);
    return true;
}

/* --- The answer ends --- */

static void complete_text(char *to, size_t room, const char *from)
{
    if (to[0] == '\0') {
        snprintf(to, room, "%.*s", (int)room - 1, from);
    }
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

static void check_whole(struct download *download)
{
    const struct transfer_head *head = &download->head;
    int fd;

    store_part_digests(download->store, &download->digests);
    if (memcmp(download->digests.sha256, head->sha256, sizeof head->sha256) != 0 ||
        (head->has_md5 && memcmp(download->digests.md5, head->md5, sizeof head->md5) != 0)) {
        store_part_drop(download->store);
        fail(download, TDM_REASON_DOWNLOAD_DIGEST);
        return;
    }
    fd = store_part_complete(download->store);
    if (fd < 0) {
        log_error(download->mcu->name, "data folder: the downloaded file cannot be kept: %s",
                  strerror(errno));
        store_part_drop(download->store);
        fail(download, TDM_REASON_STORAGE);
        return;
    }
    succeed(download, fd);
}

static void pause_then_ask(struct download *download)
{
    struct timeval delay = {PAUSE_FIRST_S, 0};

    store_part_keep(download->store);
    download->attempts = download->advanced ? 1 : download->attempts + 1;
    if (download->attempts > ATTEMPTS) {
        fail(download, TDM_REASON_DOWNLOAD);
        return;
    }
    for (int i = 1; i < download->attempts && delay.tv_sec < PAUSE_LAST_S; i++) {
        delay.tv_sec *= 2;
    }
    evtimer_add(download->pause, &delay);
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
    return status >= 400 && status < 500 && status != 408 && status != 429;
}

static void on_done(void *ctx, const struct transfer_head *head, const char *error, bool stopped)
{
    struct download *download = ctx;

    if (download->found >= 0) {
        succeed(download, download->found);
    } else if (download->reason != TDM_REASON_NONE) {
        if (download->reason == TDM_REASON_STORAGE) {
            store_part_drop(download->store);
        }
        store_part_keep(download->store);
        fail(download, download->reason);
    } else if (download->again || (head->status == 416 && download->asked_from > 0)) {
        store_part_drop(download->store);
        ask(download);
    } else if (is_final(head->status)) {
        log_warning(download->mcu->name, "download of %s: the server says %ld",
                    offer_url_shown(&download->offer), head->status);
        fail(download, TDM_REASON_DOWNLOAD);
    } else if (error != NULL || stopped || download->store->part < 0) {
        log_warning(download->mcu->name, "download of %s: %s (status %ld); trying again",
                    offer_url_shown(&download->offer), error != NULL ? error : "no file in the answer",
                    head->status);
        pause_then_ask(download);
    } else if (download->store->bytes < download->head.bytes) {
        log_warning(download->mcu->name, "download of %s: cut off; going on",
                    offer_url_shown(&download->offer));
        pause_then_ask(download);
    } else {
        check_whole(download);
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
    if (download->busy && strcmp(download->offer.url, offer->url) == 0) {
        return;
    }
    transfer_stop(download->transfer);
    evtimer_del(download->pause);
    store_part_keep(download->store);
    download->offer = *offer;
    download->busy = true;
    download->attempts = 0;
    ask(download);
}
