/* Flash: the part's own, through its controller (NVMC). Nothing is written while the controller is not told
 * to allow it, so a stray store does no harm. A page erase takes 22 ms and a word 46 us; the processor stands
 * still meanwhile, and the UART keeps six bytes. Two writes per word and erase are allowed. */
#include <layout.h>

#include "ports/cortex_m/cortex_m.h"
#include "ports/nrf51/port.h"
#include "ports/nrf51/registers.h"

#define READY_LIMIT                                                                                          \
    1000000u /* polls; the controller holds the processor, so one or two are what it takes                   \
              */

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

bool port_flash_erase(uint32_t address)
{
    bool done;

    allow(NVMC_ERASE);
    NVMC_ERASE_PAGE = address;
    done = wait_ready();
    allow(NVMC_READ_ONLY);
    return done;
}

bool port_flash_program(uint32_t address, const uint8_t *from, size_t bytes)
{
    bool done = true;

    allow(NVMC_WRITE);
    for (size_t offset = 0; offset < bytes && done; offset += 4) {
        *cell(address + offset) = port_load_word(from + offset);
        done = wait_ready();
    }
    allow(NVMC_READ_ONLY);
    return done;
}
