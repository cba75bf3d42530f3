#include "delta/frame.h"

#include <lzma.h>

int frame_compress(const uint8_t *dictionary, size_t dictionary_bytes, const uint8_t *data, size_t bytes,
                   uint8_t to[FRAME_STREAM_MAX])
{
    lzma_options_lzma options;
    lzma_filter filters[] = {{.id = LZMA_FILTER_LZMA1EXT, .options = &options}, {.id = LZMA_VLI_UNKNOWN}};
    size_t written = 0;

    if (lzma_lzma_preset(&options, 9 | LZMA_PRESET_EXTREME))
        return -1;
    options.lc = 0;
    options.lp = 0;
    options.pb = 1;
    options.nice_len = 273;
    options.dict_size = (uint32_t)(dictionary_bytes + bytes);
    if (options.dict_size < LZMA_DICT_SIZE_MIN)
        options.dict_size = LZMA_DICT_SIZE_MIN;
    options.preset_dict = dictionary_bytes > 0 ? dictionary : NULL;
    options.preset_dict_size = (uint32_t)dictionary_bytes;
    options.ext_flags = 0; /* no end marker: the length is known */
    options.ext_size_low = (uint32_t)bytes;
    options.ext_size_high = 0;
    if (lzma_raw_buffer_encode(filters, NULL, data, bytes, to, &written, FRAME_STREAM_MAX) != LZMA_OK)
        return -1;
    return (int)written;
}
