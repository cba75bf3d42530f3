/* What makes a board's layout one that core/ can live on. */
#include "cli/board/layout.h"

#include "cli/base/output.h"
#include "tandem/boot.h"

/* Holds any stored header and the mark, at any program unit. */
#define HEADER_AREA_MIN TDM_PACKAGE_FRONT_MAX

/* A region of the flash under the name that messages call it. */
struct place {
    const char *name;
    struct tdm_region region;
};

/* The keys' erase units: they belong to no other region but the bootloader's. */
static struct tdm_region key_region(const struct board_layout *layout)
{
    uint32_t units = (TDM_KEY_PAGE_BYTES + layout->erase_bytes - 1) / layout->erase_bytes;
    struct tdm_region region = {layout->places.keys_address, units * layout->erase_bytes};

    return region;
}

static uint64_t end_of(const struct tdm_region *region)
{
    return (uint64_t)region->address + region->bytes;
}

static int check_units(const struct board_layout *layout, const char *path)
{
    uint32_t erase = layout->erase_bytes;
    uint32_t program = layout->program_bytes;

    if (program == 0 || program > TDM_PROGRAM_MAX || (program & (program - 1)) != 0)
        return output_fail(CLI_FAILED, "%s: program_bytes must be 1, 2, 4, 8, 16 or 32", path);
    if (erase == 0 || erase % program != 0 || erase > layout->flash.bytes)
        return output_fail(
            CLI_FAILED, "%s: erase_bytes must be a multiple of program_bytes and fit into the flash", path);
    if (end_of(&layout->flash) > (uint64_t)UINT32_MAX + 1 || layout->flash.bytes % erase != 0)
        return output_fail(CLI_FAILED, "%s: flash must be whole erase units and end below 4 GiB", path);
    return CLI_OK;
}

static int check_place(const struct board_layout *layout, const struct place *place, const char *path)
{
    const struct tdm_region *flash = &layout->flash;
    const struct tdm_region *region = &place->region;

    if (region->address < flash->address || end_of(region) > end_of(flash))
        return output_fail(CLI_FAILED, "%s: %s (0x%08x, %u bytes) is not inside of the flash", path,
                           place->name, region->address, region->bytes);
    if (region->bytes == 0 || (region->address - flash->address) % layout->erase_bytes != 0 ||
        region->bytes % layout->erase_bytes != 0)
        return output_fail(CLI_FAILED,
                           "%s: %s (0x%08x, %u bytes) does not start and end at erase units of %u bytes",
                           path, place->name, region->address, region->bytes, layout->erase_bytes);
    return CLI_OK;
}

static int check_apart(const struct place *places, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i + 1; k < count; k++) {
            if (places[i].region.address < end_of(&places[k].region) &&
                places[k].region.address < end_of(&places[i].region))
                return output_fail(CLI_FAILED, "%s: %s and %s overlap", path, places[i].name, places[k].name);
        }
    }
    return CLI_OK;
}

static int check_sizes(const struct board_layout *layout, const char *path)
{
    const struct tdm_layout *places = &layout->places;
    uint32_t slot =
        (TDM_RECORD_ENTRY_BYTES + layout->program_bytes - 1) / layout->program_bytes * layout->program_bytes;

    if (places->record[0].bytes != places->record[1].bytes || places->record[0].bytes < slot)
        return output_fail(CLI_FAILED, "%s: the two record units must have one size, %u bytes or more", path,
                           slot);
    if (places->header_bytes < HEADER_AREA_MIN || places->header_bytes % layout->erase_bytes != 0)
        return output_fail(CLI_FAILED,
                           "%s: header_bytes must be whole erase units (%u bytes), at least %d bytes", path,
                           layout->erase_bytes, HEADER_AREA_MIN);
    for (int bank = 0; bank < TDM_BANKS; bank++) {
        if (places->bank[bank].bytes != 0 && places->bank[bank].bytes <= places->header_bytes)
            return output_fail(CLI_FAILED, "%s: bank %c has no room beside its header area", path,
                               'A' + bank);
    }
    return CLI_OK;
}

/* Where the keys are the tail of the bootloader's region, what is left is for its code. */
static void cut_keys_off(struct board_layout *layout)
{
    struct tdm_region keys = key_region(layout);
    struct tdm_region *bootloader = &layout->bootloader;

    if (keys.address > bootloader->address && end_of(&keys) == end_of(bootloader))
        bootloader->bytes -= keys.bytes;
}

int layout_check(struct board_layout *layout, const char *path)
{
    const struct tdm_layout *at = &layout->places;
    struct place places[7];
    size_t count = 0;
    int rc = check_units(layout, path);

    if (rc != CLI_OK)
        return rc;
    cut_keys_off(layout);
    places[count++] = (struct place){"keys", key_region(layout)};
    places[count++] = (struct place){"record unit 0", at->record[0]};
    places[count++] = (struct place){"record unit 1", at->record[1]};
    places[count++] = (struct place){"bank A", at->bank[0]};
    if (at->bank[1].bytes != 0)
        places[count++] = (struct place){"bank B", at->bank[1]};
    if (layout->bootloader.bytes != 0)
        places[count++] = (struct place){"bootloader", layout->bootloader};
    for (size_t i = 0; rc == CLI_OK && i < count; i++)
        rc = check_place(layout, &places[i], path);
    rc = rc == CLI_OK ? check_apart(places, count, path) : rc;
    return rc == CLI_OK ? check_sizes(layout, path) : rc;
}
