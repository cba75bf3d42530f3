/* NOR flash in memory, with the manners of the real thing: erase units, program units, bits that go from 1 to
 * 0 only, parts that take a program unit once per erase, pages that are worn out; and the power goes away
 * where a case says, before, in the middle of, or after an operation.
 *
 * An operation is one erase, or one call that programs. */
#ifndef SIM_FLASH_H
#define SIM_FLASH_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/cut.h"
#include "tandem/flash.h"

/* Geometry of the flash and where things are in it. */
struct sim_layout {
    const char *name;
    uint32_t erase_bytes;
    uint32_t program_bytes;
    bool program_once;
    struct tdm_layout places;
};

/* No bank to write to beside the one that runs. */
static inline bool sim_layout_has_one_bank(const struct sim_layout *layout)
{
    return layout->places.bank[1].bytes == 0;
}

struct sim_flash {
    struct tdm_flash flash; /* hand this to the library */
    uint32_t base;
    uint32_t bytes;
    uint8_t *cell;   /* what reads */
    uint8_t *drift;  /* per byte: bits that read either way */
    bool drifts;     /* there may be some */
    uint8_t *unit;   /* per program unit: enum unit_flag of flash_state.h */
    uint32_t *wear;  /* per erase unit: erases */
    uint8_t *page;   /* per erase unit: enum page_flag of flash_state.h */
    uint32_t random; /* picks torn bits and unstable reads */
    jmp_buf *power;  /* where the world goes on without power */
    struct sim_cut cut;
    bool armed;
    uint32_t operations; /* since the last sim_flash_arm */
    uint32_t programmed; /* bytes since it was opened */
    /* Called after each operation that was not cut; optional. */
    void (*watch)(void *ctx, uint32_t address);
    void *watch_ctx;
    uint32_t violations; /* 0 to 1, unaligned, outside, a unit programmed twice, or weak */
};

/* Covers all regions of layout, erased. False: out of memory. */
bool sim_flash_open(struct sim_flash *flash, const struct sim_layout *layout);
void sim_flash_close(struct sim_flash *flash);
/* Takes over content, wear and faults; both were opened with one layout. */
void sim_flash_copy(struct sim_flash *to, const struct sim_flash *from);

/* The next cut; NULL: none. Counts operations from here. */
void sim_flash_arm(struct sim_flash *flash, const struct sim_cut *cut);

/* --- Past all rules: how a case is set up, and how a judge looks (flash_outside.c) --- */

void sim_flash_set(struct sim_flash *flash, uint32_t address, const void *from, uint32_t bytes);
void sim_flash_blank(struct sim_flash *flash, const struct tdm_region *region);
void sim_flash_garble(struct sim_flash *flash, const struct tdm_region *region, uint32_t seed);
void sim_flash_make_unreadable(struct sim_flash *flash, const struct tdm_region *region);
void sim_flash_wear_out(struct sim_flash *flash, uint32_t address);
/* The page says yes to everything, and changes nothing. */
void sim_flash_freeze(struct sim_flash *flash, uint32_t address);
/* Flips one bit. */
void sim_flash_flip(struct sim_flash *flash, uint32_t address, unsigned bit);

/* What is there, NULL where any of it reads as an error or does not stay what it is. */
const uint8_t *sim_flash_peek(const struct sim_flash *flash, uint32_t address, uint32_t bytes);
/* False where a cut left a unit of region weak, whatever it reads as. */
bool sim_flash_is_sound(const struct sim_flash *flash, const struct tdm_region *region);
/* Most erases of one page of region since the flash was opened. */
uint32_t sim_flash_wear(const struct sim_flash *flash, const struct tdm_region *region);
/* Erases of region since the flash was opened. */
uint32_t sim_flash_erases(const struct sim_flash *flash, const struct tdm_region *region);

#endif
