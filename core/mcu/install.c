/* Bytes into a bank: erase, header, relocation table, image, in this order (docs/PACKAGE.md, "In the bank").
 *
 * Flash takes whole program units and relocations whole words, chunks have any size: what does not fill a
 * block (the larger of the two) is carried to the next chunk. The table is in flash, and checked, before the
 * first byte of the image is placed, since placing relocates. */
#include "core/mcu/client.h"

#include <string.h>

enum { WORD_BYTES = 4 };

static const struct tdm_region *bank_of(const struct tdm_mcu *mcu)
{
    return &mcu->config->layout->bank[mcu->install.bank];
}

/* A power of two, as program units are. */
static uint32_t block_bytes(const struct tdm_mcu *mcu)
{
    uint32_t unit = mcu->config->flash->program_bytes;

    return unit < WORD_BYTES ? WORD_BYTES : unit;
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

/* R10: a complete bank of this very package is kept. Not after an erase or a transfer that a reset cut off:
 * what it hit may read well and be weak (R2). Nor if the confirm mark was programmed or torn: a trial starts
 * with a blank one, and on flash that programs once a blank one may have been hit by a power cut. */
static bool holds_package(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    const struct tdm_flash *flash = mcu->config->flash;

    return !flash->program_once && mcu->log.record.state == TDM_BOOT_IDLE && tdm__install_holds_header(mcu) &&
           flash->ops->is_blank(flash->ctx, mcu->install.map.mark, TDM_MARK_BYTES) == 1 &&
           verify_bank(mcu, manifest) == TDM_OK;
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
    if (manifest->link_address != TDM_LINK_ANYWHERE)
        install->delta = install->map.image - manifest->link_address;
    if (install->delta != 0 && manifest->relocation_count == 0)
        return TDM_E_LINK_ADDRESS;
    error = tdm__is_encoded(mcu) ? mcu->config->decoder->plan(mcu, manifest) : TDM_OK;
    if (error != TDM_OK)
        return error;
    install->erase_end = bank_of(mcu)->bytes;
    install->keep = holds_package(mcu, manifest);
    install->resumes = mcu->config->resume != NULL && mcu->config->resume->plan(mcu, manifest);
    return TDM_OK;
}

int tdm__install_begin(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    if (mcu->config->role != NULL)
        return mcu->config->role->begin(mcu, manifest);
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
    return install->erased < install->erase_end ? TDM__MORE : TDM_OK;
}

/* --- Placing --- */

static const uint8_t *skip_blank(const uint8_t *unit, const uint8_t *end)
{
    while (unit < end && *unit == 0xFF)
        unit++;
    return unit;
}

/* The first unit in [from, end) that is blank, if blank, or is not. */
static const uint8_t *find_unit(const uint8_t *from, const uint8_t *end, uint32_t unit, bool blank)
{
    while (from < end && (skip_blank(from, from + unit) == from + unit) != blank)
        from += unit;
    return from;
}

/* Programs whole units. One that is all 0xFF stays blank (R2). */
static int program(struct tdm_mcu *mcu, uint32_t address, const uint8_t *data, uint32_t bytes)
{
    const struct tdm_flash *flash = mcu->config->flash;
    const uint8_t *end = data + bytes;
    const uint8_t *from = find_unit(data, end, flash->program_bytes, false);

    while (from < end) {
        const uint8_t *to = find_unit(from, end, flash->program_bytes, true);
        uint32_t at = address + (uint32_t)(from - data);
        int error = TDM_OK;

        if (mcu->install.fresh != 0)
            error = mcu->config->resume->reach(mcu, at, at + (uint32_t)(to - from));
        if (error == TDM_OK)
            error = flash->ops->program(flash->ctx, at, from, (size_t)(to - from));
        if (error != TDM_OK)
            return error;
        from = find_unit(to, end, flash->program_bytes, false);
    }
    return TDM_OK;
}

static bool in_table(const struct tdm_mcu *mcu)
{
    return mcu->install.taken < mcu->install.table_bytes;
}

/* Places bytes of the part under way that start at a block's boundary; count of them are data, the rest, up
 * to whole program units, is padding. */
static int place(struct tdm_mcu *mcu, bool table, uint8_t *data, uint32_t count, uint32_t padded)
{
    struct tdm_mcu_install *install = &mcu->install;
    uint32_t base = table ? install->map.relocations : install->map.image;
    uint32_t offset = install->placed;
    int error;

    install->placed += count;
    if (install->keep)
        return TDM_OK;
    if (!table) {
        error = tdm_relocations_apply(&mcu->config->work->writing.sites, install->delta, offset, data, count);
        if (error != TDM_OK)
            return error;
    }
    return program(mcu, base + offset, data, padded);
}

/* Takes bytes of one part: blocks go straight from data, the rest is carried. */
static int take(struct tdm_mcu *mcu, bool table, uint8_t *data, uint32_t bytes)
{
    struct tdm_mcu_install *install = &mcu->install;
    uint8_t *carry = mcu->config->work->writing.carry;
    uint32_t block = block_bytes(mcu);
    int error = TDM_OK;

    while (bytes > 0 && error == TDM_OK) {
        uint32_t n = bytes & ~(block - 1);

        if (install->carried == 0 && n > 0) {
            error = place(mcu, table, data, n, n);
        } else {
            n = block - install->carried < bytes ? block - install->carried : bytes;
            memcpy(carry + install->carried, data, n);
            install->carried = (uint8_t)(install->carried + n);
            if (install->carried == block) {
                install->carried = 0;
                error = place(mcu, table, carry, block, block);
            }
        }
        data += n;
        bytes -= n;
    }
    return error;
}

/* The part is complete: what is carried goes out, padded, and the next part starts. */
static int end_part(struct tdm_mcu *mcu, bool table)
{
    struct tdm_mcu_install *install = &mcu->install;
    uint32_t unit = mcu->config->flash->program_bytes;
    uint8_t *carry = mcu->config->work->writing.carry;
    uint8_t carried = install->carried;
    int error = TDM_OK;

    install->carried = 0;
    if (carried > 0) {
        uint32_t padded = (carried + unit - 1) & ~(unit - 1);

        memset(carry + carried, 0xFF, TDM_PROGRAM_MAX - (size_t)carried);
        error = place(mcu, table, carry, carried, padded);
    }
    install->placed = 0;
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
    struct tdm_hash sha256 = work->writing.sha256;
    struct tdm_manifest manifest;
    int error = tdm__install_manifest(mcu, &manifest);

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

static int store_header(struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;
    const struct tdm_front *front = &mcu->front;

    if (mcu->install.keep || mcu->install.resumes)
        return TDM_OK;
    return tdm_bank_header_program(config->layout, mcu->install.bank, config->flash, tdm_front_head(front),
                                   front->head_bytes, tdm_front_signature(front), config->work->front);
}

int tdm__install_header(struct tdm_mcu *mcu)
{
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
    mcu->install.stored = true;
    mcu->config->work->writing.sha256 = sha256;
    return in_table(mcu) ? TDM_OK : open_table(mcu);
}

static int write_table(struct tdm_mcu *mcu, uint8_t *data, uint32_t bytes)
{
    int error = take(mcu, true, data, bytes);

    mcu->install.taken += bytes;
    if (error != TDM_OK || in_table(mcu))
        return error;
    error = end_part(mcu, true);
    return error == TDM_OK ? open_table(mcu) : error;
}

int tdm__install_place(struct tdm_mcu *mcu, uint8_t *data, uint32_t bytes)
{
    const struct tdm_mcu_install *install = &mcu->install;
    int error = take(mcu, false, data, bytes);

    if (error != TDM_OK || install->placed + install->carried < install->image_bytes)
        return error;
    return end_part(mcu, false);
}

static int write_payload(struct tdm_mcu *mcu, uint8_t *data, uint32_t bytes)
{
    mcu->install.taken += bytes;
    return tdm__is_encoded(mcu) ? mcu->config->decoder->feed(mcu, data, bytes)
                                : tdm__install_place(mcu, data, bytes);
}

int tdm__install_write(struct tdm_mcu *mcu, uint8_t *data, uint32_t bytes)
{
    const struct tdm_mcu_install *install = &mcu->install;

    if (bytes > install->table_bytes + mcu->front.payload_bytes - install->taken)
        return TDM_E_SIZE;
    if (in_table(mcu)) {
        uint32_t left = install->table_bytes - install->taken;
        uint32_t n = left < bytes ? left : bytes;
        int error = write_table(mcu, data, n);

        if (error != TDM_OK)
            return error;
        data += n;
        bytes -= n;
    }
    return bytes > 0 ? write_payload(mcu, data, bytes) : TDM_OK;
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
