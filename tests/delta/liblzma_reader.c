#include "tests/delta/liblzma_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lzma.h>

#define FRAME 16384

struct input {
    const uint8_t *at;
    const uint8_t *end;
};

static uint32_t leb128(struct input *in)
{
    uint32_t value = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        assert_true(in->at < in->end);
        value |= (uint32_t)(*in->at & 0x7F) << shift;
        if (*in->at++ < 0x80)
            return value;
    }
    fail_msg("a number of more than five bytes");
    return 0;
}

/* The predictions of one frame: 0 where there is none. */
static unsigned predictions(uint8_t prediction[FRAME], struct input *in, uint32_t start, uint32_t frame,
                            const uint8_t *base, uint32_t base_bytes)
{
    unsigned count = *in->at++;
    uint32_t end = 0;
    uint32_t shift = 0;

    assert_true(count <= 24);
    memset(prediction, 0, FRAME);
    for (unsigned i = 0; i < count; i++) {
        uint32_t from = end + leb128(in);
        uint32_t length = leb128(in);
        uint32_t zigzag = leb128(in);

        uint32_t at;

        shift += zigzag % 2 ? 0u - (zigzag / 2 + 1) : zigzag / 2;
        at = start + from + shift;
        assert_true(length > 0 && from + length <= frame);
        assert_true(at <= base_bytes && length <= base_bytes - at);
        memcpy(prediction + from, base + at, length);
        end = from + length;
    }
    return count;
}

/* What the stream gives, by liblzma's own decoder. */
static void decode(uint8_t *to, uint32_t frame, const struct input *in, const uint8_t *dictionary,
                   size_t dictionary_bytes)
{
    lzma_options_lzma options = {.dict_size = (uint32_t)(dictionary_bytes + frame + 4096),
                                 .preset_dict = dictionary_bytes > 0 ? dictionary : NULL,
                                 .preset_dict_size = (uint32_t)dictionary_bytes,
                                 .pb = 1,
                                 .ext_size_low = frame};
    lzma_filter filters[] = {{.id = LZMA_FILTER_LZMA1EXT, .options = &options}, {.id = LZMA_VLI_UNKNOWN}};
    size_t read = 0;
    size_t written = 0;

    assert_int_equal(
        lzma_raw_buffer_decode(filters, NULL, in->at, &read, (size_t)(in->end - in->at), to, &written, frame),
        LZMA_OK);
    assert_int_equal(written, frame);
    assert_int_equal(read, in->end - in->at);
}

struct reader_counts liblzma_read(uint8_t *image, uint32_t image_bytes, const uint8_t *payload, size_t bytes,
                                  const uint8_t *base, uint32_t base_bytes)
{
    uint8_t *history = malloc((size_t)base_bytes + image_bytes);
    const uint8_t *end = payload + bytes;
    struct reader_counts counts = {0, 0};

    assert_non_null(history);
    if (base_bytes > 0)
        memcpy(history, base, base_bytes);
    for (uint32_t start = 0; start < image_bytes; start += FRAME) {
        uint32_t frame = image_bytes - start < FRAME ? image_bytes - start : FRAME;
        uint8_t prediction[FRAME];
        struct input in;

        assert_true(end - payload >= 3);
        in.at = payload + 2;
        in.end = in.at + (payload[0] | payload[1] << 8);
        assert_true(in.end <= end);
        counts.frames++;
        counts.with_segments += predictions(prediction, &in, start, frame, base, base_bytes) > 0;
        decode(image + start, frame, &in, history, (size_t)base_bytes + start);
        for (uint32_t i = 0; i < frame; i++)
            image[start + i] = (uint8_t)(image[start + i] + prediction[i]);
        memcpy(history + base_bytes + start, image + start, frame);
        payload = in.end;
    }
    assert_ptr_equal(payload, end);
    free(history);
    return counts;
}
