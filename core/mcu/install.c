/* Bytes into a bank: erase, header, relocation table, image, in this order (docs/PACKAGE.md, "In the bank").
 *
 * Flash takes whole program units and relocations whole words, chunks have any size: what comes is carried
 * until it is a block of the largest program unit. The table is in flash, and checked, before the first byte
 * of the image is placed, since placing relocates. */
#include "core/mcu/client.h"

#include <string.h>

static const struct tdm_region *bank_of(const struct tdm_mcu *mcu)
{
    return &mcu->config->layout->bank[mcu->install.bank];
}

/* --- Planning --- */

int tdm__install_manifest(struct tdm_mcu *mcu, struct tdm_manifest *manifest)
{
    const struct tdm_mcu_config *config = mcu->config;
    uint8_t *buffer =
        (uint8_t *)config->work; /* GCC 12 takes work->front for another member that begins there */

    if (!mcu->install.stored)
        return tdm_front_manifest(&mcu->front, manifest);
    return tdm_bank_peek(manifest, config->layout, mcu->install.bank, config->flash, buffer);
}

static int verify_bank(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    return tdm_bank_verify(manifest, mcu->config->layout, mcu->install.bank, mcu->config->flash, tdm__feed,
                           mcu);
}

bool tdm__install_holds_header(const struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;

    return tdm_bank_header_is(config->layout, mcu->install.bank, config->flash, tdm_front_head(&mcu->front),
                              mcu->front.head_bytes);
}

int tdm__install_plan(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    struct tdm_mcu_install *install = &mcu->install;
    int error;

    *install = (struct tdm_mcu_install){.bank = tdm__target_bank(mcu),
                                        .table_bytes = manifest->relocation_bytes,
                                        .image_bytes = manifest->image_bytes};
    if (tdm__is_encoded(mcu) && mcu->config->decoder == NULL)
        return TDM_E_ENCODING;
    error = tdm_bank_map(&install->map, mcu->config->layout, install->bank, mcu->config->flash, manifest);
    if (error != TDM_OK)
        return error;
    install->delta = install->map.image - manifest->link_address; /* for its sites, where it has any */
    error = tdm__is_encoded(mcu) ? mcu->config->decoder->plan(mcu, manifest) : TDM_OK;
    if (error != TDM_OK)
        return error;
    install->erase_end = bank_of(mcu)->bytes;
    install->resumes = mcu->config->resume != NULL && mcu->config->resume->plan(mcu, manifest);
    return TDM_OK;
}

int tdm__install_begin(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    return tdm_boot_begin(&mcu->log, mcu->config->running_bank, manifest->image_digest);
}

/* --- Erasing --- */

/* Where the unit lies that is erased after so many bytes. The header area goes first: from then on the bank
 * does not verify, whatever happens. */
static uint32_t unit_address(const struct tdm_mcu *mcu, uint32_t erased)
{
    const struct tdm_region *bank = bank_of(mcu);
    uint32_t header_bytes = mcu->config->layout->header_bytes;
    uint32_t address = bank->address + erased - header_bytes;

    return erased < header_bytes ? address + bank->bytes : address;
}

int tdm__install_erase(struct tdm_mcu *mcu)
{
    const struct tdm_flash *flash = mcu->config->flash;
    struct tdm_mcu_install *install = &mcu->install;
    int error;

    if (install->keep || install->erased == install->erase_end)
        return TDM_OK;
    tdm__feed(mcu);
    error = flash->ops->erase(flash->ctx, unit_address(mcu, install->erased));
    if (error != TDM_OK)
        return error;
    install->erased += flash->erase_bytes;
    return TDM__MORE;
}

/* --- Placing --- */

static bool is_blank(const uint8_t *unit, uint32_t bytes)
{
    while (bytes > 0 && unit[bytes - 1] == 0xFF)
        bytes--;
    return bytes == 0;
}

