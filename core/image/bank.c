/* A bank: where its pieces lie, its stored header, its confirm mark (docs/PACKAGE.md, section "In the bank").
 * What is in it is verified in bank_verify.c. */
#include "tandem/package.h"

#include <string.h>

#include "core/image/bytes.h"
#include "core/image/head.h"

#define STORED_MAX (TDM_STORED_PREFIX_BYTES + TDM__HEAD_MAX + TDM_SIGNATURE_BYTES)

#define HEADER_MAGIC TDM__WORD('T', 'D', 'M', 'B')
#define MARK_MAGIC   TDM__WORD('T', 'D', 'M', 'C')

uint8_t tdm_layout_bank_at(const struct tdm_layout *layout, uint32_t address)
{
    uint8_t bank;

    for (bank = 0; bank < TDM_BANKS; bank++) {
        if (address - layout->bank[bank].address < layout->bank[bank].bytes)
            return bank;
    }
    return TDM_NO_BANK;
}

/* --- The map --- */

/* value is at most UINT32_MAX - TDM_PROGRAM_MAX; program units are powers of two. */
static uint32_t whole_units(const struct tdm_flash *flash, uint32_t value)
{
    return (value + flash->program_bytes - 1) & ~(flash->program_bytes - 1);
}

static uint32_t header_address(const struct tdm_layout *layout, uint8_t bank)
{
    return layout->bank[bank].address + layout->bank[bank].bytes - layout->header_bytes;
}

static uint32_t mark_address(const struct tdm_layout *layout, uint8_t bank, const struct tdm_flash *flash)
{
    return layout->bank[bank].address + layout->bank[bank].bytes - whole_units(flash, TDM_MARK_BYTES);
}

static bool bank_exists(const struct tdm_layout *layout, uint8_t bank)
{
    return bank < TDM_BANKS && layout->bank[bank].bytes != 0;
}

int tdm_bank_map(struct tdm_bank_map *map, const struct tdm_layout *layout, uint8_t bank,
                 const struct tdm_flash *flash, const struct tdm_manifest *manifest)
{
    uint32_t room;
    uint32_t table;

    if (!bank_exists(layout, bank) || layout->bank[bank].bytes < layout->header_bytes ||
        layout->header_bytes < whole_units(flash, STORED_MAX) + whole_units(flash, TDM_MARK_BYTES))
        return TDM_E_SIZE;
    room = layout->bank[bank].bytes - layout->header_bytes;
    if (manifest->relocation_bytes > room)
        return TDM_E_SIZE;
    table = whole_units(flash, manifest->relocation_bytes);
    if (table > room || manifest->image_bytes > room - table)
        return TDM_E_SIZE;

    map->image = layout->bank[bank].address;
    map->header = header_address(layout, bank);
    map->relocations = map->header - table;
    map->mark = mark_address(layout, bank, flash);
    if (manifest->relocation_count == 0 && manifest->link_address != TDM_LINK_ANYWHERE &&
        manifest->link_address != map->image)
        return TDM_E_LINK_ADDRESS;
    return TDM_OK;
}

/* --- The stored header --- */

/* Reads head and signature to the start of buffer. Returns the head's bytes, TDM_E_NO_HEADER or
 * TDM_E_FLASH_READ. */
static int read_stored(const struct tdm_layout *layout, uint8_t bank, const struct tdm_flash *flash,
                       uint8_t buffer[TDM_PACKAGE_FRONT_MAX])
{
    uint32_t address;
    size_t head_bytes;
    int result;

    if (!bank_exists(layout, bank))
        return TDM_E_NO_HEADER;
    address = header_address(layout, bank);
    result = flash->ops->read(flash->ctx, address, buffer, TDM_STORED_PREFIX_BYTES);
    if (result != TDM_OK)
        return result;
    head_bytes = tdm__load_u32(buffer + 4); /* the upper half is zero */
    if (tdm__load_u32(buffer) != HEADER_MAGIC || head_bytes > TDM__HEAD_MAX)
        return TDM_E_NO_HEADER;
    result = flash->ops->read(flash->ctx, address + TDM_STORED_PREFIX_BYTES, buffer,
                              head_bytes + TDM_SIGNATURE_BYTES);
    return result == TDM_OK ? (int)head_bytes : result;
}

int tdm_bank_header(struct tdm_manifest *manifest, const struct tdm_layout *layout, uint8_t bank,
                    const struct tdm_flash *flash, const struct tdm_trust *trust,
                    uint8_t buffer[TDM_PACKAGE_FRONT_MAX])
{
    int head_bytes = read_stored(layout, bank, flash, buffer);

    if (head_bytes < 0)
        return head_bytes;
    return tdm_head_accept(manifest, trust, buffer, (size_t)head_bytes, buffer + head_bytes);
}

