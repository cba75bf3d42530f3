/* Payloads in the encoding lzma-framed: from the decoder (tandem/unlzma.h) into the bank, and back from flash
 * as signed (R13).
 *
 *     payload --> unlzma --> tdm__install_place --> carry, flash of the target bank
 *                   ^------- read: base in the running bank
 *                   '------------- image in flash below install.placed, then in carry
 *
 * What is in flash was relocated when it was placed, so reading undoes that. Reads go mostly upwards: a
 * cursor stays with each source, and is placed anew only when a read goes back or far ahead. */
#include "tandem/decode.h"

#include <string.h>

#include "core/mcu/client.h"

enum {
    WORD = 4,
    COVER_BYTES = TDM_UNLZMA_PIECE + 2 * WORD /* whole words around what is read */
};

static int read_flash(const struct tdm_mcu *mcu, uint32_t address, void *to, size_t bytes)
{
    return mcu->config->flash->ops->read(mcu->config->flash->ctx, address, to, bytes);
}

/* --- Reading back --- */

static int read_base_table(void *ctx, uint32_t offset, void *to, size_t bytes)
{
    const struct tdm_mcu *mcu = ctx;

    return read_flash(mcu, mcu->config->decoding->base.table + offset, to, bytes);
}

static int read_image_table(void *ctx, uint32_t offset, void *to, size_t bytes)
{
    const struct tdm_mcu *mcu = ctx;

    return read_flash(mcu, mcu->config->decoding->image.table + offset, to, bytes);
}

static void open_source(struct tdm_mcu *mcu, struct tdm_mcu_source *source, tdm_table_read_fn *table,
                        const struct tdm_bank_map *map, const struct tdm_manifest *manifest)
{
    source->image = map->image;
    source->table = map->relocations;
    source->delta = manifest->link_address == TDM_LINK_ANYWHERE ? 0 : map->image - manifest->link_address;
    source->at = UINT32_MAX;
    tdm_relocations_open(&source->sites, table, mcu, manifest);
}

/* Image bytes of a source that are in flash up to limit. */
static int read_source(const struct tdm_mcu *mcu, struct tdm_mcu_source *source, uint32_t limit,
                       uint32_t offset, uint8_t *to, uint32_t bytes)
{
    uint8_t cover[COVER_BYTES];
    uint32_t start = offset - offset % WORD;
    uint32_t end = offset + bytes + (WORD - 1);
    int error = TDM_OK;

    end -= end % WORD;
    if (end > limit)
        end = limit;
    if (start < source->at || start - source->at > TDM_RELOCATION_BLOCK)
        error = tdm_relocations_move(&source->sites, start);
    source->at = end;
    if (error == TDM_OK)
        error = read_flash(mcu, source->image + start, cover, end - start);
    if (error == TDM_OK)
        error = tdm_relocations_apply(&source->sites, -source->delta, start, cover, end - start);
    memcpy(to, cover + (offset - start), bytes);
    return error;
}

static int read_image(struct tdm_mcu *mcu, uint32_t offset, uint8_t *to, uint32_t bytes)
{
    const struct tdm_mcu_install *install = &mcu->install;
    int error = TDM_OK;

    if (offset < install->placed) {
        uint32_t n = install->placed - offset < bytes ? install->placed - offset : bytes;

        error = read_source(mcu, &mcu->config->decoding->image, install->placed, offset, to, n);
        offset += n;
        to += n;
        bytes -= n;
    }
    if (bytes > 0)
        memcpy(to, mcu->config->work->writing.carry + (offset - install->placed), bytes);
    return error;
}

static int read_back(void *ctx, bool base, uint32_t offset, uint8_t *to, uint32_t bytes)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_decoding *decoding = mcu->config->decoding;
    uint32_t limit =
        base ? decoding->u.unlzma.base_bytes : mcu->install.placed + (uint32_t)mcu->install.carried;

    if (offset > limit || bytes > limit - offset)
        return TDM_E_PAYLOAD;
    return base ? read_source(mcu, &decoding->base, limit, offset, to, bytes)
                : read_image(mcu, offset, to, bytes);
}

static int place(void *ctx, uint8_t *bytes, uint32_t count)
{
    return tdm__install_place(ctx, bytes, count);
}

/* --- The decoder --- */

static bool has_base(const struct tdm_mcu *mcu)
{
    const uint8_t *digest = tdm_front_base(&mcu->front);
    uint8_t any = 0;

    for (size_t i = 0; i < TDM_SHA256_BYTES; i++)
        any |= digest[i];
    return any != 0;
}

/* The base is the running image, in a bank that is not written to. Its header verified when the client
 * started. */
static int plan_base(struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;
    struct tdm_mcu_decoding *decoding = config->decoding;
    struct tdm_manifest *manifest = &decoding->u.peek.manifest;
    struct tdm_bank_map map;
    int error;

    if (config->running_bank == mcu->install.bank || !mcu->running_known ||
        !tdm_equal(mcu->running_digest, tdm_front_base(&mcu->front), TDM_SHA256_BYTES))
        return TDM_E_BASE;
    error =
        tdm_bank_peek(manifest, config->layout, config->running_bank, config->flash, decoding->u.peek.buffer);
    if (error == TDM_OK)
        error = tdm_bank_map(&map, config->layout, config->running_bank, config->flash, manifest);
    if (error == TDM_OK && !tdm_equal(manifest->image_digest, mcu->running_digest, TDM_SHA256_BYTES))
        error = TDM_E_BASE;
    if (error == TDM_OK)
        open_source(mcu, &decoding->base, read_base_table, &map, manifest);
    return error;
}

static int plan(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    struct tdm_mcu_decoding *decoding = mcu->config->decoding;
    int error = TDM_OK;

    decoding->base.sites.image_bytes = 0;
    if (has_base(mcu))
        error = plan_base(mcu);
    open_source(mcu, &decoding->image, read_image_table, &mcu->install.map, manifest);
    return error;
}

static int feed(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes)
{
    static const struct tdm_unlzma_ops ops = {.read = read_back, .write = place};
    struct tdm_mcu_decoding *decoding = mcu->config->decoding;

    if (!mcu->install.decodes) {
        tdm_unlzma_init(&decoding->u.unlzma, &ops, mcu, decoding->base.sites.image_bytes,
                        mcu->install.image_bytes, mcu->install.placed);
        mcu->install.decodes = true;
    }
    return tdm_unlzma_feed(&decoding->u.unlzma, data, bytes);
}

const struct tdm_mcu_decoder tdm_mcu_decodes = {.plan = plan, .feed = feed};
