/* Decoder of payloads in the encoding lzma-framed: compressed images, and differences to a base image
 * (docs/PACKAGE.md, "Encoded payloads").
 *
 * Input is pushed in pieces of any size. There is no window: what a match refers to is read back from the
 * base and from the image so far, through the caller. Nothing here is trusted; the image's digest decides. */
#ifndef TANDEM_UNLZMA_H
#define TANDEM_UNLZMA_H

#include <stdbool.h>
#include <stdint.h>

#include "tandem/error.h"

#define TDM_UNLZMA_FRAME_BYTES  16384
#define TDM_UNLZMA_SEGMENTS_MAX 24

#define TDM_UNLZMA_MODELS 1831 /* adaptive bits of LZMA with lc 0, lp 0, pb 1 */
#define TDM_UNLZMA_INPUT  32   /* holds the longest symbol, 20 bytes; a power of two */
#define TDM_UNLZMA_PIECE  16   /* bytes on their way to the image at most */

/* Effects; each returns TDM_OK or the error that ends the decoding. Called for 1 to TDM_UNLZMA_PIECE bytes
 * at a time. */
struct tdm_unlzma_ops {
    /* Copies un-relocated bytes of the base, or of what write took of the image earlier. TDM_E_PAYLOAD where
     * there are none: offset may be any number. */
    int (*read)(void *ctx, bool base, uint32_t offset, uint8_t *to, uint32_t bytes);
    /* Takes the next bytes of the image; may change them. */
    int (*write)(void *ctx, uint8_t *bytes, uint32_t count);
};

/* A stretch of the frame that the base predicts. */
struct tdm_unlzma_segment {
    uint16_t start; /* in the frame */
    uint16_t end;
    uint32_t shift; /* base offset less image offset */
};

/* Fields are private. First comes what a Cortex-M0 reaches with one instruction: 31 bytes, or 31 words. It
 * has fewer instructions for numbers smaller than words. */
struct tdm_unlzma {
    uint8_t piece[TDM_UNLZMA_PIECE]; /* on its way from where a match refers to, to the image */
    uint8_t state;                   /* of LZMA, 0 to 11 */
    uint8_t segments;                /* of this frame that were read so far, */
    uint8_t wanted;                  /* of so many */
    int error;                       /* the first; nothing is written any more */
    uint32_t put;                    /* bytes put into input, */
    uint32_t taken;                  /* and taken from it */
    uint32_t due;                    /* what both are at the end of the frame's input */
    uint32_t at;                     /* the image byte that is written next */
    uint32_t frame_start;
    uint32_t frame_end;
    uint32_t range;
    uint32_t code;
    uint32_t distance[4]; /* of the last matches, less one */
    const struct tdm_unlzma_ops *ops;
    void *ctx;
    uint32_t base_bytes;
    uint32_t image_bytes;
    uint8_t input[TDM_UNLZMA_INPUT];
    struct tdm_unlzma_segment segment[1 + TDM_UNLZMA_SEGMENTS_MAX]; /* the first is empty */
    uint16_t model[TDM_UNLZMA_MODELS];
};

/* Starts at the frame whose first byte is image byte from, a multiple of TDM_UNLZMA_FRAME_BYTES (0: from the
 * beginning); what lies before is read from the image. base_bytes is 0 without a base. */
void tdm_unlzma_init(struct tdm_unlzma *decoder, const struct tdm_unlzma_ops *ops, void *ctx,
                     uint32_t base_bytes, uint32_t image_bytes, uint32_t from);

/* Takes the next bytes of the payload. TDM_OK; TDM_E_PAYLOAD (not a payload of this encoding, or more of it
 * than the image needs); what the operations return. Once there was an error, it is the answer to every
 * further call. */
TDM_MUST_USE int tdm_unlzma_feed(struct tdm_unlzma *decoder, const uint8_t *data, uint32_t bytes);

/* True once the whole image was written, and there was no error. */
bool tdm_unlzma_done(const struct tdm_unlzma *decoder);

#endif
