/* What a bootloader does to get an image, in the order in which it does it.
 *
 *     connect, introduce <------------------------------------- the co-processor is gone, or
 *       v                                                       nothing is offered for a while
 *     an offer, or one of before <-------------------------.       ^
 *       v                                                  |       |
 *     rest, prefetch                                       |       |
 *       v                                                  |       |
 *     start, front <----------.                            |       |
 *       |   \ intact          | all of it is as signed     |       |
 *       |    '--> check ------'                            |       |
 *       v                                                  |       |
 *     erase, write, finish                                 |       |
 *       v                     at any failure: report it; --'-------'
 *     pending, reset          if the image is intact, idle and reset
 *
 * Invariant (R9): while the image is intact nothing is erased before a package with this very digest was
 * streamed whole and is what was signed. */
#include "core/fetch/fetch.h"

#include <string.h>

enum {
    CHECKS_MAX = 3,          /* of one offer, whose file may change once or twice; not for ever */
    OFFERS_MAX = 8,          /* of which each takes the place of the one before, while an image waits */
    OFFER_LIMIT_MS = 120000, /* how long an intact image waits for its successor */
    DELAY_MS = 30000,        /* between two tries; doubles each time, */
    RETRY_DOUBLINGS = 7,     /* to 64 min at most after failures, */
    START_DOUBLINGS = 9,     /* to 4 h 16 min at most before another start, */
    STARTS_FREE = 6          /* beyond so many since the last confirm (R10) */
};

#define ANY_BYTES UINT32_MAX /* as long as its front says: there is no offer of this start's */

static uint32_t delay_ms(uint16_t doublings)
{
    return (uint32_t)DELAY_MS << doublings;
}

/* --- Before the transfer --- */

/* R10: a transfer that is started over and over must not wear out the bank. */
static int rest(struct tdm_fetch *f)
{
    uint16_t starts = f->log.record.starts;

    if (starts > STARTS_FREE + START_DOUBLINGS)
        starts = STARTS_FREE + START_DOUBLINGS;
    if (starts >= STARTS_FREE)
        (void)tdm__fetch_await(f, f->begun_ms, delay_ms(starts - STARTS_FREE));
    return f->news;
}

/* The co-processor shall hold the whole file before the image that is there is given up. */
static int prefetch(struct tdm_fetch *f)
{
    static const struct tdm__query query = {TDM_UID_OTA_PREFETCH, 30000, NULL};
    int answer = tdm__fetch_ask(f, &query);

    if (f->news == TDM_REASON_NONE && answer != TDM_PREFETCH_OK)
        return TDM_REASON_DOWNLOAD;
    return f->news;
}

/* --- The front: nothing is believed before its signature verified --- */

static int judge_encoding(const struct tdm_fetch *f)
{
    if (f->envelope.encoding == TDM_ENCODING_PLAIN)
        return TDM_OK;
    return f->product->decoder != NULL ? f->product->decoder->judge(f) : TDM_E_ENCODING;
}

/* Its signature was made for an image; the lengths are those of the file and of the bank. */
static int judge_front(struct tdm_fetch *f)
{
    const struct tdm_manifest *manifest = &f->manifest;
    const struct tdm_envelope *envelope = &f->envelope;

    if (strcmp(manifest->hardware, f->product->hardware) != 0)
        return TDM_REASON_HARDWARE;
    if (strcmp(manifest->type, f->product->type) != 0)
        return TDM_REASON_TYPE;
    if (manifest->counter < f->log.record.counter_floor)
        return TDM_REASON_COUNTER;
    if (f->intact && memcmp(manifest->image_digest, f->running, sizeof f->running) == 0)
        return TDM_REASON_ALREADY_RUNNING;
    if (tdm_boot_is_rejected(&f->log, manifest->image_digest))
        return TDM_REASON_REJECTED_BEFORE;
    if (envelope->relocation_bytes != manifest->relocation_bytes ||
        (envelope->encoding == TDM_ENCODING_PLAIN && envelope->payload_bytes != manifest->image_bytes))
        return TDM_REASON_PACKAGE;
    return tdm_bank_map(&f->map, f->layout, 0, f->flash, manifest);
}

