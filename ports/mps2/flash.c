/* Flash: the board's 16 MiB PSRAM, which QEMU keeps in a file. It is RAM, so the rules of NOR flash are kept
 * here, as strictly as a real part would: erase units, program units, bits that only go from 1 to 0. The MPU
 * makes the region read-only for everything else, and bootloader and keys are write-protected. */
#include <string.h>

#include <layout.h>

#include "ports/mps2/port.h"
#include "ports/mps2/registers.h"

#define PSRAM_BYTES_LOG2 24u

static bool inside(uint32_t address, size_t bytes, uint32_t start, uint32_t end)
{
    return address >= start && address <= end && bytes <= end - address;
}

static bool readable(uint32_t address, size_t bytes)
{
    return inside(address, bytes, LAYOUT_FLASH_ADDRESS, LAYOUT_FLASH_ADDRESS + LAYOUT_FLASH_BYTES);
}

static bool writable(uint32_t address, size_t bytes)
{
    return inside(address, bytes, LAYOUT_RECORD_0_ADDRESS, LAYOUT_FLASH_ADDRESS + LAYOUT_FLASH_BYTES);
}

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

static uint32_t word_from(const uint8_t *from)
{
    uint32_t word;

    memcpy(&word, from, sizeof word);
    return word;
}

static volatile uint32_t *cell(uint32_t address)
{
    return (volatile uint32_t *)address;
}

static int flash_read(void *ctx, uint32_t address, void *to, size_t bytes)
{
    (void)ctx;
    if (!readable(address, bytes))
        return TDM_E_FLASH_READ;
    memcpy(to, (const void *)address, bytes);
    return TDM_OK;
}

static int flash_is_blank(void *ctx, uint32_t address, size_t bytes)
{
    const uint8_t *at = (const uint8_t *)address;

    (void)ctx;
    if (!readable(address, bytes))
        return 0;
    while (bytes-- > 0)
        if (*at++ != 0xFF)
            return 0;
    return 1;
}

static int flash_erase(void *ctx, uint32_t address)
{
    if (address % LAYOUT_ERASE_BYTES != 0 || !writable(address, LAYOUT_ERASE_BYTES))
        return TDM_E_FLASH_ERASE;
    unprotect();
    for (uint32_t offset = 0; offset < LAYOUT_ERASE_BYTES; offset += 4)
        *cell(address + offset) = 0xFFFFFFFFu;
    port_flash_protect();
    return flash_is_blank(ctx, address, LAYOUT_ERASE_BYTES) ? TDM_OK : TDM_E_FLASH_ERASE;
}

static bool asks_for_zero_to_one(uint32_t address, const uint8_t *from, size_t bytes)
{
    for (size_t offset = 0; offset < bytes; offset += 4)
        if ((word_from(from + offset) & ~*cell(address + offset)) != 0)
            return true;
    return false;
}

static int flash_program(void *ctx, uint32_t address, const void *from, size_t bytes)
{
    const uint8_t *data = from;

    (void)ctx;
    if (address % LAYOUT_PROGRAM_BYTES != 0 || bytes % LAYOUT_PROGRAM_BYTES != 0 || !writable(address, bytes))
        return TDM_E_FLASH_PROGRAM;
    if (asks_for_zero_to_one(address, data, bytes))
        return TDM_E_FLASH_PROGRAM;
    unprotect();
    for (size_t offset = 0; offset < bytes; offset += 4)
        *cell(address + offset) = word_from(data + offset);
    port_flash_protect();
    return memcmp((const void *)address, from, bytes) == 0 ? TDM_OK : TDM_E_FLASH_PROGRAM;
}

static const struct tdm_flash_ops operations = {
    .read = flash_read,
    .erase = flash_erase,
    .program = flash_program,
    .is_blank = flash_is_blank,
};

static const struct tdm_flash flash = {
    .ops = &operations,
    .erase_bytes = LAYOUT_ERASE_BYTES,
    .program_bytes = LAYOUT_PROGRAM_BYTES,
};

const struct tdm_flash *board_flash(void)
{
    return &flash;
}
