/* Flash: the part's own, through its controller (NVMC). Nothing is written while the controller is not told
 * to allow it, so a stray store does no harm. A page erase takes 22 ms and a word 46 us; the processor stands
 * still meanwhile, and the UART keeps six bytes. Two writes per word and erase are allowed. */
#include <string.h>

#include <layout.h>

#include "ports/nrf51/port.h"
#include "ports/nrf51/registers.h"

#define READY_LIMIT                                                                                          \
    1000000u /* polls; the controller holds the processor, so one or two are what it takes                   \
              */

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
    MPU_PROTECT_IN_DEBUG = 0;
    MPU_PROTECT_0 = (1u << (LAYOUT_RECORD_0_ADDRESS / MPU_PROTECT_BLOCK)) - 1u;
}

static bool wait_ready(void)
{
    uint32_t polls = READY_LIMIT;

    while ((NVMC_READY & 1u) == 0)
        if (polls-- == 0)
            return false;
    return true;
}

static void allow(uint32_t what)
{
    NVMC_CONFIG = what;
    barrier();
}

static volatile uint32_t *cell(uint32_t address)
{
    return (volatile uint32_t *)address;
}

static uint32_t word_from(const uint8_t *from)
{
    uint32_t word;

    memcpy(&word, from, sizeof word);
    return word;
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
    bool done;

    if (address % LAYOUT_ERASE_BYTES != 0 || !writable(address, LAYOUT_ERASE_BYTES))
        return TDM_E_FLASH_ERASE;
    allow(NVMC_ERASE);
    NVMC_ERASE_PAGE = address;
    done = wait_ready();
    allow(NVMC_READ_ONLY);
    return done && flash_is_blank(ctx, address, LAYOUT_ERASE_BYTES) ? TDM_OK : TDM_E_FLASH_ERASE;
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
    bool done = true;

    (void)ctx;
    if (address % LAYOUT_PROGRAM_BYTES != 0 || bytes % LAYOUT_PROGRAM_BYTES != 0 || !writable(address, bytes))
        return TDM_E_FLASH_PROGRAM;
    if (asks_for_zero_to_one(address, data, bytes))
        return TDM_E_FLASH_PROGRAM;
    allow(NVMC_WRITE);
    for (size_t offset = 0; offset < bytes && done; offset += 4) {
        *cell(address + offset) = word_from(data + offset);
        done = wait_ready();
    }
    allow(NVMC_READ_ONLY);
    return done && memcmp((const void *)address, from, bytes) == 0 ? TDM_OK : TDM_E_FLASH_PROGRAM;
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
