#include "tests/core/image/ram_flash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

uint8_t *ram_flash_at(struct ram_flash *ram, uint32_t address)
{
    assert_true(address >= RAM_FLASH_START && address - RAM_FLASH_START <= RAM_FLASH_BYTES);
    return ram->memory + (address - RAM_FLASH_START);
}

static bool touches(const struct ram_flash *ram, uint32_t address, size_t bytes)
{
    return ram->unreadable >= address && ram->unreadable - address < bytes;
}

static int ram_read(void *ctx, uint32_t address, void *to, size_t bytes)
{
    struct ram_flash *ram = ctx;

    assert_true(address - RAM_FLASH_START + bytes <= RAM_FLASH_BYTES);
    if (touches(ram, address, bytes))
        return TDM_E_FLASH_READ;
    memcpy(to, ram_flash_at(ram, address), bytes);
    return TDM_OK;
}

static int ram_erase(void *ctx, uint32_t address)
{
    struct ram_flash *ram = ctx;

    assert_int_equal(address % ram->flash.erase_bytes, 0);
    memset(ram_flash_at(ram, address), 0xFF, ram->flash.erase_bytes);
    return TDM_OK;
}

static int ram_program(void *ctx, uint32_t address, const void *from, size_t bytes)
{
    struct ram_flash *ram = ctx;
    uint8_t *to = ram_flash_at(ram, address);
    const uint8_t *data = from;

    assert_int_equal(address % ram->flash.program_bytes, 0);
    assert_int_equal(bytes % ram->flash.program_bytes, 0);
    assert_true(address - RAM_FLASH_START + bytes <= RAM_FLASH_BYTES);
    while (bytes-- > 0) {
        assert_int_equal(~*to & *data, 0); /* never 0 to 1 */
        *to++ &= *data++;
    }
    return TDM_OK;
}

static int ram_is_blank(void *ctx, uint32_t address, size_t bytes)
{
    struct ram_flash *ram = ctx;

    if (touches(ram, address, bytes))
        return 0;
    while (bytes-- > 0) {
        if (*ram_flash_at(ram, address++) != 0xFF)
            return 0;
    }
    return 1;
}

void ram_flash_init(struct ram_flash *ram)
{
    static const struct tdm_flash_ops ops = {ram_read, ram_erase, ram_program, ram_is_blank};

    memset(ram, 0, sizeof *ram);
    memset(ram->memory, 0xFF, sizeof ram->memory);
    ram->flash.ops = &ops;
    ram->flash.ctx = ram;
    ram->flash.erase_bytes = 1024;
    ram->flash.program_bytes = 8;
    ram->layout.bank[0].address = 0x10000;
    ram->layout.bank[0].bytes = 0x3000;
    ram->layout.bank[1].address = 0x14000;
    ram->layout.bank[1].bytes = 0x3000;
    ram->layout.header_bytes = 1024;
    ram->layout.keys_address = RAM_FLASH_KEYS;
}
