/* The roles of a device without another bank (docs/BOOT.md, "One bank and recovery").
 *
 *     application               bootloader, image intact            bootloader, no image
 *
 *     offer                     offer ------ none in 2 min --.      offer <-----------.
 *       v                         v                          |        v               |
 *     prefetch                  prefetch                     |      prefetch          |
 *       v                         v                          |        v               | initialise anew,
 *     record "fetch"            front, then the rest by hash |      front             | after a pause that
 *       v                         |                \ bad     |        |    \ bad ---->| grows
 *     reset                       v                 v        v        v               |
 *                               all once more;     record "idle",   erase, write -----'
 *                               erase, write        reset           |        failed
 *                                 | ok     \ failed                 v ok
 *                                 v         '--> no image          record "pending", reset
 *                               record "pending", reset
 *
 * Invariant (R9): while the image is intact nothing is erased before a package with this very digest was
 * streamed whole and is what was signed. */
#include "tandem/fetch.h"

#include <string.h>

#include "core/mcu/update.h"

enum {
    PREFETCH_TIMEOUT_MS = 30000,
    OFFER_LIMIT_MS = 120000, /* how long an intact image waits in the bootloader for its successor */
    RETRY_MS = 30000,        /* doubles with each failure */
    RETRY_DOUBLINGS = 7      /* to 64 min at most */
};

/* --- Both --- */

static void prefetch_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    bool here = error == TDM_OK && tdm_get_u8(results) == TDM_PREFETCH_OK && tdm_reader_done(results);
    int next = here ? mcu->config->role->prefetched(mcu) : TDM_REASON_DOWNLOAD;

    if (next == 0) {
        tdm__update_enter(mcu, UPDATE_STARTING);
    } else if (next == TDM__MORE) {
        tdm__update_enter(mcu, UPDATE_APPLYING);
        tdm__leave(mcu, TDM_RESET_SOFT);
    } else {
        tdm__update_judge(mcu, next);
    }
}

static const struct tdm_question prefetch = {TDM_UID_OTA_PREFETCH, PREFETCH_TIMEOUT_MS, NULL, prefetch_done};

/* --- The application --- */

static int hand_over(struct tdm_mcu *mcu)
{
    int error = tdm_boot_fetch(&mcu->log, mcu->config->running_bank);

    return error == TDM_OK ? TDM__MORE : error;
}

/* An application never erases the bank that it runs from. */
static int refuse_to_begin(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    (void)mcu, (void)manifest;
    return TDM_E_STATE;
}

static void ignore_end(struct tdm_mcu *mcu, uint8_t reason)
{
    (void)mcu;
    (void)reason;
}

static uint32_t rest(struct tdm_mcu *mcu)
{
    (void)mcu;
    return TDM__NEVER;
}

const struct tdm_mcu_role tdm_mcu_hands_over = {
    .question = &prefetch,
    .prefetched = hand_over,
    .begin = refuse_to_begin,
    .ended = ignore_end,
    .idle = rest,
};

/* --- The bootloader: checking before erasing --- */

static int go_on(struct tdm_mcu *mcu)
{
    (void)mcu;
    return 0;
}

/* The image can still start: it was not being replaced yet. */
static bool is_intact(const struct tdm_mcu *mcu)
{
    return mcu->config->intact_bank != TDM_NO_BANK && mcu->log.record.state == TDM_BOOT_FETCH;
}

static bool is_checked(const struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    return mcu->fetch.checked &&
           memcmp(mcu->fetch.digest, manifest->image_digest, sizeof mcu->fetch.digest) == 0;
}

static int begin(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    if (is_intact(mcu) && !is_checked(mcu, manifest)) {
        tdm_sha256_init(mcu->config->checking);
        return TDM__MORE;
    }
    return tdm_boot_begin_in_place(&mcu->log, tdm__target_bank(mcu), manifest->image_digest);
}

static bool is_digest(const struct tdm_mcu *mcu, const uint8_t expected[TDM_SHA256_BYTES])
{
    uint8_t digest[TDM_SHA256_BYTES];

    tdm_sha256_result(mcu->config->checking, digest);
    return tdm_equal(digest, expected, sizeof digest);
}

