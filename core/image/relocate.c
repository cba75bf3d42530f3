/* Walking and applying a relocation table (docs/PACKAGE.md, section "Relocation table").
 *
 *     [ index: one u32 per block ][ codes of block 0 ][ codes of block 1 ] ...
 *                                                ^stream  ^block_end
 *
 * Invariants: the cursor reads nothing outside of the table; stream <= block_end <= table_bytes; next is a
 * whole word inside the image, or UINT32_MAX. Each breach of the canonical form that can be seen from where
 * the cursor is ends the walk. */
#include "tandem/relocate.h"

#include "core/image/bytes.h"

#define WORDS_PER_BLOCK (TDM_RELOCATION_BLOCK / 4)
#define NO_SITE         UINT32_MAX

static uint32_t blocks(const struct tdm_relocations *r)
{
    return (r->image_bytes - 1) / TDM_RELOCATION_BLOCK + 1;
}

/* Where in the table the codes of block start; the end of the table for the block after the last. */
static int block_start(const struct tdm_relocations *r, uint32_t block, uint32_t *start)
{
    uint32_t index_bytes = 4 * blocks(r);
    uint8_t entry[4];
    int result;

    if (block == blocks(r)) {
        *start = r->table_bytes;
        return TDM_OK;
    }
    result = r->read(r->ctx, 4 * block, entry, sizeof entry);
    if (result != TDM_OK)
        return result;
    *start = tdm__load_u32(entry);
    if (*start > r->table_bytes - index_bytes || (block == 0 && *start != 0))
        return TDM_E_RELOCATIONS;
    *start += index_bytes;
    return TDM_OK;
}

/* Places the cursor at the first code of block. */
static int enter(struct tdm_relocations *r, uint32_t block)
{
    int result;

    r->block = block;
    result = block_start(r, block, &r->stream);
    if (result == TDM_OK)
        result = block_start(r, block + 1, &r->block_end);
    if (result == TDM_OK && r->block_end < r->stream)
        return TDM_E_RELOCATIONS;
    return result;
}

/* Reads the code at stream: one byte below 128, or two in the shortest form only. */
static int read_code(struct tdm_relocations *r, uint32_t *code)
{
    uint8_t bytes[2];
    size_t count = r->block_end - r->stream > 1 ? 2 : 1;
    int result = r->read(r->ctx, r->stream, bytes, count);

    if (result != TDM_OK)
        return result;
    *code = bytes[0];
    r->stream++;
    if (*code < 0x80)
        return TDM_OK;
    if (count < 2 || bytes[1] == 0 || bytes[1] > 7)
        return TDM_E_RELOCATIONS;
    *code = (*code & 0x7F) | (uint32_t)bytes[1] << 7;
    r->stream++;
    return TDM_OK;
}

/* Decodes the site whose word number in the current block is word or more; goes on to later blocks, whose
 * words start at 0, when this one has no more. */
static int step(struct tdm_relocations *r, uint32_t word)
{
    uint32_t code;
    int result;

    while (r->stream == r->block_end) {
        if (r->block + 1 == blocks(r)) {
            r->next = NO_SITE;
            return TDM_OK;
        }
        word = 0;
        result = enter(r, r->block + 1);
        if (result != TDM_OK)
            return result;
    }
    result = read_code(r, &code);
    if (result != TDM_OK)
        return result;
    word += code;
    if (word >= WORDS_PER_BLOCK)
        return TDM_E_RELOCATIONS;
    r->next = r->block * TDM_RELOCATION_BLOCK + 4 * word;
    r->seen++;
    if (r->next > r->image_bytes - 4 || r->seen > r->count)
        return TDM_E_RELOCATIONS;
    return TDM_OK;
}

int tdm_relocations_next(struct tdm_relocations *r)
{
    if (r->next == NO_SITE)
        return TDM_OK;
    return step(r, r->next % TDM_RELOCATION_BLOCK / 4 + 1);
}

void tdm_relocations_open(struct tdm_relocations *r, tdm_table_read_fn *read, void *ctx,
                          const struct tdm_manifest *manifest)
{
    r->read = read;
    r->ctx = ctx;
    r->image_bytes = manifest->image_bytes;
    r->table_bytes = manifest->relocation_bytes;
    r->count = manifest->relocation_count;
}

int tdm_relocations_move(struct tdm_relocations *r, uint32_t from)
{
    int result;

    r->seen = 0;
    r->next = NO_SITE;
    if (r->count == 0 || from >= r->image_bytes)
        return TDM_OK;
    if (r->image_bytes < 4 || r->table_bytes / 4 < blocks(r))
        return TDM_E_RELOCATIONS;

    result = enter(r, from / TDM_RELOCATION_BLOCK);
    if (result == TDM_OK)
        result = step(r, 0);
    while (result == TDM_OK && r->next < from)
        result = tdm_relocations_next(r);
    return result;
}

int tdm_relocations_seek(struct tdm_relocations *r, tdm_table_read_fn *read, void *ctx,
                         const struct tdm_manifest *manifest, uint32_t from)
{
    tdm_relocations_open(r, read, ctx, manifest);
    return tdm_relocations_move(r, from);
}

int tdm_relocations_check(tdm_table_read_fn *read, void *ctx, const struct tdm_manifest *manifest)
{
    struct tdm_relocations r;
    int result = tdm_relocations_seek(&r, read, ctx, manifest, 0);

    while (result == TDM_OK && r.next != NO_SITE)
        result = tdm_relocations_next(&r);
    if (result == TDM_OK && r.seen != r.count)
        return TDM_E_RELOCATIONS;
    return result;
}

int tdm_relocations_apply(struct tdm_relocations *r, uint32_t delta, uint32_t offset, uint8_t *data,
                          size_t bytes)
{
    int result = TDM_OK;

    while (result == TDM_OK && r->next != NO_SITE && r->next < offset)
        result = tdm_relocations_next(r);
    while (result == TDM_OK && r->next != NO_SITE && r->next - offset < bytes) {
        uint8_t *word = data + (r->next - offset);

        if (bytes - (r->next - offset) < 4)
            return TDM_E_ARGUMENT;
        tdm__store_u32(word, tdm__load_u32(word) + delta);
        result = tdm_relocations_next(r);
    }
    return result;
}
