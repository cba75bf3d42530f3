/* What flash.c (the flash as a driver knows it) and flash_outside.c (past all rules) share. */
#ifndef SIM_FLASH_STATE_H
#define SIM_FLASH_STATE_H

#include "sim/flash.h"

enum unit_flag {
    PROGRAMMED = 1, /* since its erase */
    UNREADABLE = 2,
    WEAK = 4, /* half erased, or hardly programmed: must be erased before it is programmed */
    FAINT = 8 /* programmed, but not to the full */
};

enum page_flag {
    WORN_OUT = 1, /* erase and program fail */
    FROZEN = 2    /* they succeed, and change nothing */
};

bool sim__flash_has(const struct sim_flash *flash, uint32_t address, size_t bytes);
/* The program unit and the erase unit that address is in. */
uint32_t sim__flash_unit(const struct sim_flash *flash, uint32_t address);
uint32_t sim__flash_page(const struct sim_flash *flash, uint32_t address);

bool sim__flash_any_unreadable(const struct sim_flash *flash, uint32_t address, size_t bytes);
void sim__flash_erase_page(struct sim_flash *flash, uint32_t address);

/* A small generator of our own: the same bits on every host. */
uint32_t sim__flash_next_random(struct sim_flash *flash);

#endif
