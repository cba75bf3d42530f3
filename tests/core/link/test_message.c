/* Fields of messages: layout, bounds, latching. Layouts are those of docs/PROTOCOL.md, section 2. */
#include "tandem/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One field of each type, as bytes. */
static const uint8_t every_type[] = {
    0x01,                                           /* Bool true */
    0xFE,                                           /* UInt8 254 */
    0x34, 0x12,                                     /* UInt16 0x1234 */
    0x78, 0x56, 0x34, 0x12,                         /* UInt32 0x12345678 */
    0xFE, 0xFF,                                     /* Int16 -2 */
    0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, /* Int64 -3 */
    'h',  'i',  0x00,                               /* String "hi" */
    0x03, 0x00, 0xAA, 0x00, 0xBB,                   /* Binary of 3 bytes */
};

static void put_every_type(struct tdm_writer *w)
{
    tdm_put_bool(w, true);
    tdm_put_u8(w, 254);
    tdm_put_u16(w, 0x1234);
    tdm_put_u32(w, 0x12345678);
    tdm_put_i16(w, -2);
    tdm_put_i64(w, -3);
    tdm_put_string(w, "hi");
    tdm_put_binary(w, "\xAA\x00\xBB", 3);
}

static void fields_are_written_little_endian(void **state)
{
    uint8_t buffer[sizeof every_type];
    struct tdm_writer w;

    (void)state;
    tdm_writer_init(&w, buffer, sizeof buffer);
    put_every_type(&w);
    assert_false(w.failed);
    assert_int_equal(w.length, sizeof every_type);
    assert_memory_equal(buffer, every_type, sizeof every_type);
}

static void fields_are_read_back(void **state)
{
    struct tdm_reader r;
    const uint8_t *data;
    uint16_t bytes;

    (void)state;
    tdm_reader_init(&r, every_type, sizeof every_type);
    assert_true(tdm_get_bool(&r));
    assert_int_equal(tdm_get_u8(&r), 254);
    assert_int_equal(tdm_get_u16(&r), 0x1234);
    assert_int_equal(tdm_get_u32(&r), 0x12345678);
    assert_int_equal(tdm_get_i16(&r), -2);
    assert_true(tdm_get_i64(&r) == -3);
    assert_string_equal(tdm_get_string(&r), "hi");
    assert_false(tdm_reader_done(&r));
    data = tdm_get_binary(&r, &bytes);
    assert_int_equal(bytes, 3);
    assert_memory_equal(data, "\xAA\x00\xBB", 3);
    assert_true(tdm_reader_done(&r));
}

static void any_non_zero_byte_reads_as_true(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value;
        struct tdm_reader r;

        tdm_reader_init(&r, &byte, 1);
        assert_int_equal(tdm_get_bool(&r), value != 0);
    }
}

static void signed_values_reach_both_ends_of_their_range(void **state)
{
    static const int16_t shorts[] = {INT16_MIN, -1, 0, 1, INT16_MAX};
    static const int64_t longs[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    uint8_t buffer[8];
    struct tdm_writer w;
    struct tdm_reader r;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        tdm_writer_init(&w, buffer, sizeof buffer);
        tdm_put_i16(&w, shorts[i]);
        tdm_reader_init(&r, buffer, w.length);
        assert_int_equal(tdm_get_i16(&r), shorts[i]);
        tdm_writer_init(&w, buffer, sizeof buffer);
        tdm_put_i64(&w, longs[i]);
        tdm_reader_init(&r, buffer, w.length);
        assert_true(tdm_get_i64(&r) == longs[i]);
    }
}

static void writer_never_passes_its_end_and_latches(void **state)
{
    (void)state;
    for (size_t capacity = 0; capacity < sizeof every_type; capacity++) {
        uint8_t *buffer = malloc(capacity == 0 ? 1 : capacity); /* exact, for the sanitizer */
        struct tdm_writer w;
        size_t length;

        tdm_writer_init(&w, buffer, capacity);
        put_every_type(&w);
        assert_true(w.failed);
        length = w.length;
        assert_true(length <= capacity);
        tdm_put_u8(&w, 1);
        assert_int_equal(w.length, length);
        assert_memory_equal(buffer, every_type, length);
        free(buffer);
    }
}

static void reader_never_passes_its_end_and_latches(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof every_type; length++) {
        uint8_t *buffer = malloc(length == 0 ? 1 : length);
        struct tdm_reader r;
        uint16_t bytes = 1;

        memcpy(buffer, every_type, length);
        tdm_reader_init(&r, buffer, length);
        (void)tdm_get_bool(&r);
        (void)tdm_get_u8(&r);
        (void)tdm_get_u16(&r);
        (void)tdm_get_u32(&r);
        (void)tdm_get_i16(&r);
        (void)tdm_get_i64(&r);
        (void)tdm_get_string(&r);
        assert_null(tdm_get_binary(&r, &bytes));
        assert_int_equal(bytes, 0);
        assert_true(r.failed);
        assert_int_equal(tdm_get_u8(&r), 0);
        assert_string_equal(tdm_get_string(&r), "");
        assert_false(tdm_reader_done(&r));
        free(buffer);
    }
}

static void string_without_its_nul_is_refused(void **state)
{
    struct tdm_reader r;

    (void)state;
    tdm_reader_init(&r, (const uint8_t *)"abc", 3);
    assert_string_equal(tdm_get_string(&r), "");
    assert_true(r.failed);

    tdm_reader_init(&r, NULL, 0); /* a call without arguments */
    assert_string_equal(tdm_get_string(&r), "");
    assert_true(r.failed);
}

static void missing_text_is_written_as_the_empty_one(void **state)
{
    uint8_t buffer[4] = {9, 9, 9, 9};
    struct tdm_writer w;

    (void)state;
    tdm_writer_init(&w, buffer, sizeof buffer);
    tdm_put_string(&w, NULL);
    tdm_put_binary(&w, NULL, 0);
    assert_int_equal(w.length, 3);
    assert_memory_equal(buffer, "\0\0\0\x09", 4);
}

static void empty_binary_is_there_and_has_no_bytes(void **state)
{
    struct tdm_reader r;
    uint16_t bytes = 1;

    (void)state;
    tdm_reader_init(&r, (const uint8_t *)"\0\0", 2);
    assert_non_null(tdm_get_binary(&r, &bytes));
    assert_int_equal(bytes, 0);
    assert_true(tdm_reader_done(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_written_little_endian),
        cmocka_unit_test(fields_are_read_back),
        cmocka_unit_test(any_non_zero_byte_reads_as_true),
        cmocka_unit_test(signed_values_reach_both_ends_of_their_range),
        cmocka_unit_test(writer_never_passes_its_end_and_latches),
        cmocka_unit_test(reader_never_passes_its_end_and_latches),
        cmocka_unit_test(string_without_its_nul_is_refused),
        cmocka_unit_test(missing_text_is_written_as_the_empty_one),
        cmocka_unit_test(empty_binary_is_there_and_has_no_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
