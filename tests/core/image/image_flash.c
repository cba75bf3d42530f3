#include "tests/core/image/image_flash.h"

#include <string.h>

#define START 0x10000

void image_flash_init(struct ram_flash *ram, struct tdm_layout *layout)
{
    ram_flash_init(ram, START, 1024, 8, false);
    memset(layout, 0, sizeof *layout);
    layout->bank[0].address = START;
    layout->bank[0].bytes = 0x3000;
    layout->bank[1].address = 0x14000;
    layout->bank[1].bytes = 0x3000;
    layout->header_bytes = 1024;
    layout->keys_address = IMAGE_FLASH_KEYS;
}

uint8_t *image_flash_at(struct ram_flash *ram, uint32_t address)
{
    return ram->bytes + (address - ram->base);
}

void image_flash_lose(struct ram_flash *ram, uint32_t address)
{
    memset(ram->unreadable, false, sizeof ram->unreadable);
    if (address != 0)
        ram->unreadable[(address - ram->base) / ram->flash.program_bytes] = true;
}
