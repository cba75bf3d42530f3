#include "tests/support/ram_flash.h"

#include <string.h>

/* A small generator of our own: the same bits on every host. */
static uint32_t next_random(struct ram_flash *ram)
{
    ram->random = ram->random * 1664525u + 1013904223u;
    return ram->random >> 8;
}

static bool inside(const struct ram_flash *ram, uint32_t address, size_t bytes)
{
    return address >= ram->base && address - ram->base <= RAM_FLASH_BYTES &&
           bytes <= RAM_FLASH_BYTES - (address - ram->base);
}

static uint32_t unit_of(const struct ram_flash *ram, uint32_t address)
{
    return (address - ram->base) / ram->flash.program_bytes;
}

static bool is_broken(const struct ram_flash *ram, uint32_t address)
{
    return ram->broken_unit && address >= ram->broken_from && address < ram->broken_to;
}

/* --- The power --- */

static bool is_cut_now(struct ram_flash *ram)
{
    return ram->armed && ram->operations++ == ram->cut_at;
}

static void lose_power(struct ram_flash *ram)
{
    ram->armed = false;
    longjmp(ram->power, 1);
}

void ram_flash_cut(struct ram_flash *ram, uint32_t after_operations, enum ram_flash_cut cut, uint32_t seed)
{
    ram->armed = true;
    ram->operations = 0;
    ram->cut_at = after_operations;
    ram->cut = cut;
    ram->random = seed * 2654435761u + 1;
}

/* --- Operations --- */

static bool any_unreadable(const struct ram_flash *ram, uint32_t address, size_t bytes)
{
    uint32_t first = unit_of(ram, address);
    uint32_t last = unit_of(ram, address + (uint32_t)bytes - 1);

    return bytes > 0 && memchr(ram->unreadable + first, true, last - first + 1) != NULL;
}

static int read_flash(void *ctx, uint32_t address, void *to, size_t bytes)
{
    const struct ram_flash *ram = ctx;

    memset(to, 0xA5, bytes);
    if (!inside(ram, address, bytes) || any_unreadable(ram, address, bytes))
        return TDM_E_FLASH_READ;
    memcpy(to, ram_flash_at(ram, address), bytes);
    return TDM_OK;
}

static int is_blank(void *ctx, uint32_t address, size_t bytes)
{
    const struct ram_flash *ram = ctx;
    const uint8_t *at = ram_flash_at(ram, address);

    return inside(ram, address, bytes) && bytes > 0 && at[0] == 0xFF && memcmp(at, at + 1, bytes - 1) == 0 &&
           !any_unreadable(ram, address, bytes);
}

static void erase_all_of(struct ram_flash *ram, uint32_t address)
{
    uint32_t first = unit_of(ram, address);
    uint32_t units = ram->flash.erase_bytes / ram->flash.program_bytes;

    memset(ram->bytes + (address - ram->base), 0xFF, ram->flash.erase_bytes);
    memset(ram->programmed + first, false, units);
    memset(ram->unreadable + first, false, units);
    memset(ram->weak + first, false, units);
}

/* Some bits have become 1; nothing there may be programmed as if it were erased. */
static void erase_half_of(struct ram_flash *ram, uint32_t address)
{
    uint32_t at;

    for (at = 0; at < ram->flash.erase_bytes; at++) {
        uint32_t unit = unit_of(ram, address + at);

        ram->bytes[address - ram->base + at] |= ram->cut == RAM_FLASH_WEAK ? 0xFF : (uint8_t)next_random(ram);
        ram->programmed[unit] = true;
        ram->unreadable[unit] = ram->cut == RAM_FLASH_UNREADABLE;
        ram->weak[unit] = true;
    }
}

static int erase(void *ctx, uint32_t address)
{
    struct ram_flash *ram = ctx;
    bool cut;

    if (!inside(ram, address, ram->flash.erase_bytes) || (address - ram->base) % ram->flash.erase_bytes) {
        ram->violations++;
        return TDM_E_FLASH_ERASE;
    }
    cut = is_cut_now(ram);
    if (is_broken(ram, address))
        return ram->silently ? TDM_OK : TDM_E_FLASH_ERASE;
    if (cut && ram->cut != RAM_FLASH_AFTER) {
        if (ram->cut != RAM_FLASH_BEFORE)
            erase_half_of(ram, address);
        lose_power(ram);
    }
    erase_all_of(ram, address);
    ram->erases++;
    if (cut)
        lose_power(ram);
    return TDM_OK;
}