/* The rest of a package's front, whose envelope is there. */
static int take_head(struct tdm_fetch *f)
{
    struct tdm_envelope *envelope = &f->envelope;
    uint8_t *head = f->front + TDM_ENVELOPE_BYTES;
    uint32_t bytes;
    uint32_t file_bytes;
    int error = tdm_envelope_parse(envelope, f->front, TDM_ENVELOPE_BYTES);

    if (error != TDM_OK)
        return error;
    bytes = envelope->head_bytes + (uint32_t)TDM_SIGNATURE_BYTES;
    file_bytes = TDM_ENVELOPE_BYTES + bytes + envelope->relocation_bytes + envelope->payload_bytes;
    if (f->file_bytes == ANY_BYTES)
        f->file_bytes = file_bytes;
    if (f->file_bytes != file_bytes)
        return TDM_REASON_PACKAGE;
    error = judge_encoding(f);
    if (error == TDM_OK)
        error = tdm__fetch_pull(f, head, bytes);
    tdm__fetch_feed(f);
    if (error == TDM_OK)
        error =
            tdm_head_accept(&f->manifest, &f->trust, head, envelope->head_bytes, head + envelope->head_bytes);
    tdm__fetch_feed(f);
    return error;
}

static int take_front(struct tdm_fetch *f)
{
    const struct tdm_fetch_plain *plain = f->product->plain;
    int error = tdm__fetch_pull(f, f->front, TDM_ENVELOPE_BYTES);

    if (error == TDM_OK)
        error = plain != NULL && plain->is_plain(f) ? plain->make_front(f) : take_head(f);
    return error == TDM_OK ? judge_front(f) : error;
}

/* --- The check pass: nothing is written --- */

/* The next bytes must have this digest; NULL: any. */
static int check_part(struct tdm_fetch *f, uint32_t bytes, const uint8_t *digest, int wrong)
{
    uint8_t piece[TDM_SHA256_BYTES];
    struct tdm_hash hash;

    tdm_sha256_init(&hash);
    while (bytes > 0) {
        uint32_t n = bytes < sizeof piece ? bytes : sizeof piece;
        int error = tdm__fetch_pull(f, piece, n);

        if (error != TDM_OK)
            return error;
        tdm_sha256_update(&hash, piece, n);
        bytes -= n;
    }
    tdm_sha256_result(&hash, piece);
    return digest == NULL || tdm_equal(piece, digest, sizeof piece) ? TDM_OK : wrong;
}

/* The image of an encoded payload can't be known without the flash that it is to be written to: of it the
 * length is checked, and the file's digest was by the co-processor. */
static int check(struct tdm_fetch *f)
{
    const struct tdm_manifest *manifest = &f->manifest;
    bool encoded = f->envelope.encoding != TDM_ENCODING_PLAIN;
    int error = check_part(f, manifest->relocation_bytes, manifest->relocation_digest, TDM_E_RELOCATIONS);

    if (error == TDM_OK)
        error =
            check_part(f, f->envelope.payload_bytes, encoded ? NULL : manifest->image_digest, TDM_E_DIGEST);
    if (error == TDM_OK)
        memcpy(f->checked, manifest->image_digest, sizeof f->checked);
    return error;
}

static bool must_check(const struct tdm_fetch *f)
{
    return f->intact && memcmp(f->checked, f->manifest.image_digest, sizeof f->checked) != 0;
}

/* --- One offer --- */

static int fetch(struct tdm_fetch *f)
{
    int error = rest(f);

    if (error == TDM_OK)
        error = prefetch(f);
    for (unsigned passes = 0; error == TDM_OK; passes++) {
        error = tdm__fetch_start(f);
        if (error == TDM_OK)
            error = take_front(f);
        if (error != TDM_OK || !must_check(f))
            break;
        error = passes < CHECKS_MAX ? check(f) : TDM_REASON_PACKAGE;
    }
    if (error == TDM_OK)
        error = tdm__fetch_prepare_bank(f);
    if (error == TDM_OK)
        error = tdm__fetch_write_bank(f);
    if (error == TDM_OK)
        error = tdm__fetch_next(f);
    if (error == TDM_OK)
        error = tdm__fetch_complete(f);
    return error;
}

