/* One frame's LZMA stream, made by liblzma. */
#ifndef DELTA_FRAME_H
#define DELTA_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_STREAM_MAX 20480 /* of 16 KiB that can't be compressed, with room */

/* Compresses bytes bytes; dictionary is what lies before them. Returns the stream's length, or -1 without
 * memory. */
int frame_compress(const uint8_t *dictionary, size_t dictionary_bytes, const uint8_t *data, size_t bytes,
                   uint8_t to[FRAME_STREAM_MAX]);

#endif