int tdm_bank_peek(struct tdm_manifest *manifest, const struct tdm_layout *layout, uint8_t bank,
                  const struct tdm_flash *flash, uint8_t buffer[TDM_PACKAGE_FRONT_MAX])
{
    int head_bytes = read_stored(layout, bank, flash, buffer);

    return head_bytes < 0 ? head_bytes : tdm__head_peek(manifest, buffer, (size_t)head_bytes);
}

int tdm_bank_header_program(const struct tdm_layout *layout, uint8_t bank, const struct tdm_flash *flash,
                            const uint8_t *head, size_t head_bytes,
                            const uint8_t signature[TDM_SIGNATURE_BYTES], uint8_t *scratch)
{
    size_t used;
    size_t bytes;

    if (!bank_exists(layout, bank) || head_bytes > TDM__HEAD_MAX)
        return TDM_E_SIZE;
    used = TDM_STORED_PREFIX_BYTES + head_bytes + TDM_SIGNATURE_BYTES;
    bytes = whole_units(flash, (uint32_t)used);
    if (bytes + whole_units(flash, TDM_MARK_BYTES) > layout->header_bytes)
        return TDM_E_SIZE;

    /* In this order, because head and signature may lie in scratch, each behind where it goes. */
    memmove(scratch + TDM_STORED_PREFIX_BYTES, head, head_bytes);
    memmove(scratch + TDM_STORED_PREFIX_BYTES + head_bytes, signature, TDM_SIGNATURE_BYTES);
    tdm__store_u32(scratch, HEADER_MAGIC);
    tdm__store_u32(scratch + 4, (uint32_t)head_bytes);
    memset(scratch + used, 0xFF, bytes - used);
    return flash->ops->program(flash->ctx, header_address(layout, bank), scratch, bytes);
}

bool tdm_bank_header_is(const struct tdm_layout *layout, uint8_t bank, const struct tdm_flash *flash,
                        const uint8_t *head, size_t head_bytes)
{
    uint8_t piece[TDM_STORED_PREFIX_BYTES];
    uint32_t address = header_address(layout, bank);
    size_t left = head_bytes + TDM_SIGNATURE_BYTES;

    if (flash->ops->read(flash->ctx, address, piece, sizeof piece) != TDM_OK ||
        tdm__load_u32(piece) != HEADER_MAGIC || tdm__load_u32(piece + 4) != head_bytes)
        return false;
    for (address += sizeof piece; left > 0; address += sizeof piece, head += sizeof piece) {
        size_t count = left < sizeof piece ? left : sizeof piece;

        if (flash->ops->read(flash->ctx, address, piece, count) != TDM_OK || memcmp(piece, head, count) != 0)
            return false;
        left -= count;
    }
    return true;
}

/* --- The confirm mark --- */

/* Fills units with the mark as it is programmed and returns where it goes. */
static uint32_t mark_build(const uint8_t digest[TDM_MARK_DIGEST_BYTES], const struct tdm_layout *layout,
                           uint8_t bank, const struct tdm_flash *flash, uint8_t units[TDM_PROGRAM_MAX])
{
    memset(units, 0xFF, TDM_PROGRAM_MAX);
    tdm__store_u32(units, MARK_MAGIC);
    memcpy(units + 4, digest, TDM_MARK_DIGEST_BYTES);
    return mark_address(layout, bank, flash);
}

int tdm_bank_mark_program(const uint8_t digest[TDM_MARK_DIGEST_BYTES], const struct tdm_layout *layout,
                          uint8_t bank, const struct tdm_flash *flash)
{
    uint8_t units[TDM_PROGRAM_MAX];
    uint32_t address;

    if (!bank_exists(layout, bank))
        return TDM_E_SIZE;
    address = mark_build(digest, layout, bank, flash, units);
    return flash->ops->program(flash->ctx, address, units, whole_units(flash, TDM_MARK_BYTES));
}

bool tdm_bank_mark_present(const uint8_t digest[TDM_MARK_DIGEST_BYTES], const struct tdm_layout *layout,
                           uint8_t bank, const struct tdm_flash *flash)
{
    uint8_t expected[TDM_PROGRAM_MAX];
    uint8_t found[TDM_MARK_BYTES];
    uint32_t address;

    if (!bank_exists(layout, bank))
        return false;
    address = mark_build(digest, layout, bank, flash, expected);
    return flash->ops->read(flash->ctx, address, found, sizeof found) == TDM_OK &&
           memcmp(found, expected, sizeof found) == 0;
}
