/* The encoder: what it makes is read back by liblzma and by the device's decoder. */
#include "delta/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delta/decode.h"
#include "tests/delta/liblzma_reader.h"
#include "tests/support/firmware_like.h"

#define BYTES_MAX 110000

static uint8_t base[BYTES_MAX];
static uint8_t image[BYTES_MAX + 4096];
static uint8_t read_back[BYTES_MAX + 4096];

/* Encodes image, and reads it in both ways. Returns the payload's length. */
static size_t round_trip(uint32_t image_bytes, uint32_t base_bytes, struct reader_counts *counts)
{
    uint8_t *payload = NULL;
    uint8_t *decoded = NULL;
    size_t bytes = 0;

    assert_int_equal(delta_encode(&payload, &bytes, image, image_bytes, base, base_bytes, NULL, NULL),
                     TDM_OK);
    *counts = liblzma_read(read_back, image_bytes, payload, bytes, base, base_bytes);
    assert_memory_equal(read_back, image, image_bytes);
    assert_int_equal(delta_decode(&decoded, image_bytes, payload, (uint32_t)bytes, base, base_bytes), TDM_OK);
    assert_memory_equal(decoded, image, image_bytes);
    free(decoded);
    free(payload);
    return bytes;
}

static void images_of_any_length_come_back(void **state)
{
    static const uint32_t lengths[] = {1, 2, 15, 16, 17, 255, 16383, 16384, 16385, 32768, 40001};
    struct reader_counts counts;

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        firmware_like(image, lengths[i], (uint32_t)i);
        round_trip(lengths[i], 0, &counts);
        assert_int_equal(counts.frames, (lengths[i] + 16383) / 16384);
        assert_int_equal(counts.with_segments, 0);
    }
}

static void what_can_not_be_compressed_comes_back_little_longer(void **state)
{
    struct reader_counts counts;
    uint32_t noise = 1;

    (void)state;
    for (uint32_t i = 0; i < 50000; i++) {
        noise = noise * 1664525 + 1013904223;
        image[i] = (uint8_t)(noise >> 24);
    }
    assert_in_range(round_trip(50000, 0, &counts), 50000, 51500);
}

static void a_newer_version_is_a_small_difference(void **state)
{
    struct reader_counts counts;
    uint32_t bytes;
    size_t alone;
    size_t delta;

    (void)state;
    firmware_like(base, 100000, 3);
    bytes = firmware_newer(image, base, 100000, 3);
    alone = round_trip(bytes, 0, &counts);
    delta = round_trip(bytes, 100000, &counts);
    assert_true(delta < alone / 20);
    assert_true(counts.with_segments > 0);
}

static void bases_of_any_length_predict(void **state)
{
    static const uint32_t lengths[] = {1, 3, 1000, 16385, 60001};
    struct reader_counts counts;

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        firmware_like(base, lengths[i], 5);
        firmware_like(image, 40000, 5);
        round_trip(40000, lengths[i], &counts);
    }
}

/* Two firmwares that share pieces in another order: the runs go back and forth. */
static void pieces_in_another_order_come_back(void **state)
{
    struct reader_counts counts;

    (void)state;
    firmware_like(base, 90000, 9);
    for (uint32_t i = 0; i < 90; i++)
        memcpy(image + i * 1000, base + (i * 37 % 90) * 1000, 1000);
    assert_true(round_trip(90000, 90000, &counts) < 20000);
}

static void the_same_input_gives_the_same_bytes(void **state)
{
    uint8_t *payload[2] = {NULL, NULL};
    size_t bytes[2] = {0, 0};

    (void)state;
    firmware_like(base, 50000, 4);
    for (int i = 0; i < 2; i++) {
        uint32_t count = firmware_newer(image, base, 50000, 4);

        assert_int_equal(delta_encode(&payload[i], &bytes[i], image, count, base, 50000, NULL, NULL), TDM_OK);
    }
    assert_int_equal(bytes[0], bytes[1]);
    assert_memory_equal(payload[0], payload[1], bytes[0]);
    free(payload[0]);
    free(payload[1]);
}

static void nothing_and_too_much_are_refused(void **state)
{
    uint8_t *payload = NULL;
    size_t bytes = 0;

    (void)state;
    assert_int_equal(delta_encode(&payload, &bytes, image, 0, NULL, 0, NULL, NULL), TDM_E_SIZE);
    assert_int_equal(delta_encode(&payload, &bytes, image, DELTA_IMAGE_BYTES_MAX + 1, NULL, 0, NULL, NULL),
                     TDM_E_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_of_any_length_come_back),
        cmocka_unit_test(what_can_not_be_compressed_comes_back_little_longer),
        cmocka_unit_test(a_newer_version_is_a_small_difference),
        cmocka_unit_test(bases_of_any_length_predict),
        cmocka_unit_test(pieces_in_another_order_come_back),
        cmocka_unit_test(the_same_input_gives_the_same_bytes),
        cmocka_unit_test(nothing_and_too_much_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
