/* The flash past all rules: as a case sets it up, and as a judge looks at it. */
#include "sim/flash_state.h"

#include <string.h>

void sim_flash_set(struct sim_flash *flash, uint32_t address, const void *from, uint32_t bytes)
{
    uint32_t at;

    memcpy(flash->cell + (address - flash->base), from, bytes);
    memset(flash->drift + (address - flash->base), 0, bytes);
    for (at = 0; at < bytes; at++)
        flash->unit[sim__flash_unit(flash, address + at)] = PROGRAMMED;
}

void sim_flash_blank(struct sim_flash *flash, const struct tdm_region *region)
{
    uint32_t at;

    for (at = 0; at < region->bytes; at += flash->flash.erase_bytes)
        sim__flash_erase_page(flash, region->address + at);
}

void sim_flash_garble(struct sim_flash *flash, const struct tdm_region *region, uint32_t seed)
{
    uint32_t at;

    flash->random = seed;
    for (at = 0; at < region->bytes; at++) {
        uint8_t byte = (uint8_t)sim__flash_next_random(flash);

        sim_flash_set(flash, region->address + at, &byte, 1);
    }
}

void sim_flash_make_unreadable(struct sim_flash *flash, const struct tdm_region *region)
{
    memset(flash->unit + sim__flash_unit(flash, region->address), PROGRAMMED | UNREADABLE,
           region->bytes / flash->flash.program_bytes);
}

void sim_flash_wear_out(struct sim_flash *flash, uint32_t address)
{
    flash->page[sim__flash_page(flash, address)] = WORN_OUT;
}

void sim_flash_freeze(struct sim_flash *flash, uint32_t address)
{
    flash->page[sim__flash_page(flash, address)] = FROZEN;
}

void sim_flash_flip(struct sim_flash *flash, uint32_t address, unsigned bit)
{
    flash->cell[address - flash->base] ^= (uint8_t)(1u << bit);
}

bool sim_flash_is_sound(const struct sim_flash *flash, const struct tdm_region *region)
{
    uint32_t unit = sim__flash_unit(flash, region->address);
    uint32_t end = sim__flash_unit(flash, region->address + region->bytes);

    while (unit < end && !(flash->unit[unit] & (WEAK | FAINT)))
        unit++;
    return unit == end;
}

uint32_t sim_flash_wear(const struct sim_flash *flash, const struct tdm_region *region)
{
    uint32_t page = sim__flash_page(flash, region->address);
    uint32_t end = sim__flash_page(flash, region->address + region->bytes);
    uint32_t most = 0;

    for (; page < end; page++) {
        if (most < flash->wear[page])
            most = flash->wear[page];
    }
    return most;
}

const uint8_t *sim_flash_peek(const struct sim_flash *flash, uint32_t address, uint32_t bytes)
{
    uint32_t offset = address - flash->base;
    uint32_t at;

    if (!sim__flash_has(flash, address, bytes) || sim__flash_any_unreadable(flash, address, bytes))
        return NULL;
    for (at = 0; flash->drifts && at < bytes; at++) {
        if (flash->drift[offset + at] != 0)
            return NULL;
    }
    return flash->cell + offset;
}

uint32_t sim_flash_erases(const struct sim_flash *flash, const struct tdm_region *region)
{
    uint32_t page = sim__flash_page(flash, region->address);
    uint32_t end = sim__flash_page(flash, region->address + region->bytes);
    uint32_t sum = 0;

    while (page < end)
        sum += flash->wear[page++];
    return sum;
}
