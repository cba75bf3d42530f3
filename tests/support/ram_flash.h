/* Flash in RAM with the manners of the real thing: programming takes bits from 1 to 0 only, program-once
 * parts take a unit once per erase, and the power goes away where the test says, in the middle of an
 * operation if it likes. */
#ifndef TANDEM_TESTS_RAM_FLASH_H
#define TANDEM_TESTS_RAM_FLASH_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "tandem/flash.h"

#ifndef RAM_FLASH_BYTES /* a target may want more */
#define RAM_FLASH_BYTES (32 * 1024)
#endif
#define RAM_FLASH_UNITS_MAX RAM_FLASH_BYTES
#ifndef CUT_STRIDE
#define CUT_STRIDE 1 /* a test cuts the power at each n-th operation: wider where a processor is emulated */
#endif

/* What the power cut does to the operation that it hits. */
enum ram_flash_cut {
    RAM_FLASH_BEFORE = 0, /* nothing of it happened */
    RAM_FLASH_TORN,       /* part of it: whole units first, then part of the bits of one */
    RAM_FLASH_UNREADABLE, /* as torn, but the unit that was hit reads as an error until it is erased */
    RAM_FLASH_WEAK,  /* reads as blank, but must not be programmed before it is erased: half an erase, or,
                        on program-once flash, a program that hardly began */
    RAM_FLASH_AFTER, /* all of it happened, and nothing after it */
    RAM_FLASH_CUTS
};

struct ram_flash {
    struct tdm_flash flash; /* hand this to the library */
    uint32_t base;
    uint8_t bytes[RAM_FLASH_BYTES];
    bool programmed[RAM_FLASH_UNITS_MAX]; /* since its erase; by program unit */
    bool unreadable[RAM_FLASH_UNITS_MAX];
    bool weak[RAM_FLASH_UNITS_MAX];

    uint32_t operations; /* erase and program calls so far */
    uint32_t erases;
    uint32_t programmed_bytes;
    uint32_t violations; /* 0 -> 1, unaligned, outside, or units programmed twice or weak */

    bool armed;
    uint32_t cut_at; /* operation (counted from 0) that the power cut hits */
    enum ram_flash_cut cut;
    uint32_t random; /* state of the generator that picks torn bits */
    jmp_buf power;   /* where the test continues without power */

    bool broken_unit; /* erase and program of [broken_from, broken_to) fail ... */
    bool silently;    /* ... without saying so */
    uint32_t broken_from, broken_to;
};

/* All erased. */
void ram_flash_init(struct ram_flash *ram, uint32_t base, uint32_t erase_bytes, uint32_t program_bytes,
                    bool program_once);

/* The next cut. The test calls setjmp(ram->power) before it goes on. */
void ram_flash_cut(struct ram_flash *ram, uint32_t after_operations, enum ram_flash_cut cut, uint32_t seed);

/* Content as a test sets it up, past all rules. */
void ram_flash_set(struct ram_flash *ram, uint32_t address, const void *from, uint32_t bytes);
const uint8_t *ram_flash_at(const struct ram_flash *ram, uint32_t address);

/* A region gets lost: */
void ram_flash_blank(struct ram_flash *ram, const struct tdm_region *region);
void ram_flash_garble(struct ram_flash *ram, const struct tdm_region *region, uint32_t seed);
void ram_flash_make_unreadable(struct ram_flash *ram, const struct tdm_region *region);

#endif
