#include "sim/flash_state.h"

#include <stdlib.h>
#include <string.h>

bool sim__flash_has(const struct sim_flash *flash, uint32_t address, size_t bytes)
{
    return address >= flash->base && address - flash->base <= flash->bytes &&
           bytes <= flash->bytes - (address - flash->base);
}

uint32_t sim__flash_unit(const struct sim_flash *flash, uint32_t address)
{
    return (address - flash->base) / flash->flash.program_bytes;
}

uint32_t sim__flash_page(const struct sim_flash *flash, uint32_t address)
{
    return (address - flash->base) / flash->flash.erase_bytes;
}

bool sim__flash_any_unreadable(const struct sim_flash *flash, uint32_t address, size_t bytes)
{
    uint32_t unit = sim__flash_unit(flash, address);
    uint32_t last = sim__flash_unit(flash, address + (uint32_t)bytes - 1);

    while (bytes > 0 && unit <= last) {
        if (flash->unit[unit++] & UNREADABLE)
            return true;
    }
    return false;
}

void sim__flash_erase_page(struct sim_flash *flash, uint32_t address)
{
    uint32_t offset = address - flash->base;

    memset(flash->cell + offset, 0xFF, flash->flash.erase_bytes);
    memset(flash->drift + offset, 0, flash->flash.erase_bytes);
    memset(flash->unit + sim__flash_unit(flash, address), 0,
           flash->flash.erase_bytes / flash->flash.program_bytes);
}

/* The upper half alone: with seeds that follow each other the lower bits repeat, and of a call always the
 * same units would be hit. */
uint32_t sim__flash_next_random(struct sim_flash *flash)
{
    flash->random = flash->random * 1664525u + 1013904223u;
    return flash->random >> 16;
}

/* --- The power --- */

void sim_flash_arm(struct sim_flash *flash, const struct sim_cut *cut)
{
    flash->armed = cut != NULL;
    flash->operations = 0;
    if (cut != NULL) {
        flash->cut = *cut;
        flash->random = cut->seed * 2654435761u + 1;
    }
}

static bool is_cut_now(struct sim_flash *flash)
{
    return flash->operations++ == flash->cut.operation && flash->armed;
}

static void tell(const struct sim_flash *flash, uint32_t address)
{
    if (flash->watch != NULL)
        flash->watch(flash->watch_ctx, address);
}

static void lose_power(struct sim_flash *flash)
{
    flash->armed = false;
    longjmp(*flash->power, 1);
}

/* --- Reading --- */

/* A cut that leaves bits that read either way. */
static uint8_t drift_of(struct sim_flash *flash, uint8_t bits)
{
    flash->drifts = flash->drifts || flash->cut.tear == SIM_TEAR_UNSTABLE;
    return flash->cut.tear == SIM_TEAR_UNSTABLE ? bits : 0;
}

static int read_flash(void *ctx, uint32_t address, void *to, size_t bytes)
{
    struct sim_flash *flash = ctx;
    uint32_t offset = address - flash->base;
    uint8_t *byte = to;
    size_t i;

    memset(to, 0xA5, bytes);
    if (!sim__flash_has(flash, address, bytes) || sim__flash_any_unreadable(flash, address, bytes))
        return TDM_E_FLASH_READ;
    memcpy(to, flash->cell + offset, bytes);
    for (i = 0; flash->drifts && i < bytes; i++) {
        if (flash->drift[offset + i] != 0)
            byte[i] ^= flash->drift[offset + i] & (uint8_t)sim__flash_next_random(flash);
    }
    return TDM_OK;
}

static int is_blank(void *ctx, uint32_t address, size_t bytes)
{
    uint8_t piece[64];

    while (bytes > 0) {
        size_t n = bytes < sizeof piece ? bytes : sizeof piece;
        size_t i;

        if (read_flash(ctx, address, piece, n) != TDM_OK)
            return 0;
        for (i = 0; i < n; i++) {
            if (piece[i] != 0xFF)
                return 0;
        }
        address += (uint32_t)n;
        bytes -= n;
    }
    return 1;
}

/* --- Erasing --- */

static uint8_t unit_after_torn_erase(const struct sim_flash *flash, uint8_t unit)
{
    uint8_t stays = flash->cut.tear == SIM_TEAR_FAINT ? unit & UNREADABLE : 0;

    return PROGRAMMED | WEAK | stays | (flash->cut.tear == SIM_TEAR_UNREADABLE ? UNREADABLE : 0);
}

