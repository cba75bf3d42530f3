/* A payload in the encoding lzma-framed (docs/PACKAGE.md, "Encoded payloads"). */
#ifndef DELTA_ENCODE_H
#define DELTA_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "tandem/error.h"

#define DELTA_IMAGE_BYTES_MAX ((uint32_t)256 << 20)

/* Told after each frame; may be NULL. */
typedef void delta_progress_fn(void *ctx, uint64_t done, uint64_t total);

/* Encodes image (un-relocated), as a difference to base, or alone where base_bytes is 0. *payload is from
 * malloc. The same input gives the same bytes. Time and memory grow with the bytes of both: about 14 bytes of
 * memory for each. TDM_OK, TDM_E_ROOM (no memory), TDM_E_SIZE (empty or above DELTA_IMAGE_BYTES_MAX). */
TDM_MUST_USE int delta_encode(uint8_t **payload, size_t *payload_bytes, const uint8_t *image,
                              uint32_t image_bytes, const uint8_t *base, uint32_t base_bytes,
                              delta_progress_fn *progress, void *ctx);

#endif
