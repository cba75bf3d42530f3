/* Finding a tag, in memory and in a stream. tags.txt holds files of marker pieces, tags and noise, and where
 * tests/python/tandem_package.py sees the first tag in them. */
#include "tandem/tag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/image/vectors.h"

struct expected {
    long offset; /* or TDM_E_NOT_FOUND */
    int length;
    char *pairs; /* hex of key=value;... */
};

static void the_pairs_are(const uint8_t *tag, const struct expected *expected)
{
    char *rest = NULL;
    char *pair = strtok_r(expected->pairs, ";", &rest);
    size_t cursor = 0;
    const char *key;
    const char *value;

    while (tdm_tag_next_pair(tag, (size_t)expected->length, &cursor, &key, &value)) {
        struct bytes expected_key;
        struct bytes expected_value;

        assert_non_null(pair);
        *strchr(pair, '=') = '\0';
        expected_key = bytes_from_hex(pair);
        expected_value = bytes_from_hex(pair + strlen(pair) + 1);
        assert_int_equal(strlen(key), expected_key.count);
        assert_memory_equal(key, expected_key.data, expected_key.count);
        assert_int_equal(strlen(value), expected_value.count);
        assert_memory_equal(value, expected_value.data, expected_value.count);
        free_bytes(&expected_key);
        free_bytes(&expected_value);
        pair = strtok_r(NULL, ";", &rest);
    }
    assert_null(pair);
}

static void a_stream_gives_the_same(const struct bytes *file, size_t piece, const struct expected *expected)
{
    struct tdm_tag_scanner scanner;
    struct tdm_tag tag;
    int result = TDM_E_NOT_FOUND;
    size_t at;

    tdm_tag_scanner_init(&scanner);
    for (at = 0; at < file->count && result == TDM_E_NOT_FOUND; at += piece) {
        size_t count = file->count - at < piece ? file->count - at : piece;
        struct bytes copy = bytes_copy(file->data + at, count);

        result = tdm_tag_scanner_feed(&scanner, copy.data, count, &tag);
        free_bytes(&copy);
    }
    if (expected->offset < 0) {
        assert_int_equal(result, TDM_E_NOT_FOUND);
        return;
    }
    assert_int_equal(result, TDM_OK);
    assert_int_equal(scanner.offset, expected->offset);
    assert_memory_equal(scanner.window, file->data + expected->offset, (size_t)expected->length);
}

static void check_line(char *line)
{
    char *rest = NULL;
    struct bytes file = bytes_from_hex(strtok_r(line, " ", &rest));
    char *found = strtok_r(NULL, " ", &rest);
    struct expected expected = {TDM_E_NOT_FOUND, 0, NULL};
    struct tdm_tag tag;
    size_t piece;

    if (strcmp(found, "none") != 0) {
        expected.offset = strtol(found, NULL, 10);
        expected.length = (int)strtol(strtok_r(NULL, " ", &rest), NULL, 10);
        expected.pairs = strtok_r(NULL, " ", &rest);
    }
    assert_int_equal(tdm_tag_find(&tag, file.data, file.count), expected.offset);
    if (expected.offset >= 0) {
        const uint8_t *at = file.data + expected.offset;

        assert_int_equal(tdm_tag_parse(&tag, at, file.count - (size_t)expected.offset), expected.length);
        the_pairs_are(at, &expected);
    }
    for (piece = 1; piece <= file.count; piece += 1 + piece / 4)
        a_stream_gives_the_same(&file, piece, &expected);
    a_stream_gives_the_same(&file, file.count, &expected);
    free_bytes(&file);
}

static void memory_and_stream_find_what_the_second_implementation_finds(void **state)
{
    (void)state;
    for_each_line("tags.txt", check_line);
}

static void a_tag_is_found_across_every_split(void **state)
{
    static const char file[] = "noise blnkinf\0%blnkinf\0mcu\0001.1.0\0fw-type\0demo\0\0noise";
    size_t first;
    size_t second;

    (void)state;
    for (first = 0; first <= sizeof file; first++) {
        for (second = first; second <= sizeof file; second++) {
            struct tdm_tag_scanner scanner;
            struct tdm_tag tag;
            int result;

            tdm_tag_scanner_init(&scanner);
            result = tdm_tag_scanner_feed(&scanner, file, first, &tag);
            if (result == TDM_E_NOT_FOUND)
                result = tdm_tag_scanner_feed(&scanner, file + first, second - first, &tag);
            if (result == TDM_E_NOT_FOUND)
                result = tdm_tag_scanner_feed(&scanner, file + second, sizeof file - second, &tag);
            assert_int_equal(result, TDM_OK);
            assert_int_equal(scanner.offset, 15);
            assert_string_equal(tag.version, "1.1.0");
            assert_string_equal(tag.type, "demo");
        }
    }
}

/* Done in the square of the size this would take hours. */
static void a_file_full_of_bare_markers_takes_linear_time(void **state)
{
    static const char tag_bytes[] = "+blnkinf\0mcu\0009\0fw-type\0x\0";
    size_t size = 512 * 1024;
    char *file = malloc(size);
    struct tdm_tag_scanner scanner;
    struct tdm_tag tag;
    size_t at;

    (void)state;
    assert_non_null(file);
    for (at = 0; at < size; at += 8)
        memcpy(file + at, "blnkinf", 8);
    memcpy(file + size - sizeof tag_bytes, tag_bytes, sizeof tag_bytes);
    assert_int_equal(tdm_tag_find(&tag, file, size), size - sizeof tag_bytes + 1);
    tdm_tag_scanner_init(&scanner);
    assert_int_equal(tdm_tag_scanner_feed(&scanner, file, size, &tag), TDM_OK);
    assert_int_equal(scanner.offset, size - sizeof tag_bytes + 1);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_and_stream_find_what_the_second_implementation_finds),
        cmocka_unit_test(a_tag_is_found_across_every_split),
        cmocka_unit_test(a_file_full_of_bare_markers_takes_linear_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