static uint8_t risen_bits(struct sim_flash *flash, uint8_t cell)
{
    switch (flash->cut.tear) {
    case SIM_TEAR_WEAK:
        return (uint8_t)~cell;
    case SIM_TEAR_FAINT:
        return 0;
    default:
        return (uint8_t)(~cell & sim__flash_next_random(flash));
    }
}

/* Some bits have become 1. Nothing there may be programmed as if it were erased. */
static void tear_erase(struct sim_flash *flash, uint32_t address)
{
    uint32_t offset = address - flash->base;
    uint32_t at;

    for (at = 0; at < flash->flash.erase_bytes; at++) {
        uint8_t *cell = &flash->cell[offset + at];
        uint8_t *unit = &flash->unit[sim__flash_unit(flash, address + at)];
        uint8_t risen = risen_bits(flash, *cell);

        *cell |= risen;
        flash->drift[offset + at] |= drift_of(flash, risen);
        *unit = unit_after_torn_erase(flash, *unit);
    }
}

static int erase(void *ctx, uint32_t address)
{
    struct sim_flash *flash = ctx;
    bool cut;

    if (!sim__flash_has(flash, address, flash->flash.erase_bytes) ||
        (address - flash->base) % flash->flash.erase_bytes != 0) {
        flash->violations++;
        return TDM_E_FLASH_ERASE;
    }
    cut = is_cut_now(flash);
    if (cut && flash->cut.tear == SIM_TEAR_BEFORE)
        lose_power(flash);
    if (flash->page[sim__flash_page(flash, address)] != 0)
        return flash->page[sim__flash_page(flash, address)] & WORN_OUT ? TDM_E_FLASH_ERASE : TDM_OK;
    flash->wear[sim__flash_page(flash, address)]++;
    if (cut && flash->cut.tear != SIM_TEAR_AFTER) {
        tear_erase(flash, address);
        lose_power(flash);
    }
    sim__flash_erase_page(flash, address);
    if (cut)
        lose_power(flash);
    tell(flash, address);
    return TDM_OK;
}

/* --- Programming --- */

static void check_program(struct sim_flash *flash, uint32_t address, const uint8_t *from)
{
    uint8_t unit = flash->unit[sim__flash_unit(flash, address)];
    uint32_t at;

    flash->violations += (unit & WEAK) != 0;
    flash->violations += flash->flash.program_once && (unit & PROGRAMMED);
    for (at = 0; at < flash->flash.program_bytes; at++)
        flash->violations += (uint8_t)(~flash->cell[address - flash->base + at] & from[at]) != 0;
}

static void program_unit(struct sim_flash *flash, uint32_t address, const uint8_t *from)
{
    uint32_t at;

    check_program(flash, address, from);
    for (at = 0; at < flash->flash.program_bytes; at++)
        flash->cell[address - flash->base + at] &= from[at];
    flash->unit[sim__flash_unit(flash, address)] |= PROGRAMMED;
    flash->unit[sim__flash_unit(flash, address)] &= (uint8_t)~FAINT;
    flash->programmed += flash->flash.program_bytes;
}

/* Some bits have become 0. */
static void tear_unit(struct sim_flash *flash, uint32_t address, const uint8_t *from)
{
    uint32_t offset = address - flash->base;
    uint8_t *unit = &flash->unit[sim__flash_unit(flash, address)];
    uint32_t at;

    if (flash->cut.tear == SIM_TEAR_FAINT) {
        program_unit(flash, address, from);
        *unit |= FAINT;
        return;
    }
    check_program(flash, address, from);
    if (flash->cut.tear == SIM_TEAR_WEAK) { /* only flash with ECC can tell that from blank */
        *unit |= flash->flash.program_once ? WEAK : 0;
        return;
    }
    for (at = 0; at < flash->flash.program_bytes; at++) {
        uint8_t falling = flash->cell[offset + at] & (uint8_t)~from[at];

        flash->cell[offset + at] &= (uint8_t) ~(falling & sim__flash_next_random(flash));
        flash->drift[offset + at] |= drift_of(flash, falling);
    }
    *unit |= PROGRAMMED | (flash->cut.tear == SIM_TEAR_UNREADABLE ? UNREADABLE : 0);
}