/* Hashes up to bytes of the part that ends at end; returns how many. */
static uint32_t hash_part(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes, uint32_t end)
{
    uint32_t left = end - mcu->install.taken;
    uint32_t n = left < bytes ? left : bytes;

    tdm_sha256_update(mcu->config->checking, data, n);
    mcu->install.taken += n;
    return n;
}

static int check_table(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    if (!is_digest(mcu, manifest->relocation_digest))
        return TDM_E_RELOCATIONS;
    tdm_sha256_init(mcu->config->checking);
    return TDM_OK;
}

/* The image of an encoded payload can't be known without the flash that it is to be written to: of it the
 * length is checked, and the file's digest was by the co-processor. */
static int check_image(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    if (!tdm__is_encoded(mcu) && !is_digest(mcu, manifest->image_digest))
        return TDM_E_DIGEST;
    mcu->fetch.checked = true;
    memcpy(mcu->fetch.digest, manifest->image_digest, sizeof mcu->fetch.digest);
    return TDM_OK;
}

static int check(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes)
{
    uint32_t table = mcu->install.table_bytes;
    uint32_t end = table + mcu->front.payload_bytes;
    struct tdm_manifest manifest;
    int error = tdm__install_manifest(mcu, &manifest);

    if (error != TDM_OK)
        return error;
    if (bytes > end - mcu->install.taken)
        return TDM_E_SIZE;
    if (mcu->install.taken < table) {
        uint32_t n = hash_part(mcu, data, bytes, table);

        data += n;
        bytes -= n;
        if (mcu->install.taken == table && check_table(mcu, &manifest) != TDM_OK)
            return TDM_E_RELOCATIONS;
    }
    (void)hash_part(mcu, data, bytes, end);
    return mcu->install.taken < end ? TDM__MORE : check_image(mcu, &manifest);
}

/* --- The bootloader: what follows an end --- */

/* Back to the image that is still there. Where the record can't say so, the next start comes here again. */
static void give_back(struct tdm_mcu *mcu, uint8_t reason)
{
    int error = tdm_boot_fetch_end(&mcu->log, reason);

    (void)error;
    tdm__leave(mcu, TDM_RESET_SOFT);
}

static void ended(struct tdm_mcu *mcu, uint8_t reason)
{
    struct tdm_mcu_fetch *fetch = &mcu->fetch;

    if (reason == TDM_REASON_SUPERSEDED)
        return;
    if (is_intact(mcu)) {
        give_back(mcu, reason);
        return;
    }
    fetch->since_ms = mcu->now_ms;
    if (fetch->failures < UINT8_MAX)
        fetch->failures++;
}

static uint32_t idle_intact(struct tdm_mcu *mcu)
{
    uint32_t limit_ms = mcu->fetch.since_ms + OFFER_LIMIT_MS;

    if (!tdm__is_past(mcu, limit_ms))
        return tdm__time_left(mcu, limit_ms);
    give_back(mcu, TDM_REASON_SILENCE);
    return 0;
}

/* Initialising the co-processor anew makes the device check in again, and so be offered a firmware. */
static uint32_t idle_empty(struct tdm_mcu *mcu)
{
    struct tdm_mcu_fetch *fetch = &mcu->fetch;
    uint8_t doublings = fetch->failures < RETRY_DOUBLINGS ? fetch->failures : RETRY_DOUBLINGS;
    uint32_t retry_ms = fetch->since_ms + ((uint32_t)RETRY_MS << doublings);

    if (!mcu->link.up) {
        fetch->since_ms = mcu->now_ms;
        return TDM__NEVER;
    }
    if (!tdm__is_past(mcu, retry_ms))
        return tdm__time_left(mcu, retry_ms);
    fetch->since_ms = mcu->now_ms;
    if (fetch->failures < UINT8_MAX)
        fetch->failures++;
    tdm__link_lost(mcu);
    return 0;
}

static uint32_t idle(struct tdm_mcu *mcu)
{
    return is_intact(mcu) ? idle_intact(mcu) : idle_empty(mcu);
}

const struct tdm_mcu_role tdm_mcu_fetches = {
    .question = &prefetch,
    .prefetched = go_on,
    .begin = begin,
    .check = check,
    .ended = ended,
    .idle = idle,
};
