/* The file, as it comes: chunks in order, each answered once it is used up.
 *
 * So nothing comes in while flash is erased and programmed, and a chunk that can't be used is answered with
 * false. One that comes again is taken as used, if offset, length and CRC are the same (R11). */
#include "core/fetch/fetch.h"

#include <string.h>

enum {
    START_TRIES = 5,
    START_PAUSE_MS = 1000,
    SILENCE_MS = 60000,
    BAD_CHUNKS = 8 /* in a row; the co-processor gives up after 6 */
};

static void put_chunk_bytes(struct tdm_fetch *f)
{
    tdm__fetch_put(f, TDM_FETCH_CHUNK_BYTES, 2);
}

int tdm__fetch_start(struct tdm_fetch *f)
{
    static const struct tdm__query start = {TDM_UID_OTA_START, 1000, put_chunk_bytes};

    f->receiving = true;
    f->unanswered = false; /* an answer to the last chunk would bring otaUpdateFinish */
    f->offset = 0;
    f->left = 0;
    f->taken.bytes = 0;
    for (unsigned tries = 0; tries < START_TRIES; tries++) {
        if (tdm__fetch_ask(f, &start) > 0)
            return TDM_OK;
        if (f->news != TDM_REASON_NONE)
            return f->news;
        tdm__fetch_pause(f, START_PAUSE_MS);
    }
    return TDM_REASON_START_REFUSED;
}

static bool is_next(const struct tdm_fetch *f)
{
    const struct tdm_fetch_chunk *chunk = &f->chunk;

    return chunk->offset == f->offset && chunk->bytes > 0 && chunk->bytes <= f->file_bytes - f->offset &&
           tdm_crc32(0, f->data, chunk->bytes) == chunk->crc32;
}

static bool is_taken(const struct tdm_fetch *f)
{
    const struct tdm_fetch_chunk *chunk = &f->chunk;
    const struct tdm_fetch_chunk *taken = &f->taken;

    return chunk->offset == taken->offset && chunk->bytes == taken->bytes && chunk->crc32 == taken->crc32;
}

int tdm__fetch_next(struct tdm_fetch *f)
{
    uint32_t since_ms = tdm__fetch_now(f);
    uint8_t bad = 0;

    if (f->unanswered)
        tdm__fetch_answer(f, f->answer_id, true);
    f->unanswered = false;
    while (bad < BAD_CHUNKS) {
        enum tdm__heard heard = tdm__fetch_await(f, since_ms, SILENCE_MS);
        bool again;

        if (heard == TDM__HEARD_NOTHING)
            return f->news != TDM_REASON_NONE ? f->news : TDM_REASON_SILENCE;
        if (heard == TDM__HEARD_FINISH || is_next(f)) {
            f->unanswered = true;
            f->answer_id = f->call_id;
            if (heard == TDM__HEARD_FINISH)
                return f->offset == f->file_bytes ? TDM_OK : TDM_REASON_CHUNK;
            f->taken = f->chunk;
            f->offset += f->chunk.bytes;
            f->left = f->chunk.bytes;
            return TDM_OK;
        }
        again = is_taken(f);
        tdm__fetch_answer(f, f->call_id, again);
        bad += !again;
    }
    return TDM_REASON_CHUNK;
}

int tdm__fetch_pull(struct tdm_fetch *f, uint8_t *to, uint32_t bytes)
{
    while (bytes > 0) {
        int error = f->left == 0 ? tdm__fetch_next(f) : TDM_OK;
        uint32_t n = f->left < bytes ? f->left : bytes;

        if (error == TDM_OK && n == 0)
            error = TDM_REASON_PACKAGE; /* it ends too early */
        if (error != TDM_OK)
            return error;
        memcpy(to, f->data, n);
        f->data += n;
        f->left -= n;
        to += n;
        bytes -= n;
    }
    return TDM_OK;
}
