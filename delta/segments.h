/* The segments of one frame: how the base predicts it. */
#ifndef DELTA_SEGMENTS_H
#define DELTA_SEGMENTS_H

#include "delta/align.h"
#include "tandem/unlzma.h"

#define SEGMENTS_BYTES_MAX (1 + TDM_UNLZMA_SEGMENTS_MAX * 15)

/* Starts count from the frame's first byte. */
struct segments {
    struct align_run segment[TDM_UNLZMA_SEGMENTS_MAX];
    unsigned count;
};

/* What is laid along the base (delta/align.h). */
struct aligned {
    const uint8_t *base;
    uint32_t base_bytes;
    const uint8_t *image;
    const struct align_run *runs;
    size_t run_count;
};

/* Cuts the runs to the frame [start, start + bytes). Where there are too many, those go that predict least.
 */
void segments_cut(struct segments *segments, const struct aligned *aligned, uint32_t start, uint32_t bytes);

/* Writes the frame's bytes less their predictions. */
void segments_apply(const struct segments *segments, const struct aligned *aligned, uint32_t start,
                    uint32_t bytes, uint8_t *to);

/* Writes the list as it stands in the frame; returns its length. */
size_t segments_write(const struct segments *segments, uint8_t to[SEGMENTS_BYTES_MAX]);

#endif
