/* The key page (docs/PACKAGE.md, section "Key page"). */
#include "tandem/package.h"

#include <string.h>

#include "core/image/bytes.h"

#define FORMAT_VERSION 1
#define SLOTS_AT       12
#define SLOT_BYTES     (4 + TDM_PUBLIC_KEY_BYTES)
#define CRC_AT         (SLOTS_AT + TDM_KEY_SLOTS * SLOT_BYTES)

static const uint8_t start[5] = {'T', 'D', 'M', 'K', FORMAT_VERSION};

int tdm_keys_parse(struct tdm_key_set *keys, const uint8_t page[TDM_KEY_PAGE_BYTES])
{
    const uint8_t *at = page + SLOTS_AT;
    unsigned slot;

    keys->count = page[5];
    if (memcmp(page, start, sizeof start) != 0 || keys->count == 0 || keys->count > TDM_KEY_SLOTS ||
        tdm_crc32(0, page, CRC_AT) != tdm__load_u32(page + CRC_AT))
        return TDM_E_FORMAT;
    for (slot = 0; slot < TDM_KEY_SLOTS; slot++, at += SLOT_BYTES) {
        keys->key[slot].id = tdm__load_u32(at);
        memcpy(keys->key[slot].point, at + 4, TDM_PUBLIC_KEY_BYTES);
    }
    return TDM_OK;
}

int tdm_keys_load(struct tdm_key_set *keys, const struct tdm_flash *flash, uint32_t address)
{
    uint8_t page[TDM_KEY_PAGE_BYTES];
    int result = flash->ops->read(flash->ctx, address, page, sizeof page);

    return result == TDM_OK ? tdm_keys_parse(keys, page) : result;
}

void tdm_keys_build(const struct tdm_key_set *keys, uint8_t page[TDM_KEY_PAGE_BYTES])
{
    unsigned slot;

    memset(page, 0, TDM_KEY_PAGE_BYTES);
    memcpy(page, start, sizeof start);
    page[5] = keys->count;
    for (slot = 0; slot < keys->count && slot < TDM_KEY_SLOTS; slot++) {
        uint8_t *at = page + SLOTS_AT + slot * SLOT_BYTES;

        tdm__store_u32(at, keys->key[slot].id);
        memcpy(at + 4, keys->key[slot].point, TDM_PUBLIC_KEY_BYTES);
    }
    tdm__store_u32(page + CRC_AT, tdm_crc32(0, page, CRC_AT));
}
