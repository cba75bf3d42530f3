/* Flash in a file, with the rules of NOR flash: erase units, program units, bits that only go from 1 to 0.
 * The key page is write-protected, as the bootloader's area is on a real part. Each operation is one write,
 * so killing the process at any moment leaves it done or not done; torn operations are the simulator's
 * subject. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ports/posix/device.h"
#include "ports/posix/layout.h"

#define PIECE_BYTES 4096u

static bool writable(uint32_t address, size_t bytes)
{
    uint32_t end = LAYOUT_FLASH_ADDRESS + LAYOUT_FLASH_BYTES;

    return address >= LAYOUT_RECORD_0_ADDRESS && address <= end && bytes <= end - address;
}

/* Of an address below the flash it is past the file's end, too. */
static off_t offset_of(uint32_t address)
{
    return (off_t)(address - LAYOUT_FLASH_ADDRESS);
}

static bool write_file(uint32_t address, const void *from, size_t bytes)
{
    const struct device *device = device_attached();
    ssize_t written = pwrite(device->flash, from, bytes, offset_of(address));

    if (written == (ssize_t)bytes)
        return true;
    device_log(device, "tandem-device: flash file: %s",
               written < 0 ? strerror(errno) : "written in part only");
    return false;
}

static int flash_read(void *ctx, uint32_t address, void *to, size_t bytes)
{
    ssize_t got = pread(device_attached()->flash, to, bytes, offset_of(address));

    (void)ctx;
    return got == (ssize_t)bytes ? TDM_OK : TDM_E_FLASH_READ;
}

static bool all_erased(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (data[i] != 0xFF)
            return false;
    return true;
}

static int flash_is_blank(void *ctx, uint32_t address, size_t bytes)
{
    uint8_t piece[PIECE_BYTES];

    while (bytes > 0) {
        size_t count = bytes < sizeof piece ? bytes : sizeof piece;

        if (flash_read(ctx, address, piece, count) != TDM_OK || !all_erased(piece, count))
            return 0;
        address += (uint32_t)count;
        bytes -= count;
    }
    return 1;
}

static int flash_erase(void *ctx, uint32_t address)
{
    uint8_t erased[LAYOUT_ERASE_BYTES];

    (void)ctx;
    if (address % LAYOUT_ERASE_BYTES != 0 || !writable(address, LAYOUT_ERASE_BYTES))
        return TDM_E_FLASH_ERASE;
    memset(erased, 0xFF, sizeof erased);
    return write_file(address, erased, sizeof erased) ? TDM_OK : TDM_E_FLASH_ERASE;
}

/* True if every 1 that is asked for is a 1 already. */
static bool only_clears_bits(uint32_t address, const uint8_t *from, size_t bytes)
{
    uint8_t piece[PIECE_BYTES];

    while (bytes > 0) {
        size_t count = bytes < sizeof piece ? bytes : sizeof piece;

        if (flash_read(NULL, address, piece, count) != TDM_OK)
            return false;
        for (size_t i = 0; i < count; i++)
            if ((from[i] & ~piece[i]) != 0)
                return false;
        address += (uint32_t)count;
        from += count;
        bytes -= count;
    }
    return true;
}

static int flash_program(void *ctx, uint32_t address, const void *from, size_t bytes)
{
    (void)ctx;
    if (address % LAYOUT_PROGRAM_BYTES != 0 || bytes % LAYOUT_PROGRAM_BYTES != 0 || !writable(address, bytes))
        return TDM_E_FLASH_PROGRAM;
    if (!only_clears_bits(address, from, bytes) || !write_file(address, from, bytes))
        return TDM_E_FLASH_PROGRAM;
    return TDM_OK;
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
