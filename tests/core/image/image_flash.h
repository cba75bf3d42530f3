/* tests/support's flash in RAM with the layout that image_vectors.py uses. */
#ifndef TANDEM_TESTS_IMAGE_FLASH_H
#define TANDEM_TESTS_IMAGE_FLASH_H

#include "tests/support/ram_flash.h"

#define IMAGE_FLASH_KEYS 0x17000

/* Banks of 12 KiB at 0x10000 and 0x14000, header area 1 KiB, program units of 8 bytes; all erased. */
void image_flash_init(struct ram_flash *ram, struct tdm_layout *layout);

/* The byte at address, to damage it past all rules. */
uint8_t *image_flash_at(struct ram_flash *ram, uint32_t address);

/* The program unit that holds address reads as an error, and no other does; with 0 none. */
void image_flash_lose(struct ram_flash *ram, uint32_t address);

#endif