/* Whole units; where a transfer goes on, behind what was erased for that. */
static int program_units(struct tdm_mcu *mcu, uint32_t address, const uint8_t *units, uint32_t bytes)
{
    const struct tdm_flash *flash = mcu->config->flash;
    int error = TDM_OK;

    if (mcu->install.fresh != 0)
        error = mcu->config->resume->reach(mcu, address, address + bytes);
    return error == TDM_OK ? flash->ops->program(flash->ctx, address, units, bytes) : error;
}

/* Programs the units of a block, as many at once as are not all 0xFF: those stay blank (R2). */
static int program(struct tdm_mcu *mcu, uint32_t address, const uint8_t block[TDM_PROGRAM_MAX])
{
    uint32_t unit = mcu->config->flash->program_bytes;
    uint32_t from = 0;
    int error = TDM_OK;

    for (uint32_t at = 0; at <= TDM_PROGRAM_MAX && error == TDM_OK; at += unit) {
        if (at < TDM_PROGRAM_MAX && !is_blank(block + at, unit))
            continue;
        if (from < at)
            error = program_units(mcu, address + from, block + from, at - from);
        from = at + unit;
    }
    return error;
}

static bool in_table(const struct tdm_mcu_install *install)
{
    return install->taken < install->table_bytes;
}

/* Places the block that is carried, behind what was placed of the part under way; what it lacks is padding.
 */
static int place(struct tdm_mcu *mcu)
{
    struct tdm_mcu_install *install = &mcu->install;
    uint8_t *block = mcu->config->work->writing.carry;
    uint32_t bytes = install->carried;
    uint32_t offset = install->placed;
    uint32_t base = install->map.relocations;
    int error = TDM_OK;

    install->carried = 0;
    install->placed += bytes;
    if (install->keep)
        return TDM_OK;
    memset(block + bytes, 0xFF, TDM_PROGRAM_MAX - bytes);
    if (!in_table(install)) {
        base = install->map.image;
        error =
            tdm_relocations_apply(&mcu->config->work->writing.sites, install->delta, offset, block, bytes);
    }
    return error == TDM_OK ? program(mcu, base + offset, block) : error;
}

/* Takes bytes of the part under way. */
static int take(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes)
{
    struct tdm_mcu_install *install = &mcu->install;
    int error = TDM_OK;

    while (bytes > 0 && error == TDM_OK) {
        uint32_t n = TDM_PROGRAM_MAX - (uint32_t)install->carried;

        if (n > bytes)
            n = bytes;
        memcpy(mcu->config->work->writing.carry + install->carried, data, n);
        install->carried = (uint8_t)(install->carried + n);
        if (install->carried == TDM_PROGRAM_MAX)
            error = place(mcu);
        data += n;
        bytes -= n;
    }
    return error;
}

/* The part is complete: what is carried goes out, and the next part starts. */
static int end_part(struct tdm_mcu *mcu)
{
    int error = place(mcu);

    mcu->install.placed = 0;
    return error;
}

/* --- The table --- */

static int read_table(void *ctx, uint32_t offset, void *to, size_t bytes)
{
    const struct tdm_mcu *mcu = ctx;
    const struct tdm_flash *flash = mcu->config->flash;

    return flash->ops->read(flash->ctx, mcu->install.map.relocations + offset, to, bytes);
}

int tdm__install_check_table(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    return tdm_bank_verify_table(manifest, mcu->config->layout, mcu->install.bank, mcu->config->flash);
}

/* The manifest is read over the running hash, which therefore steps aside. */
static int open_table(struct tdm_mcu *mcu)
{
    union tdm_mcu_work *work = mcu->config->work;
    struct tdm_manifest manifest;
    struct tdm_hash sha256;
    int error;

    sha256 = work->writing.sha256;
    error = tdm__install_manifest(mcu, &manifest);
    if (error == TDM_OK)
        error = tdm__install_check_table(mcu, &manifest);
    if (error != TDM_OK)
        return error;
    work->writing.sha256 = sha256;
    return tdm_relocations_seek(&work->writing.sites, read_table, mcu, &manifest, 0);
}

