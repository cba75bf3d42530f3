/* The LZMA streams of frames, made by liblzma. */
#ifndef DELTA_FRAME_H
#define DELTA_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lzma.h>

#define FRAME_STREAM_MAX 20480 /* of 16 KiB that can't be compressed, with room */

/* Compresses bytes bytes; dictionary is what lies before them, all of which liblzma reads for this one frame.
 * Returns the stream's length, or -1 without memory. */
int frame_compress(const uint8_t *dictionary, size_t dictionary_bytes, const uint8_t *data, size_t bytes,
                   uint8_t to[FRAME_STREAM_MAX]);

/* All frames of an image, each with everything before it as its dictionary, which is read once. */
struct frame_series {
    lzma_stream stream;
    lzma_options_lzma options;
    lzma_filter filters[2];
};

/* dictionary is what lies before the image of image_bytes bytes, and is read here. False without memory.
 * Whatever comes of it, frame_series_close follows; it may be called on zeros, too. */
bool frame_series_open(struct frame_series *series, const uint8_t *dictionary, size_t dictionary_bytes,
                       size_t image_bytes);
void frame_series_close(struct frame_series *series);

/* Compresses the image's next frame, an even number of bytes except for the last one. Returns the stream's
 * length, or -1 without memory. */
int frame_series_next(struct frame_series *series, const uint8_t *data, size_t bytes,
                      uint8_t to[FRAME_STREAM_MAX]);

#endif
