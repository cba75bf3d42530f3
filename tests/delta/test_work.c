/* Linked with --wrap for what gives liblzma bytes to read: an encoder's work is counted, not timed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>
#include <lzma.h>

#include "delta/encode.h"
#include "tests/support/firmware_like.h"

#define SMALL ((uint32_t)256 << 10)
#define LARGE ((uint32_t)512 << 10)

static uint8_t base[LARGE];
static uint8_t image[LARGE + 4096];
static uint64_t bytes_read; /* by liblzma */

lzma_ret __real_lzma_raw_buffer_encode(const lzma_filter *filters, const lzma_allocator *allocator,
                                       const uint8_t *in, size_t in_size, uint8_t *out, size_t *out_pos,
                                       size_t out_size);
lzma_ret __wrap_lzma_raw_buffer_encode(const lzma_filter *filters, const lzma_allocator *allocator,
                                       const uint8_t *in, size_t in_size, uint8_t *out, size_t *out_pos,
                                       size_t out_size);
lzma_ret __real_lzma_raw_encoder(lzma_stream *stream, const lzma_filter *filters);
lzma_ret __wrap_lzma_raw_encoder(lzma_stream *stream, const lzma_filter *filters);
lzma_ret __real_lzma_code(lzma_stream *stream, lzma_action action);
lzma_ret __wrap_lzma_code(lzma_stream *stream, lzma_action action);

static void count_dictionary(const lzma_filter *filters)
{
    bytes_read += ((const lzma_options_lzma *)filters[0].options)->preset_dict_size;
}

lzma_ret __wrap_lzma_raw_buffer_encode(const lzma_filter *filters, const lzma_allocator *allocator,
                                       const uint8_t *in, size_t in_size, uint8_t *out, size_t *out_pos,
                                       size_t out_size)
{
    count_dictionary(filters);
    bytes_read += in_size;
    return __real_lzma_raw_buffer_encode(filters, allocator, in, in_size, out, out_pos, out_size);
}

lzma_ret __wrap_lzma_raw_encoder(lzma_stream *stream, const lzma_filter *filters)
{
    count_dictionary(filters);
    return __real_lzma_raw_encoder(stream, filters);
}

lzma_ret __wrap_lzma_code(lzma_stream *stream, lzma_action action)
{
    bytes_read += stream->avail_in;
    return __real_lzma_code(stream, action);
}

/* What is read to encode an image, as a difference to a base about as long, or alone. */
static uint64_t work(uint32_t base_bytes, bool alone)
{
    uint8_t *payload = NULL;
    size_t bytes = 0;
    uint32_t image_bytes;

    firmware_like(base, base_bytes, 7);
    image_bytes = firmware_newer(image, base, base_bytes, 7);
    bytes_read = 0;
    assert_int_equal(
        delta_encode(&payload, &bytes, image, image_bytes, base, alone ? 0 : base_bytes, NULL, NULL), TDM_OK);
    free(payload);
    assert_true(bytes_read >= image_bytes);
    return bytes_read;
}

static void images_twice_as_long_take_twice_the_work(void **state)
{
    (void)state;
    assert_true(work(LARGE, true) * 10 <= work(SMALL, true) * 21);
    assert_true(work(LARGE, false) * 10 <= work(SMALL, false) * 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_twice_as_long_take_twice_the_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
