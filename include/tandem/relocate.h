/* Relocations: the table of docs/PACKAGE.md, read from flash at random or in order, and applied while bytes
 * pass by. */
#ifndef TANDEM_RELOCATE_H
#define TANDEM_RELOCATE_H

#include <stddef.h>
#include <stdint.h>

#include "tandem/flash.h"
#include "tandem/package.h"

#define TDM_RELOCATION_BLOCK 4096 /* bytes of image per index entry */

/* Reads table bytes: offset within the table. TDM_OK or an error that ends the walk. */
typedef int tdm_table_read_fn(void *ctx, uint32_t offset, void *to, size_t bytes);

/* A cursor over the sites of one table, in ascending order. Fields are private. */
struct tdm_relocations {
    tdm_table_read_fn *read;
    void *ctx;
    uint32_t image_bytes;
    uint32_t table_bytes;
    uint32_t count;
    uint32_t next;      /* site, or UINT32_MAX after the last */
    uint32_t block;     /* block that next lies in */
    uint32_t stream;    /* offset in the table of the code after next */
    uint32_t block_end; /* offset in the table where the block's codes end */
    uint32_t seen;      /* sites so far, from where the cursor was positioned */
};

/* Positions the cursor at the first site >= from. TDM_E_RELOCATIONS where the table is not canonical, and
 * what read returns. */
TDM_MUST_USE int tdm_relocations_seek(struct tdm_relocations *r, tdm_table_read_fn *read, void *ctx,
                                      const struct tdm_manifest *manifest, uint32_t from);

/* The same in two steps: opens a cursor without reading anything; places one that was opened, as often as
 * wanted. */
void tdm_relocations_open(struct tdm_relocations *r, tdm_table_read_fn *read, void *ctx,
                          const struct tdm_manifest *manifest);
TDM_MUST_USE int tdm_relocations_move(struct tdm_relocations *r, uint32_t from);

/* Moves to the next site. TDM_E_RELOCATIONS, and what read returns. */
TDM_MUST_USE int tdm_relocations_next(struct tdm_relocations *r);

/* Walks the whole table: every site 4-aligned, strictly ascending, inside the image, canonical encoding,
 * count as the manifest says. TDM_OK or TDM_E_RELOCATIONS. */
TDM_MUST_USE int tdm_relocations_check(tdm_table_read_fn *read, void *ctx,
                                       const struct tdm_manifest *manifest);

/* Adds delta (bank address - link address; its negative undoes it) to every site's word in data, which are
 * image bytes [offset, offset + bytes). offset and bytes are multiples of 4, except that the image's last
 * piece may end anywhere. */
TDM_MUST_USE int tdm_relocations_apply(struct tdm_relocations *r, uint32_t delta, uint32_t offset,
                                       uint8_t *data, size_t bytes);

/* Host side: encodes count ascending sites. Returns the table's bytes, TDM_E_ROOM, or TDM_E_ARGUMENT
 * (unaligned, not ascending, outside the image). */
TDM_MUST_USE long tdm_relocations_encode(const uint32_t *sites, uint32_t count, uint32_t image_bytes,
                                         uint8_t *to, size_t capacity);

#endif