static void program_unit(struct ram_flash *ram, uint32_t address, const uint8_t *from, uint8_t missing_bits)
{
    uint32_t unit = unit_of(ram, address);
    uint32_t at;

    for (at = 0; at < ram->flash.program_bytes; at++) {
        uint8_t *cell = &ram->bytes[address - ram->base + at];

        ram->violations += (uint8_t)(~*cell & from[at]) != 0;
        *cell &= missing_bits == 0 ? from[at] : (uint8_t)(from[at] | (missing_bits & next_random(ram)));
    }
    ram->violations += ram->weak[unit];
    ram->violations += ram->flash.program_once && ram->programmed[unit];
    ram->programmed[unit] = true;
    ram->programmed_bytes += ram->flash.program_bytes;
}

/* The cut hits one unit of those to be programmed; the ones before it are whole. */
static void program_part_of(struct ram_flash *ram, uint32_t address, const uint8_t *from, size_t bytes)
{
    uint32_t step = ram->flash.program_bytes;
    uint32_t hit = next_random(ram) % (uint32_t)(bytes / step) * step;
    uint32_t at;

    for (at = 0; at < hit; at += step)
        program_unit(ram, address + at, from + at, 0);
    if (ram->cut == RAM_FLASH_WEAK) {
        ram->weak[unit_of(ram, address + hit)] = ram->flash.program_once;
        return;
    }
    program_unit(ram, address + hit, from + hit, 0xFF);
    ram->unreadable[unit_of(ram, address + hit)] = ram->cut == RAM_FLASH_UNREADABLE;
}

static int program(void *ctx, uint32_t address, const void *from, size_t bytes)
{
    struct ram_flash *ram = ctx;
    uint32_t step = ram->flash.program_bytes;
    bool cut;
    size_t at;

    if (!inside(ram, address, bytes) || (address - ram->base) % step || bytes % step || bytes == 0) {
        ram->violations++;
        return TDM_E_FLASH_PROGRAM;
    }
    cut = is_cut_now(ram);
    if (is_broken(ram, address))
        return ram->silently ? TDM_OK : TDM_E_FLASH_PROGRAM;
    if (cut && ram->cut != RAM_FLASH_AFTER) {
        if (ram->cut != RAM_FLASH_BEFORE)
            program_part_of(ram, address, from, bytes);
        lose_power(ram);
    }
    for (at = 0; at < bytes; at += step)
        program_unit(ram, address + (uint32_t)at, (const uint8_t *)from + at, 0);
    if (cut)
        lose_power(ram);
    return TDM_OK;
}

static const struct tdm_flash_ops ops = {
    .read = read_flash,
    .erase = erase,
    .program = program,
    .is_blank = is_blank,
};

void ram_flash_init(struct ram_flash *ram, uint32_t base, uint32_t erase_bytes, uint32_t program_bytes,
                    bool program_once)
{
    memset(ram, 0, sizeof *ram);
    memset(ram->bytes, 0xFF, sizeof ram->bytes);
    ram->base = base;
    ram->flash.ops = &ops;
    ram->flash.ctx = ram;
    ram->flash.erase_bytes = erase_bytes;
    ram->flash.program_bytes = program_bytes;
    ram->flash.program_once = program_once;
}

/* --- Set-up and loss --- */

void ram_flash_set(struct ram_flash *ram, uint32_t address, const void *from, uint32_t bytes)
{
    uint32_t at;

    memcpy(ram->bytes + (address - ram->base), from, bytes);
    for (at = 0; at < bytes; at++) {
        ram->programmed[unit_of(ram, address + at)] = true;
        ram->unreadable[unit_of(ram, address + at)] = false;
    }
}

const uint8_t *ram_flash_at(const struct ram_flash *ram, uint32_t address)
{
    return ram->bytes + (address - ram->base);
}

void ram_flash_blank(struct ram_flash *ram, const struct tdm_region *region)
{
    uint32_t at;

    for (at = 0; at < region->bytes; at += ram->flash.erase_bytes)
        erase_all_of(ram, region->address + at);
}

void ram_flash_garble(struct ram_flash *ram, const struct tdm_region *region, uint32_t seed)
{
    uint32_t at;

    ram->random = seed;
    for (at = 0; at < region->bytes; at++) {
        uint8_t byte = (uint8_t)next_random(ram);

        ram_flash_set(ram, region->address + at, &byte, 1);
    }
}

void ram_flash_make_unreadable(struct ram_flash *ram, const struct tdm_region *region)
{
    uint32_t at;

    for (at = 0; at < region->bytes; at += ram->flash.program_bytes) {
        ram->programmed[unit_of(ram, region->address + at)] = true;
        ram->unreadable[unit_of(ram, region->address + at)] = true;
    }
}
