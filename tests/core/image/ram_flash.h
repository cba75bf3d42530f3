/* Flash in RAM that keeps the rules of the real one: erased bytes are 0xFF, programming takes whole units and
 * only clears bits, and a range may read as an error. Holds the layout that image_vectors.py uses. */
#ifndef TANDEM_TESTS_RAM_FLASH_H
#define TANDEM_TESTS_RAM_FLASH_H

#include "tandem/flash.h"

#define RAM_FLASH_START 0x10000
#define RAM_FLASH_BYTES 0x8000
#define RAM_FLASH_KEYS  0x17000

struct ram_flash {
    struct tdm_flash flash;
    struct tdm_layout
        layout;          /* banks of 12 KiB at 0x10000 and 0x14000, header area 1 KiB, units of 8 bytes */
    uint32_t unreadable; /* address of a byte that reads as an error, 0 for none */
    uint8_t memory[RAM_FLASH_BYTES];
};

void ram_flash_init(struct ram_flash *ram);

/* The byte at address, to look at or to damage. */
uint8_t *ram_flash_at(struct ram_flash *ram, uint32_t address);

#endif
