/* Encoded packages on the device: compressed ones, and deltas to the image that runs (docs/PACKAGE.md,
 * "Encoded payloads"). A client takes them if its configuration names the decoder and gives it memory:
 *
 *     static struct tdm_mcu_decoding decoding;
 *     config.decoder = &tdm_mcu_decodes;
 *     config.decoding = &decoding;
 *
 * A client that does not links nothing of it, and refuses such a package before anything is erased. */
#ifndef TANDEM_DECODE_H
#define TANDEM_DECODE_H

#include "tandem/mcu.h"
#include "tandem/unlzma.h"

extern const struct tdm_mcu_decoder tdm_mcu_decodes;

/* An image in a bank, to be read as it was signed. */
struct tdm_mcu_source {
    uint32_t image; /* address */
    uint32_t table;
    uint32_t delta; /* what its sites have on top */
    uint32_t at;    /* image offset that the cursor has come to */
    struct tdm_relocations sites;
};

/* Fields are private. */
struct tdm_mcu_decoding {
    struct tdm_mcu_source base;
    struct tdm_mcu_source image;
    union {
        struct tdm_unlzma unlzma;
        struct { /* before it starts, the base's header is read here */
            struct tdm_manifest manifest;
            uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
        } peek;
    } u;
};

#endif
