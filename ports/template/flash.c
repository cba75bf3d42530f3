/* Flash. Where yours is read like memory and has no ECC, take ports/cortex_m/nor_flash.c: then only erasing a
 * unit and programming units remain (ports/nrf51/flash.c). Else, here the checks of addresses are written
 * out; the four places that touch the part return errors until they are filled in, which the library treats
 * as flash that does not work: nothing is lost, and nothing is updated.
 *
 * No address is trusted, and no read faults. On a part with ECC a torn unit reads as an error: catch it (a
 * status flag, a bus-fault handler that skips the load) and return TDM_E_FLASH_READ. */
#include <layout.h>

#include "port.h"

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

/* Owed: the bytes, past any cache that could hold what was there before an erase. */
static int flash_read(void *ctx, uint32_t address, void *to, size_t bytes)
{
    (void)ctx;
    (void)to;
    if (!readable(address, bytes))
        return TDM_E_FLASH_READ;
    return TDM_E_FLASH_READ;
}

/* Owed: one erase unit, read back as blank before TDM_OK; a limit on every wait for the controller; the
 * watchdog fed if a unit takes longer than its period; interrupts whose code is in the flash under erase held
 * off where the part stalls or faults on them. */
static int flash_erase(void *ctx, uint32_t address)
{
    (void)ctx;
    if (address % LAYOUT_ERASE_BYTES != 0 || !writable(address, LAYOUT_ERASE_BYTES))
        return TDM_E_FLASH_ERASE;
    return TDM_E_FLASH_ERASE;
}

/* Owed: whole program units, in ascending order, read back before TDM_OK; a request for 0 -> 1 refused before
 * anything is written; the same limit on waits. */
static int flash_program(void *ctx, uint32_t address, const void *from, size_t bytes)
{
    (void)ctx;
    (void)from;
    if (address % LAYOUT_PROGRAM_BYTES != 0 || bytes % LAYOUT_PROGRAM_BYTES != 0 || !writable(address, bytes))
        return TDM_E_FLASH_PROGRAM;
    return TDM_E_FLASH_PROGRAM;
}

/* Owed: 1 if every unit was erased and not programmed since. Where the part has a blank check, use it: a unit
 * programmed with all ones reads as FF and is not blank. 0 where it can't be read. */
static int flash_is_blank(void *ctx, uint32_t address, size_t bytes)
{
    (void)ctx;
    if (!readable(address, bytes))
        return 0;
    return 0;
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
