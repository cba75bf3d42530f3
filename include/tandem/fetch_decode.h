/* Compressed packages for a bootloader that fetches (docs/PACKAGE.md, "Encoded payloads"), named by the
 * decoder and decoding of struct tdm_fetch_product. A difference has no base here: it would be overwritten.
 */
#ifndef TANDEM_FETCH_DECODE_H
#define TANDEM_FETCH_DECODE_H

#include "tandem/fetch.h"
#include "tandem/unlzma.h"

extern const struct tdm_fetch_decoder tdm_fetch_decodes;

/* Fields are private. */
struct tdm_fetch_decoding {
    uint32_t placed; /* bytes of the image that were given to flash, */
    uint32_t filled; /* and those behind them that wait for a whole block */
    uint8_t block[TDM_PROGRAM_MAX];
    struct tdm_unlzma unlzma;
};

#endif
