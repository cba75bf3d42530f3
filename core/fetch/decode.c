/* A compressed payload, from the file into the bank.
 *
 *     tdm__fetch_pull --> unlzma --> block --> tdm__fetch_place
 *                           ^--------- read: flash below placed, the block behind it
 *
 * What is in flash was relocated when it was placed, so reading undoes that (R13). */
#include "tandem/fetch_decode.h"

#include <string.h>

#include "core/fetch/fetch.h"

enum { WORD = 4, PIECE_BYTES = 32 };

static void put_forms(struct tdm_fetch *f)
{
    tdm__fetch_put(f, TDM_DECODES_COMPRESSED, 1);
}

static void tell(struct tdm_fetch *f)
{
    static const struct tdm__query decodes = {TDM_UID_DEVICE_DECODES, 1000, put_forms};

    if (tdm__fetch_knows(f, TDM_UID_DEVICE_DECODES))
        (void)tdm__fetch_ask(f, &decodes);
}

/* The base of a difference is the image that is about to be erased. */
static int judge(const struct tdm_fetch *f)
{
    static const uint8_t none[TDM_SHA256_BYTES];

    return memcmp(f->envelope.base_digest, none, sizeof none) == 0 ? TDM_OK : TDM_E_BASE;
}

/* --- Reading back --- */

/* Bytes below placed, which is whole words: so are those around what is wanted. */
static int read_flash(const struct tdm_fetch *f, uint32_t offset, uint8_t *to, uint32_t bytes)
{
    struct tdm_relocations sites = f->sites;
    uint8_t cover[TDM_UNLZMA_PIECE + 2 * WORD];
    uint32_t start = offset - offset % WORD;
    uint32_t end = offset + bytes + (WORD - 1);
    int error = tdm_relocations_move(&sites, start);

    end -= end % WORD;
    if (error == TDM_OK)
        error = f->flash->ops->read(f->flash->ctx, f->map.image + start, cover, end - start);
    if (error == TDM_OK)
        error =
            tdm_relocations_apply(&sites, f->manifest.link_address - f->map.image, start, cover, end - start);
    memcpy(to, cover + (offset - start), bytes);
    return error;
}

static int read_back(void *ctx, bool base, uint32_t offset, uint8_t *to, uint32_t bytes)
{
    const struct tdm_fetch *f = ctx;
    const struct tdm_fetch_decoding *d = f->product->decoding;
    uint32_t end = d->placed + d->filled;
    uint32_t old = 0;
    int error = TDM_OK;

    if (base || offset > end || bytes > end - offset)
        return TDM_E_PAYLOAD;
    if (offset < d->placed) {
        old = d->placed - offset < bytes ? d->placed - offset : bytes;
        error = read_flash(f, offset, to, old);
    }
    memcpy(to + old, d->block + (offset + old - d->placed), bytes - old);
    return error;
}

/* --- Writing --- */

static int place_block(struct tdm_fetch *f, struct tdm_fetch_decoding *d)
{
    uint32_t offset = d->placed;
    uint32_t bytes = d->filled;

    memset(d->block + bytes, 0xFF, sizeof d->block - bytes);
    d->placed += bytes;
    d->filled = 0;
    return tdm__fetch_place(f, offset, d->block, bytes);
}

static int take(void *ctx, uint8_t *bytes, uint32_t count)
{
    struct tdm_fetch *f = ctx;
    struct tdm_fetch_decoding *d = f->product->decoding;
    int error = TDM_OK;

    while (error == TDM_OK && count-- > 0) {
        d->block[d->filled++] = *bytes++;
        if (d->filled == sizeof d->block || d->placed + d->filled == f->manifest.image_bytes)
            error = place_block(f, d);
    }
    return error;
}

static int write(struct tdm_fetch *f)
{
    static const struct tdm_unlzma_ops ops = {.read = read_back, .write = take};
    struct tdm_fetch_decoding *d = f->product->decoding;
    uint32_t left = f->envelope.payload_bytes;
    int error = TDM_OK;

    d->placed = 0;
    d->filled = 0;
    tdm_unlzma_init(&d->unlzma, &ops, f, 0, f->manifest.image_bytes, 0);
    while (error == TDM_OK && left > 0) {
        uint8_t piece[PIECE_BYTES];
        uint32_t n = left < sizeof piece ? left : sizeof piece;

        error = tdm__fetch_pull(f, piece, n);
        if (error == TDM_OK)
            error = tdm_unlzma_feed(&d->unlzma, piece, n);
        left -= n;
    }
    if (error == TDM_OK && !tdm_unlzma_done(&d->unlzma))
        error = TDM_E_PAYLOAD;
    return error;
}

const struct tdm_fetch_decoder tdm_fetch_decodes = {.tell = tell, .judge = judge, .write = write};
