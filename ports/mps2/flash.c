/* Flash: the board's 16 MiB PSRAM, which QEMU keeps in a file. It is RAM, so
 * ports/cortex_m/nor_flash.c is all that makes it flash: erase units, program units, bits that only go from 1
 * to 0. The MPU makes the region read-only for everything else, bootloader and keys included. */
#include <layout.h>

#include "ports/cortex_m/cortex_m.h"
#include "ports/mps2/port.h"
#include "ports/mps2/registers.h"

#define PSRAM_BYTES_LOG2 24u

void port_flash_protect(void)
{
    MPU_REGION = 0;
    MPU_ADDRESS = LAYOUT_FLASH_ADDRESS;
    MPU_ATTRIBUTES = MPU_READ_ONLY | MPU_NORMAL_MEMORY | MPU_SIZE(PSRAM_BYTES_LOG2) | MPU_REGION_ENABLE;
    MPU_CONTROL = MPU_ENABLE | MPU_DEFAULT_MAP;
    barrier();
}

static void unprotect(void)
{
    MPU_CONTROL = 0;
    barrier();
}

static volatile uint32_t *cell(uint32_t address)
{
    return (volatile uint32_t *)address;
}

bool port_flash_erase(uint32_t address)
{
    unprotect();
    for (uint32_t offset = 0; offset < LAYOUT_ERASE_BYTES; offset += 4)
        *cell(address + offset) = 0xFFFFFFFFu;
    port_flash_protect();
    return true;
}

bool port_flash_program(uint32_t address, const uint8_t *from, size_t bytes)
{
    unprotect();
    for (size_t offset = 0; offset < bytes; offset += 4)
        *cell(address + offset) = port_load_word(from + offset);
    port_flash_protect();
    return true;
}