/* --- The whole --- */

void tdm__install_hash(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes)
{
    tdm_sha256_update(&mcu->config->work->writing.sha256, data, bytes);
    mcu->file.crc32 = tdm_crc32(mcu->file.crc32, data, bytes);
}

/* What is placed from now on is placed by the header in the bank, so it is read back. */
static int store_header(struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;
    const struct tdm_mcu_install *install = &mcu->install;
    const struct tdm_front *front = &mcu->front;
    uint8_t *stored = config->work->front;
    int error;

    if (install->keep || install->resumes)
        return TDM_OK;
    error = tdm_bank_header_program(config->layout, install->bank, config->flash, tdm_front_head(front),
                                    front->head_bytes, tdm_front_signature(front), stored);
    if (error != TDM_OK)
        return error;
    return tdm_bank_header_is(config->layout, install->bank, config->flash, stored + TDM_STORED_PREFIX_BYTES,
                              front->head_bytes)
               ? TDM_OK
               : TDM_E_FLASH_PROGRAM;
}

int tdm__install_header(struct tdm_mcu *mcu)
{
    struct tdm_mcu_install *install = &mcu->install;
    const struct tdm_front *front = &mcu->front;
    struct tdm_hash sha256;
    int error = tdm_boot_receiving(&mcu->log);

    if (error != TDM_OK)
        return error;
    tdm_sha256_init(&sha256);
    tdm_sha256_update(&sha256, front->buffer, front->length);
    mcu->file.crc32 = tdm_crc32(0, front->buffer, front->length);
    error = store_header(mcu);
    if (error != TDM_OK)
        return error;
    install->stored = true;
    mcu->config->work->writing.sha256 = sha256;
    return in_table(install) ? TDM_OK : open_table(mcu);
}

int tdm__install_place(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes)
{
    const struct tdm_mcu_install *install = &mcu->install;
    int error = take(mcu, data, bytes);

    if (error != TDM_OK || install->placed + install->carried < install->image_bytes)
        return error;
    return end_part(mcu);
}

/* Bytes of the table; the image may follow once it is checked. */
static int write_table(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes)
{
    struct tdm_mcu_install *install = &mcu->install;
    bool last = install->taken + bytes == install->table_bytes;
    int error = take(mcu, data, bytes);

    if (error == TDM_OK && last)
        error = end_part(mcu);
    install->taken += bytes;
    return error == TDM_OK && last ? open_table(mcu) : error;
}

static int write_payload(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes)
{
    mcu->install.taken += bytes;
    return tdm__is_encoded(mcu) ? mcu->config->decoder->feed(mcu, data, bytes)
                                : tdm__install_place(mcu, data, bytes);
}

/* Not more than the front says comes: chunks end with the file, whose length policy.c compared with it. */
int tdm__install_write(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes)
{
    const struct tdm_mcu_install *install = &mcu->install;
    uint32_t of_table = in_table(install) ? install->table_bytes - install->taken : 0;
    int error = TDM_OK;

    if (of_table > bytes)
        of_table = bytes;
    if (of_table > 0)
        error = write_table(mcu, data, of_table);
    if (error == TDM_OK && bytes > of_table)
        error = write_payload(mcu, data + of_table, bytes - of_table);
    return error;
}

int tdm__install_verify(struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;
    struct tdm_manifest manifest;
    int error = tdm__install_manifest(mcu, &manifest);

    if (error == TDM_OK)
        error = verify_bank(mcu, &manifest);
    if (error != TDM_OK || config->ops->check_image == NULL)
        return error;
    return config->ops->check_image(config->ctx, config->flash, bank_of(mcu),
                                    mcu->install.map.image + manifest.entry);
}
