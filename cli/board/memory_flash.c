#include "cli/board/memory_flash.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/files.h"

#define ERASED 0xFF

/* Where [address, address + bytes) is, or NULL if not all of it is in the flash. */
static uint8_t *at(const struct memory_flash *memory, uint32_t address, size_t bytes)
{
    const struct tdm_region *flash = &memory->layout->flash;
    uint32_t offset = address - flash->address;

    if (address < flash->address || offset > flash->bytes || bytes > flash->bytes - offset)
        return NULL;
    return memory->bytes + offset;
}

static int read(void *ctx, uint32_t address, void *to, size_t bytes)
{
    const uint8_t *from = at(ctx, address, bytes);

    if (!from)
        return TDM_E_FLASH_READ;
    memcpy(to, from, bytes);
    return TDM_OK;
}

static int erase(void *ctx, uint32_t address)
{
    const struct memory_flash *memory = ctx;
    uint32_t unit = memory->layout->erase_bytes;
    uint8_t *to = at(memory, address, unit);

    if (!to || (address - memory->layout->flash.address) % unit != 0)
        return TDM_E_FLASH_ERASE;
    memset(to, ERASED, unit);
    return TDM_OK;
}

static int program(void *ctx, uint32_t address, const void *from, size_t bytes)
{
    const struct memory_flash *memory = ctx;
    uint32_t unit = memory->layout->program_bytes;
    const uint8_t *data = from;
    uint8_t *to = at(memory, address, bytes);

    if (!to || address % unit != 0 || bytes % unit != 0)
        return TDM_E_FLASH_PROGRAM;
    for (size_t i = 0; i < bytes; i++) {
        if ((to[i] & data[i]) != data[i])
            return TDM_E_FLASH_PROGRAM;
        to[i] = data[i];
    }
    return TDM_OK;
}

static int is_blank(void *ctx, uint32_t address, size_t bytes)
{
    const uint8_t *from = at(ctx, address, bytes);

    for (size_t i = 0; from && i < bytes; i++) {
        if (from[i] != ERASED)
            return 0;
    }
    return from != NULL;
}

static const struct tdm_flash_ops ops = {read, erase, program, is_blank};

void memory_flash_open(struct memory_flash *memory, const struct board_layout *layout)
{
    memory->layout = layout;
    memory->bytes = memory_take(layout->flash.bytes);
    memset(memory->bytes, ERASED, layout->flash.bytes);
    memory->flash = (struct tdm_flash){.ops = &ops,
                                       .ctx = memory,
                                       .erase_bytes = layout->erase_bytes,
                                       .program_bytes = layout->program_bytes,
                                       .program_once = layout->program_once};
}

void memory_flash_close(struct memory_flash *memory)
{
    free(memory->bytes);
    memory->bytes = NULL;
}

int memory_flash_put(struct memory_flash *memory, uint32_t address, const void *from, size_t bytes)
{
    size_t unit = memory->layout->program_bytes;
    size_t whole = (bytes + unit - 1) / unit * unit;
    uint8_t *padded = memory_take(whole);
    int rc;

    memset(padded, ERASED, whole);
    memcpy(padded, from, bytes);
    rc = program(memory, address, padded, whole);
    free(padded);
    return rc;
}
