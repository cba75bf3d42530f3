/* What a bank holds, against its manifest: first the digest of the relocation table, then, with the sites it
 * names taken back, the digest of the image. The table's sites are decoded along the way; each is checked to
 * be canonical, and at the end, that none was missing. */
#include "tandem/package.h"

#include <string.h>

#include "core/image/manifest.h"
#include "tandem/relocate.h"

#define PIECE 128 /* divides TDM_RELOCATION_BLOCK; it lies on the stack */

struct table {
    const struct tdm_flash *flash;
    uint32_t address;
};

static int read_table(void *ctx, uint32_t offset, void *to, size_t bytes)
{
    const struct table *table = ctx;

    return table->flash->ops->read(table->flash->ctx, table->address + offset, to, bytes);
}

/* A pass over flash that feeds a hash and the watchdog. */
struct pass {
    const struct tdm_flash *flash;
    struct tdm_relocations *sites; /* NULL: hash what is there */
    uint32_t delta;
    void (*progress)(void *ctx);
    void *ctx;
};

static int hash_flash(const struct pass *pass, uint32_t address, uint32_t bytes,
                      uint8_t digest[TDM_SHA256_BYTES])
{
    struct tdm_hash hash;
    uint8_t piece[PIECE];
    uint32_t offset = 0;

    tdm_sha256_init(&hash);
    while (offset < bytes) {
        uint32_t count = bytes - offset < PIECE ? bytes - offset : PIECE;
        int result = pass->flash->ops->read(pass->flash->ctx, address + offset, piece, count);

        if (result == TDM_OK && pass->sites != NULL)
            result = tdm_relocations_apply(pass->sites, pass->delta, offset, piece, count);
        if (result != TDM_OK)
            return result;
        if (pass->progress != NULL && offset % TDM_RELOCATION_BLOCK == 0)
            pass->progress(pass->ctx);
        tdm_sha256_update(&hash, piece, count);
        offset += count;
    }
    tdm_sha256_result(&hash, digest);
    return TDM_OK;
}

static int verify_table(const struct pass *pass, const struct tdm_manifest *manifest, uint32_t address)
{
    uint8_t digest[TDM_SHA256_BYTES];
    int result = hash_flash(pass, address, manifest->relocation_bytes, digest);

    if (result != TDM_OK)
        return result;
    return tdm_equal(digest, manifest->relocation_digest, sizeof digest) ? TDM_OK : TDM_E_RELOCATIONS;
}

int tdm_bank_verify_table(const struct tdm_manifest *manifest, const struct tdm_layout *layout, uint8_t bank,
                          const struct tdm_flash *flash)
{
    struct pass pass = {.flash = flash};
    struct table table = {.flash = flash};
    struct tdm_bank_map map;
    int result = tdm_bank_map(&map, layout, bank, flash, manifest);

    if (result == TDM_OK)
        result = verify_table(&pass, manifest, map.relocations);
    table.address = map.relocations;
    return result == TDM_OK ? tdm_relocations_check(read_table, &table, manifest) : result;
}

int tdm_bank_verify(const struct tdm_manifest *manifest, const struct tdm_layout *layout, uint8_t bank,
                    const struct tdm_flash *flash, void (*progress)(void *ctx), void *ctx)
{
    struct pass pass = {flash, NULL, 0, progress, ctx};
    struct tdm_bank_map map;
    struct tdm_relocations sites;
    struct table table;
    uint8_t digest[TDM_SHA256_BYTES];
    int result = tdm_bank_map(&map, layout, bank, flash, manifest);

    if (result == TDM_OK)
        result = verify_table(&pass, manifest, map.relocations);
    if (result != TDM_OK)
        return result;

    table.flash = flash;
    table.address = map.relocations;
    result = tdm_relocations_seek(&sites, read_table, &table, manifest, 0);
    if (result != TDM_OK)
        return result;
    pass.sites = &sites;
    pass.delta = manifest->link_address - map.image;
    result = hash_flash(&pass, map.image, manifest->image_bytes, digest);
    if (result != TDM_OK)
        return result;
    if (sites.seen != manifest->relocation_count)
        return TDM_E_RELOCATIONS;
    return tdm_equal(digest, manifest->image_digest, sizeof digest) ? TDM_OK : TDM_E_DIGEST;
}
