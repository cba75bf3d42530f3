/* The flash table for flash that is read like memory and has no ECC: no address is trusted, bits only go from
 * 1 to 0, and what was written is read back. How a unit is erased and programmed is the port's. */
#include <string.h>

#include <layout.h>

#include "ports/cortex_m/cortex_m.h"

static bool inside(uint32_t address, size_t bytes, uint32_t start, uint32_t end)
{
    return address >= start && address <= end && bytes <= end - address;
}

static bool readable(uint32_t address, size_t bytes)
{
    return inside(address, bytes, LAYOUT_FLASH_ADDRESS, LAYOUT_FLASH_ADDRESS + LAYOUT_FLASH_BYTES);
}

/* True where none of the two shares a byte. */
static bool apart(uint32_t address, size_t bytes, uint32_t start, uint32_t size)
{
    return address >= start + size || start >= address + bytes;
}

/* Bootloader and keys are never written from here, wherever the layout has them. */
static bool writable(uint32_t address, size_t bytes)
{
    return readable(address, bytes) &&
           apart(address, bytes, LAYOUT_BOOTLOADER_ADDRESS, LAYOUT_BOOTLOADER_BYTES) &&
           apart(address, bytes, LAYOUT_KEYS_ADDRESS, LAYOUT_ERASE_BYTES);
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
    return port_flash_erase(address) && flash_is_blank(ctx, address, LAYOUT_ERASE_BYTES) ? TDM_OK
                                                                                         : TDM_E_FLASH_ERASE;
}

static bool asks_for_zero_to_one(uint32_t address, const uint8_t *from, size_t bytes)
{
    const uint8_t *there = (const uint8_t *)address;

    while (bytes-- > 0)
        if ((*from++ & ~*there++) != 0)
            return true;
    return false;
}

static int flash_program(void *ctx, uint32_t address, const void *from, size_t bytes)
{
    (void)ctx;
    if (address % LAYOUT_PROGRAM_BYTES != 0 || bytes % LAYOUT_PROGRAM_BYTES != 0 ||
        !writable(address, bytes) || asks_for_zero_to_one(address, from, bytes))
        return TDM_E_FLASH_PROGRAM;
    return port_flash_program(address, from, bytes) && memcmp((const void *)address, from, bytes) == 0
               ? TDM_OK
               : TDM_E_FLASH_PROGRAM;
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
    .program_once = LAYOUT_PROGRAM_ONCE,
};

const struct tdm_flash *board_flash(void)
{
    return &flash;
}
