/* Which bytes of a base predict which bytes of a new image: the new image is laid along the base in runs. */
#ifndef DELTA_ALIGN_H
#define DELTA_ALIGN_H

#include <stddef.h>
#include <stdint.h>

/* New bytes [start, start + length) resemble base bytes from start + shift on. */
struct align_run {
    uint32_t start;
    uint32_t length;
    int64_t shift;
};

/* Runs in ascending order, without overlap; what is in none has no counterpart. The array is the caller's to
 * free, NULL with a count of 0. 0, or -1 without memory. Deterministic. */
int align(struct align_run **runs, size_t *count, const uint8_t *base, uint32_t base_bytes,
          const uint8_t *image, uint32_t image_bytes);

#endif