void tdm__fetch_give_back(struct tdm_fetch *f, uint8_t reason)
{
    int error = tdm_boot_fetch_end(&f->log, reason);

    (void)error; /* where the record can't say so, the next start comes here again */
    f->product->reset(f->ctx);
}

static void count_failure(struct tdm_fetch *f)
{
    if (f->failures < RETRY_DOUBLINGS)
        f->failures++;
}

/* The co-processor learns why, unless it was its own doing, before the answer that refuses. */
static void fail(struct tdm_fetch *f, uint8_t reason)
{
    f->product->log(f->ctx, "fetch: ended without a firmware");
    f->receiving = false;
    if (reason != f->news)
        tdm__fetch_report_failed(f, reason);
    if (f->unanswered)
        tdm__fetch_answer(f, f->answer_id, false);
    f->unanswered = false;
    if (f->news == TDM_REASON_SUPERSEDED && ++f->superseded < OFFERS_MAX)
        return;
    if (f->intact)
        tdm__fetch_give_back(f, reason);
    count_failure(f);
}

static void be_idle(struct tdm_fetch *f)
{
    f->busy = false;
    f->quit_ms = tdm__fetch_now(f) + (f->spent ? f->product->retry_ms : OFFER_LIMIT_MS);
}

static void attend(struct tdm_fetch *f)
{
    int error;

    f->busy = true;
    f->news = TDM_REASON_NONE;
    error = fetch(f);
    if (error == TDM_OK) {
        tdm__fetch_answer(f, f->answer_id, true);
        f->product->log(f->ctx, "fetch: verified, restarting into it");
        f->product->reset(f->ctx);
    }
    fail(f, error < 0 ? tdm_reason_of_error(error) : (uint8_t)error);
    be_idle(f);
}

/* False: the co-processor is initialised anew, which makes the device check in, and so be offered a firmware.
 */
static bool await_offer(struct tdm_fetch *f)
{
    if (f->news == TDM_REASON_CANCELLED)
        f->news = TDM_REASON_NONE;
    (void)tdm__fetch_await(f, tdm__fetch_now(f), delay_ms(f->failures));
    if (f->news == TDM_REASON_NONE) {
        count_failure(f);
        f->file_bytes = ANY_BYTES;
        if (prefetch(f) == TDM_OK)
            return true; /* it still has the one that was taken before this start */
    }
    return f->news == TDM_REASON_SUPERSEDED;
}

/* --- The whole --- */

/* There is an image, which used up its attempts, and nothing speaks against it but that. */
static bool is_spent(const struct tdm_boot_choice *choice)
{
    return choice->action == TDM_BOOT_RECOVER &&
           (choice->reason == TDM_REASON_NO_LINK || choice->reason == TDM_REASON_RESTARTED ||
            choice->reason == TDM_REASON_POWER);
}

bool tdm_fetch_is_wanted(struct tdm_fetch *f, const struct tdm_boot_choice *choice)
{
    int error = tdm_record_load(&f->log, f->flash, f->layout);

    (void)error; /* without a record nothing can be asked for, and one is made when the bank is erased */
    f->trust.revoked_keys = f->log.record.revoked_keys;
    f->reason = choice->reason;
    f->spent = is_spent(choice);
    f->intact = choice->action == TDM_BOOT_RUN;
    return !f->intact || f->log.record.state == TDM_BOOT_FETCH;
}

void tdm_fetch_run(struct tdm_fetch *f)
{
    f->begun_ms = tdm__fetch_now(f);
    be_idle(f);
    for (;;) {
        tdm__fetch_connect(f);
        if (tdm__fetch_introduce(f))
            while (await_offer(f))
                attend(f);
    }
}
