#include "delta/frame.h"

#include <string.h>

static bool set_options(lzma_options_lzma *options, const uint8_t *dictionary, size_t dictionary_bytes,
                        size_t bytes)
{
    if (lzma_lzma_preset(options, 9 | LZMA_PRESET_EXTREME))
        return false;
    options->lc = 0;
    options->lp = 0;
    options->pb = 1;
    options->nice_len = 273;
    options->dict_size = (uint32_t)(dictionary_bytes + bytes);
    if (options->dict_size < LZMA_DICT_SIZE_MIN)
        options->dict_size = LZMA_DICT_SIZE_MIN;
    options->preset_dict = dictionary_bytes > 0 ? dictionary : NULL;
    options->preset_dict_size = (uint32_t)dictionary_bytes;
    return true;
}

int frame_compress(const uint8_t *dictionary, size_t dictionary_bytes, const uint8_t *data, size_t bytes,
                   uint8_t to[FRAME_STREAM_MAX])
{
    lzma_options_lzma options;
    lzma_filter filters[] = {{.id = LZMA_FILTER_LZMA1EXT, .options = &options}, {.id = LZMA_VLI_UNKNOWN}};
    size_t written = 0;

    if (!set_options(&options, dictionary, dictionary_bytes, bytes))
        return -1;
    options.ext_flags = 0; /* no end marker: the length is known */
    options.ext_size_low = (uint32_t)bytes;
    options.ext_size_high = 0;
    if (lzma_raw_buffer_encode(filters, NULL, data, bytes, to, &written, FRAME_STREAM_MAX) != LZMA_OK)
        return -1;
    return (int)written;
}

/* --- All frames of an image ---
 * An LZMA2 stream is a row of chunks over one history. A chunk whose models are new holds, behind its head,
 * just the stream of a frame: each flush ends a chunk, and a change of properties makes the models new.
 * Positions (pb) count from elsewhere there, which only swaps two sets of models that are new and alike. */

#define CHUNK_HEAD_BYTES 6    /* control, length - 1 (u16), stream's length - 1 (u16), properties */
#define CHUNK_NEW_MODELS 0xC0 /* control of a chunk with such a head, whose length fits in its u16 */

/* Before a flush liblzma looks for no matches in the last bytes, as many as this. */
#define SERIES_NICE_LENGTH 32

bool frame_series_open(struct frame_series *series, const uint8_t *dictionary, size_t dictionary_bytes,
                       size_t image_bytes)
{
    series->stream = (lzma_stream)LZMA_STREAM_INIT;
    series->filters[0] = (lzma_filter){.id = LZMA_FILTER_LZMA2, .options = &series->options};
    series->filters[1] = (lzma_filter){.id = LZMA_VLI_UNKNOWN};
    if (!set_options(&series->options, dictionary, dictionary_bytes, image_bytes))
        return false;
    series->options.nice_len = SERIES_NICE_LENGTH;
    return lzma_raw_encoder(&series->stream, series->filters) == LZMA_OK;
}

void frame_series_close(struct frame_series *series)
{
    lzma_end(&series->stream);
}

/* There and back: liblzma compares with what the chunk before had. */
static bool renew_models(struct frame_series *series)
{
    for (uint32_t pb = 0; pb <= 1; pb++) {
        series->options.pb = pb;
        if (lzma_filters_update(&series->stream, series->filters) != LZMA_OK)
            return false;
    }
    return true;
}

int frame_series_next(struct frame_series *series, const uint8_t *data, size_t bytes,
                      uint8_t to[FRAME_STREAM_MAX])
{
    uint8_t chunk[CHUNK_HEAD_BYTES + FRAME_STREAM_MAX];
    lzma_stream *stream = &series->stream;
    size_t length;

    stream->next_in = data;
    stream->avail_in = bytes;
    stream->next_out = chunk;
    stream->avail_out = sizeof chunk;
    if (!renew_models(series) || lzma_code(stream, LZMA_SYNC_FLUSH) != LZMA_STREAM_END)
        return -1;
    if (chunk[0] < CHUNK_NEW_MODELS) /* stored: the dictionary was of no use */
        return frame_compress(NULL, 0, data, bytes, to);
    length = sizeof chunk - stream->avail_out - CHUNK_HEAD_BYTES;
    if (chunk[0] & 0x1F || (size_t)(chunk[1] << 8 | chunk[2]) + 1 != bytes)
        return -1;
    memcpy(to, chunk + CHUNK_HEAD_BYTES, length);
    return (int)length;
}
