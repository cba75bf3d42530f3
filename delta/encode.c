#include "delta/encode.h"

#include <stdlib.h>
#include <string.h>

#include "delta/frame.h"
#include "delta/segments.h"

#define LENGTH_BYTES 2

/* A frame's differences to its base follow what lies before in no other frame, so liblzma reads their
 * dictionary for each frame anew: only this much of its end, enough for what no segment predicts. */
#define SEGMENTS_DICTIONARY_BYTES ((size_t)256 << 10)

struct encoder {
    uint8_t *history; /* base, then image */
    uint32_t base_bytes;
    uint32_t image_bytes;
    struct aligned aligned;
    struct align_run *runs;
    uint8_t *payload;
    size_t used;
    struct frame_series plain;
};

struct candidate {
    uint8_t bytes[SEGMENTS_BYTES_MAX + FRAME_STREAM_MAX];
    size_t length;
};

static uint32_t frames(uint32_t image_bytes)
{
    return (image_bytes - 1) / TDM_UNLZMA_FRAME_BYTES + 1;
}

/* The frame without segments. */
static int encode_plain(struct candidate *candidate, struct encoder *e, uint32_t start, uint32_t bytes)
{
    static const struct segments none = {.count = 0};
    size_t head = segments_write(&none, candidate->bytes);
    int length = frame_series_next(&e->plain, e->aligned.image + start, bytes, candidate->bytes + head);

    if (length < 0)
        return TDM_E_ROOM;
    candidate->length = head + (size_t)length;
    return TDM_OK;
}

static int encode_predicted(struct candidate *candidate, const struct encoder *e,
                            const struct segments *segments, uint32_t start, uint32_t bytes)
{
    uint8_t stream[TDM_UNLZMA_FRAME_BYTES];
    size_t history = (size_t)e->base_bytes + start;
    size_t dictionary = history < SEGMENTS_DICTIONARY_BYTES ? history : SEGMENTS_DICTIONARY_BYTES;
    size_t head = segments_write(segments, candidate->bytes);
    int length;

    segments_apply(segments, &e->aligned, start, bytes, stream);
    length =
        frame_compress(e->history + history - dictionary, dictionary, stream, bytes, candidate->bytes + head);
    if (length < 0)
        return TDM_E_ROOM;
    candidate->length = head + (size_t)length;
    return TDM_OK;
}

static int encode_frame(struct encoder *e, uint32_t start, uint32_t bytes)
{
    struct candidate ways[2];
    const struct candidate *best = &ways[0];
    struct segments segments;
    int error = encode_plain(&ways[0], e, start, bytes);

    if (error != TDM_OK)
        return error;
    segments_cut(&segments, &e->aligned, start, bytes);
    if (segments.count > 0) {
        error = encode_predicted(&ways[1], e, &segments, start, bytes);
        if (error != TDM_OK)
            return error;
        if (ways[1].length < ways[0].length)
            best = &ways[1];
    }
    e->payload[e->used] = (uint8_t)best->length;
    e->payload[e->used + 1] = (uint8_t)(best->length >> 8);
    memcpy(e->payload + e->used + LENGTH_BYTES, best->bytes, best->length);
    e->used += LENGTH_BYTES + best->length;
    return TDM_OK;
}

static int encode_all(struct encoder *e, delta_progress_fn *progress, void *ctx)
{
    uint32_t start = 0;

    while (start < e->image_bytes) {
        uint32_t rest = e->image_bytes - start;
        uint32_t bytes = rest < TDM_UNLZMA_FRAME_BYTES ? rest : TDM_UNLZMA_FRAME_BYTES;
        int error = encode_frame(e, start, bytes);

        if (error != TDM_OK)
            return error;
        start += bytes;
        if (progress != NULL)
            progress(ctx, start, e->image_bytes);
    }
    return TDM_OK;
}

static int prepare(struct encoder *e, const uint8_t *image, const uint8_t *base)
{
    e->history = malloc((size_t)e->base_bytes + e->image_bytes);
    e->payload = malloc(frames(e->image_bytes) * (LENGTH_BYTES + sizeof(struct candidate)));
    if (e->history == NULL || e->payload == NULL)
        return TDM_E_ROOM;
    if (e->base_bytes > 0)
        memcpy(e->history, base, e->base_bytes);
    memcpy(e->history + e->base_bytes, image, e->image_bytes);
    e->aligned = (struct aligned){
        .base = e->history, .base_bytes = e->base_bytes, .image = e->history + e->base_bytes};
    if (align(&e->runs, &e->aligned.run_count, base, e->base_bytes, image, e->image_bytes) != 0)
        return TDM_E_ROOM;
    e->aligned.runs = e->runs;
    if (!frame_series_open(&e->plain, e->history, e->base_bytes, e->image_bytes))
        return TDM_E_ROOM;
    return TDM_OK;
}

int delta_encode(uint8_t **payload, size_t *payload_bytes, const uint8_t *image, uint32_t image_bytes,
                 const uint8_t *base, uint32_t base_bytes, delta_progress_fn *progress, void *ctx)
{
    struct encoder e = {.base_bytes = base_bytes, .image_bytes = image_bytes};
    int error;

    if (image_bytes == 0 || image_bytes > DELTA_IMAGE_BYTES_MAX || base_bytes > DELTA_IMAGE_BYTES_MAX)
        return TDM_E_SIZE;
    error = prepare(&e, image, base);
    if (error == TDM_OK)
        error = encode_all(&e, progress, ctx);
    frame_series_close(&e.plain);
    free(e.runs);
    free(e.history);
    if (error != TDM_OK) {
        free(e.payload);
        return error;
    }
    *payload = e.payload;
    *payload_bytes = e.used;
    return TDM_OK;
}