static void tear_program(struct sim_flash *flash, uint32_t address, const uint8_t *from, size_t bytes)
{
    uint32_t step = flash->flash.program_bytes;
    uint32_t hit = sim__flash_next_random(flash) % (uint32_t)(bytes / step) * step;
    uint32_t at;

    for (at = 0; at < hit; at += step)
        program_unit(flash, address + at, from + at);
    tear_unit(flash, address + hit, from + hit);
}

static int program(void *ctx, uint32_t address, const void *from, size_t bytes)
{
    struct sim_flash *flash = ctx;
    uint32_t step = flash->flash.program_bytes;
    bool cut;
    size_t at;

    if (!sim__flash_has(flash, address, bytes) || (address - flash->base) % step != 0 || bytes % step != 0 ||
        bytes == 0) {
        flash->violations++;
        return TDM_E_FLASH_PROGRAM;
    }
    cut = is_cut_now(flash);
    if (cut && flash->cut.tear == SIM_TEAR_BEFORE)
        lose_power(flash);
    if (flash->page[sim__flash_page(flash, address)] != 0)
        return flash->page[sim__flash_page(flash, address)] & WORN_OUT ? TDM_E_FLASH_PROGRAM : TDM_OK;
    if (cut && flash->cut.tear != SIM_TEAR_AFTER) {
        tear_program(flash, address, from, bytes);
        lose_power(flash);
    }
    for (at = 0; at < bytes; at += step)
        program_unit(flash, address + (uint32_t)at, (const uint8_t *)from + at);
    if (cut)
        lose_power(flash);
    tell(flash, address);
    return TDM_OK;
}

/* --- The whole --- */

static const struct tdm_flash_ops ops = {
    .read = read_flash,
    .erase = erase,
    .program = program,
    .is_blank = is_blank,
};

static void cover(uint32_t *from, uint32_t *to, const struct tdm_region *region)
{
    if (region->bytes > 0 && region->address < *from)
        *from = region->address;
    if (region->bytes > 0 && region->address + region->bytes > *to)
        *to = region->address + region->bytes;
}

bool sim_flash_open(struct sim_flash *flash, const struct sim_layout *layout)
{
    uint32_t from = UINT32_MAX, to = 0;
    unsigned i;

    memset(flash, 0, sizeof *flash);
    for (i = 0; i < 2; i++) {
        cover(&from, &to, &layout->places.record[i]);
        cover(&from, &to, &layout->places.bank[i]);
    }
    flash->base = from;
    flash->bytes = to - from;
    flash->flash.ops = &ops;
    flash->flash.ctx = flash;
    flash->flash.erase_bytes = layout->erase_bytes;
    flash->flash.program_bytes = layout->program_bytes;
    flash->flash.program_once = layout->program_once;
    flash->cell = malloc(flash->bytes);
    flash->drift = calloc(flash->bytes, 1);
    flash->unit = calloc(flash->bytes / layout->program_bytes, 1);
    flash->wear = calloc(flash->bytes / layout->erase_bytes, sizeof *flash->wear);
    flash->page = calloc(flash->bytes / layout->erase_bytes, 1);
    if (flash->cell == NULL || flash->drift == NULL || flash->unit == NULL || flash->wear == NULL ||
        flash->page == NULL) {
        sim_flash_close(flash);
        return false;
    }
    memset(flash->cell, 0xFF, flash->bytes);
    return true;
}

void sim_flash_close(struct sim_flash *flash)
{
    free(flash->cell);
    free(flash->drift);
    free(flash->unit);
    free(flash->wear);
    free(flash->page);
    memset(flash, 0, sizeof *flash);
}

void sim_flash_copy(struct sim_flash *to, const struct sim_flash *from)
{
    uint32_t pages = from->bytes / from->flash.erase_bytes;

    memcpy(to->cell, from->cell, from->bytes);
    memcpy(to->drift, from->drift, from->bytes);
    to->drifts = from->drifts;
    memcpy(to->unit, from->unit, from->bytes / from->flash.program_bytes);
    memcpy(to->wear, from->wear, pages * sizeof *from->wear);
    memcpy(to->page, from->page, pages);
    to->random = from->random;
    to->programmed = from->programmed;
    to->violations = from->violations;
    sim_flash_arm(to, NULL);
}
