/* Bytes into the bank: erase, header, relocation table, image, in this order (docs/PACKAGE.md, "In the
 * bank"). What a power cut leaves of it does not verify, and is erased again. */
#include "core/fetch/fetch.h"

#include <string.h>

static int erase(struct tdm_fetch *f, uint32_t address, uint32_t end)
{
    int error = TDM_OK;

    for (; error == TDM_OK && address != end; address += f->flash->erase_bytes) {
        tdm__fetch_feed(f);
        error = f->flash->ops->erase(f->flash->ctx, address);
    }
    return error;
}

/* The header area goes first: from then on the bank does not verify, whatever happens. */
int tdm__fetch_prepare_bank(struct tdm_fetch *f)
{
    const struct tdm_region *bank = &f->layout->bank[0];
    const uint8_t *head = f->front + TDM_ENVELOPE_BYTES;
    uint16_t head_bytes = f->envelope.head_bytes;
    int error = tdm_boot_begin_in_place(&f->log, 0, f->manifest.image_digest);

    if (error == TDM_OK) {
        f->intact = false;
        f->begun_ms = tdm__fetch_now(f);
        error = erase(f, f->map.header, bank->address + bank->bytes);
    }
    if (error == TDM_OK)
        error = erase(f, bank->address, f->map.header);
    if (error == TDM_OK)
        error = tdm_boot_receiving(&f->log);
    if (error == TDM_OK)
        error =
            tdm_bank_header_program(f->layout, 0, f->flash, head, head_bytes, head + head_bytes, f->front);
    return error;
}

static bool is_blank(const uint8_t *unit, uint32_t bytes)
{
    while (bytes > 0 && *unit++ == 0xFF)
        bytes--;
    return bytes == 0;
}

/* A unit that is all 0xFF stays blank (R2). */
static int program(const struct tdm_fetch *f, uint32_t address, const uint8_t block[TDM_PROGRAM_MAX])
{
    const struct tdm_flash *flash = f->flash;
    uint32_t unit = flash->program_bytes;
    int error = TDM_OK;

    for (uint32_t at = 0; error == TDM_OK && at < TDM_PROGRAM_MAX; at += unit)
        if (!is_blank(block + at, unit))
            error = flash->ops->program(flash->ctx, address + at, block + at, unit);
    return error;
}

/* A block is whole program units, and whole words to relocate. */
int tdm__fetch_place(struct tdm_fetch *f, uint32_t offset, uint8_t block[TDM_PROGRAM_MAX], uint32_t bytes)
{
    uint32_t delta = f->map.image - f->manifest.link_address;
    int error = tdm_relocations_apply(&f->sites, delta, offset, block, bytes);

    return error == TDM_OK ? program(f, f->map.image + offset, block) : error;
}

static int write_part(struct tdm_fetch *f, uint32_t bytes, bool table)
{
    int error = TDM_OK;

    for (uint32_t offset = 0; error == TDM_OK && offset < bytes; offset += TDM_PROGRAM_MAX) {
        uint8_t block[TDM_PROGRAM_MAX];
        uint32_t n = bytes - offset < sizeof block ? bytes - offset : sizeof block;

        memset(block, 0xFF, sizeof block);
        error = tdm__fetch_pull(f, block, n);
        if (error == TDM_OK)
            error = table ? program(f, f->map.relocations + offset, block)
                          : tdm__fetch_place(f, offset, block, n);
    }
    return error;
}

static int read_table(void *ctx, uint32_t offset, void *to, size_t bytes)
{
    const struct tdm_fetch *f = ctx;

    return f->flash->ops->read(f->flash->ctx, f->map.relocations + offset, to, bytes);
}

static int write_image(struct tdm_fetch *f)
{
    if (f->envelope.encoding != TDM_ENCODING_PLAIN)
        return f->product->decoder->write(f);
    return write_part(f, f->manifest.image_bytes, false);
}

int tdm__fetch_write_bank(struct tdm_fetch *f)
{
    const struct tdm_manifest *manifest = &f->manifest;
    int error = write_part(f, manifest->relocation_bytes, true);

    if (error == TDM_OK)
        error = tdm_relocations_seek(&f->sites, read_table, f, manifest, 0);
    return error == TDM_OK ? write_image(f) : error;
}

int tdm__fetch_complete(struct tdm_fetch *f)
{
    int error = tdm_bank_verify(&f->manifest, f->layout, 0, f->flash, tdm__fetch_feed, f);

    if (error == TDM_OK)
        error =
            f->product->check_image(f->ctx, f->flash, &f->layout->bank[0], f->map.image + f->manifest.entry);
    return error == TDM_OK ? tdm_boot_pending(&f->log, f->product->attempts) : error;
}
