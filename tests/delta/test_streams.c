/* Streams that liblzma makes, and that are none of this encoding: the decoder refuses them and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lzma.h>

#include "delta/decode.h"

#define STREAM_BYTES 300 /* that the stream gives */
#define FRAME_HEAD   3

static uint8_t content[STREAM_BYTES];
static uint8_t payload[1024];

/* Makes payload one frame without segments. Returns its length. */
static uint32_t make_frame(bool end_marker)
{
    lzma_options_lzma options;
    lzma_filter filters[] = {
        {.id = end_marker ? LZMA_FILTER_LZMA1 : LZMA_FILTER_LZMA1EXT, .options = &options},
        {.id = LZMA_VLI_UNKNOWN}};
    size_t stream = 0;

    for (uint32_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * i / 7);
    assert_false(lzma_lzma_preset(&options, 9));
    options.lc = 0;
    options.pb = 1;
    options.ext_flags = 0;
    options.ext_size_low = sizeof content;
    options.ext_size_high = 0;
    assert_int_equal(lzma_raw_buffer_encode(filters, NULL, content, sizeof content, payload + FRAME_HEAD,
                                            &stream, sizeof payload - FRAME_HEAD),
                     LZMA_OK);
    payload[0] = (uint8_t)(1 + stream);
    payload[1] = (uint8_t)((1 + stream) >> 8);
    payload[2] = 0;
    return (uint32_t)(FRAME_HEAD + stream);
}

static int decode(uint32_t image_bytes, uint32_t payload_bytes)
{
    uint8_t *image = NULL;
    int result = delta_decode(&image, image_bytes, payload, payload_bytes, NULL, 0);

    if (result == TDM_OK) {
        assert_memory_equal(image, content, image_bytes);
        free(image);
    }
    return result;
}

static void a_stream_as_long_as_its_frame_is_taken(void **state)
{
    uint32_t bytes = make_frame(false);

    (void)state;
    assert_int_equal(decode(STREAM_BYTES, bytes), TDM_OK);
}

static void a_stream_that_gives_less_or_more_than_its_frame_is_refused(void **state)
{
    uint32_t bytes = make_frame(false);

    (void)state;
    for (uint32_t length = 1; length < STREAM_BYTES + 50; length++)
        if (length != STREAM_BYTES)
            assert_int_equal(decode(length, bytes), TDM_E_PAYLOAD);
}

static void an_end_marker_is_refused_at_the_end_of_the_frame_and_before(void **state)
{
    uint32_t bytes = make_frame(true);

    (void)state;
    assert_int_equal(decode(STREAM_BYTES, bytes), TDM_E_PAYLOAD);
    assert_int_equal(decode(STREAM_BYTES + 1, bytes), TDM_E_PAYLOAD);
    assert_int_equal(decode(STREAM_BYTES + 1000, bytes), TDM_E_PAYLOAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_as_long_as_its_frame_is_taken),
        cmocka_unit_test(a_stream_that_gives_less_or_more_than_its_frame_is_refused),
        cmocka_unit_test(an_end_marker_is_refused_at_the_end_of_the_frame_and_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
