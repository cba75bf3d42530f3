/* Flash as the library sees it: one operations table, absolute addresses, and the layout of a device.
 *
 * No address is dereferenced: whatever the library reads, it reads through the table, so a unit that reads as
 * an ECC error gives an error code and not a fault (docs/BOOT.md, R5). */
#ifndef TANDEM_FLASH_H
#define TANDEM_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tandem/error.h"

struct tdm_flash_ops {
    /* Copies bytes bytes from address, to an address of any alignment. May block for microseconds. Erased
     * flash reads as FF. TDM_OK or TDM_E_FLASH_READ; never faults. */
    int (*read)(void *ctx, uint32_t address, void *to, size_t bytes);

    /* Erases one erase unit that starts at address. May block as long as the part needs (the port feeds the
     * watchdog where that is longer than its period). TDM_OK or TDM_E_FLASH_ERASE. */
    int (*erase)(void *ctx, uint32_t address);

    /* Programs whole program units: address and bytes are multiples of program_bytes, any number of units,
     * wherever the part's rows end; from has any alignment. Never asks for 0 -> 1. TDM_OK or
     * TDM_E_FLASH_PROGRAM. */
    int (*program)(void *ctx, uint32_t address, const void *from, size_t bytes);

    /* 1 if all of it is erased (programmable), 0 if not or not readable. Never faults. */
    int (*is_blank)(void *ctx, uint32_t address, size_t bytes);
};

struct tdm_flash {
    const struct tdm_flash_ops *ops;
    void *ctx;
    uint32_t erase_bytes;   /* erase unit */
    uint32_t program_bytes; /* program unit: a power of two, 1 to TDM_PROGRAM_MAX, divides erase_bytes */
    bool program_once; /* a unit takes one program per erase, or carries ECC: stricter record rules (R3) */
};

#define TDM_PROGRAM_MAX 32

struct tdm_region {
    uint32_t address;
    uint32_t bytes;
};

#define TDM_BANKS   2
#define TDM_NO_BANK 0xFF

/* Where things are. All regions start and end at erase units. */
struct tdm_layout {
    struct tdm_region record[2]; /* the boot record's two units: one erase unit or more each, equal sizes */
    struct tdm_region bank[TDM_BANKS]; /* bank[1].bytes is 0 on a one-bank device */
    uint32_t header_bytes; /* tail of each bank kept for header and confirm mark, whole erase units */
    uint32_t keys_address; /* key page (docs/PACKAGE.md), written at the factory, in the bootloader's area */
};

/* The bank that address lies in, or TDM_NO_BANK. */
uint8_t tdm_layout_bank_at(const struct tdm_layout *layout, uint32_t address);

#endif
