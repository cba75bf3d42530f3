/* Making a relocation table; for hosts. The walk back is in relocate.c. */
#include "tandem/relocate.h"

#include "core/image/bytes.h"

struct encoder {
    uint8_t *to;
    size_t capacity;
    size_t length;
    uint32_t index_bytes;
};

static bool sites_valid(const uint32_t *sites, uint32_t count, uint32_t image_bytes)
{
    uint32_t i;

    if (image_bytes < 4)
        return count == 0;
    for (i = 0; i < count; i++) {
        if (sites[i] % 4 != 0 || sites[i] > image_bytes - 4 || (i > 0 && sites[i] <= sites[i - 1]))
            return false;
    }
    return true;
}

static int put_code(struct encoder *e, uint32_t code)
{
    size_t bytes = code < 0x80 ? 1 : 2;

    if (e->capacity - e->length < bytes)
        return TDM_E_ROOM;
    if (bytes == 2) {
        e->to[e->length++] = (uint8_t)(0x80 | (code & 0x7F));
        code >>= 7;
    }
    e->to[e->length++] = (uint8_t)code;
    return TDM_OK;
}

/* Codes the sites of one block. Returns how many there were, or TDM_E_ROOM. */
static long put_block(struct encoder *e, uint32_t block, const uint32_t *sites, uint32_t count)
{
    uint32_t expected = 0; /* word number that a code of 0 means */
    uint32_t i;

    tdm__store_u32(e->to + 4 * block, (uint32_t)e->length - e->index_bytes);
    for (i = 0; i < count && sites[i] / TDM_RELOCATION_BLOCK == block; i++) {
        uint32_t word = sites[i] % TDM_RELOCATION_BLOCK / 4;

        if (put_code(e, word - expected) != TDM_OK)
            return TDM_E_ROOM;
        expected = word + 1;
    }
    return (long)i;
}

long tdm_relocations_encode(const uint32_t *sites, uint32_t count, uint32_t image_bytes, uint8_t *to,
                            size_t capacity)
{
    struct encoder e = {to, capacity, 0, 0};
    uint32_t blocks;
    uint32_t block;
    uint32_t done = 0;

    if (!sites_valid(sites, count, image_bytes))
        return TDM_E_ARGUMENT;
    if (count == 0)
        return 0;
    blocks = (image_bytes - 1) / TDM_RELOCATION_BLOCK + 1;
    e.index_bytes = 4 * blocks;
    if (capacity < e.index_bytes)
        return TDM_E_ROOM;
    e.length = e.index_bytes;
    for (block = 0; block < blocks; block++) {
        long coded = put_block(&e, block, sites + done, count - done);

        if (coded < 0)
            return coded;
        done += (uint32_t)coded;
    }
    return (long)e.length;
}
