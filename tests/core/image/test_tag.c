/* One tag. The rules are those of Blynk's scanner (docs/PROTOCOL.md, section 6); the expected values were
 * worked out by hand. Vectors from a second implementation are in test_tag_find.c. */
#include "tandem/tag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLAIN "blnkinf\0mcu\0001.1.0\0fw-type\0demo\0build\0Nov 16 2023 20:35:55\0blynk\0001.3.2\0"

TDM_FIRMWARE_TAG(firmware_tag, "1.1.0", "demo", "Nov 16 2023 20:35:55", "1.3.2");

static void the_macro_makes_exactly_one_tag(void **state)
{
    (void)state;
    assert_int_equal(sizeof firmware_tag, sizeof PLAIN);
    assert_memory_equal(firmware_tag, PLAIN, sizeof PLAIN);
}

static void a_tag_gives_its_values_and_its_length(void **state)
{
    struct tdm_tag tag;

    (void)state;
    assert_int_equal(tdm_tag_parse(&tag, PLAIN "\0more", sizeof PLAIN + 4), (int)sizeof PLAIN);
    assert_string_equal(tag.version, "1.1.0");
    assert_string_equal(tag.type, "demo");
    assert_string_equal(tag.build, "Nov 16 2023 20:35:55");
    assert_string_equal(tag.library, "1.3.2");
}

static void a_tag_cut_short_is_truncated_at_every_byte(void **state)
{
    struct tdm_tag tag;
    size_t bytes;

    (void)state;
    for (bytes = 0; bytes < sizeof PLAIN; bytes++) {
        /* In a block of its own, so that a sanitizer sees one byte too many. */
        char *copy = malloc(bytes + 1);

        memcpy(copy, PLAIN, bytes);
        copy = realloc(copy, bytes == 0 ? 1 : bytes);
        assert_int_equal(tdm_tag_parse(&tag, copy, bytes), TDM_E_TRUNCATED);
        free(copy);
    }
}

static void characters_outside_of_the_alphabet_end_a_tag(void **state)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ "
                                   "\t\n\r\f\v.,:-()";
    char data[] = "blnkinf\0mcu\0001\0x\0?\0";
    char *varied = strchr(data + 16, '?');
    struct tdm_tag tag;
    int c;

    (void)state;
    assert_non_null(varied);
    for (c = 1; c < 256; c++) {
        int expected = strchr(alphabet, c) != NULL ? (int)sizeof data : TDM_E_TAG;

        *varied = (char)c;
        assert_int_equal(tdm_tag_parse(&tag, data, sizeof data), expected);
    }
}

static void an_empty_value_ends_a_tag_early(void **state)
{
    static const char data[] = "blnkinf\0mcu\0001.0\0build\0\0fw-type\0demo\0";
    struct tdm_tag tag;

    (void)state;
    assert_int_equal(tdm_tag_parse(&tag, data, sizeof data), 8 + 4 + 4 + 6 + 1);
    assert_string_equal(tag.version, "1.0");
    assert_string_equal(tag.type, "");
}

static void a_marker_that_is_not_spelled_right_begins_no_tag(void **state)
{
    char data[sizeof PLAIN];
    struct tdm_tag tag;

    (void)state;
    for (size_t at = 0; at < 8; at++) {
        memcpy(data, PLAIN, sizeof data);
        data[at] = 'x';
        assert_int_equal(tdm_tag_parse(&tag, data, sizeof data), TDM_E_TAG);
    }
}

static void a_marker_without_a_pair_is_no_tag(void **state)
{
    struct tdm_tag tag;

    (void)state;
    assert_int_equal(tdm_tag_parse(&tag, "blnkinf\0\0\0\0", 11), TDM_E_TAG);
    assert_int_equal(tdm_tag_parse(&tag, "blnkinf\0mcu\0\0", 13), TDM_E_TAG);
}

static void unknown_keys_are_skipped_and_the_last_of_two_counts(void **state)
{
    static const char data[] = "blnkinf\0hw\0board-7\0mcu\0001.0\0mcu\0002\0";
    struct tdm_tag tag;

    (void)state;
    assert_int_equal(tdm_tag_parse(&tag, data, sizeof data), (int)sizeof data);
    assert_string_equal(tag.version, "2");
}

static void too_long_a_value_or_tag_has_no_room(void **state)
{
    char data[TDM_TAG_MAX + 64];
    struct tdm_tag tag;

    (void)state;
    memset(data, 'x', sizeof data);
    memcpy(data, "blnkinf\0mcu", 12);
    assert_int_equal(tdm_tag_parse(&tag, data, sizeof data), TDM_E_ROOM);
    assert_int_equal(tdm_tag_parse(&tag, data, TDM_TAG_MAX), TDM_E_ROOM);
    assert_int_equal(tdm_tag_parse(&tag, data, TDM_TAG_MAX - 1), TDM_E_TRUNCATED);
    memset(data + 12 + TDM_TAG_VALUE_MAX + 1, 0, 2);
    assert_int_equal(tdm_tag_parse(&tag, data, sizeof data), TDM_E_ROOM);
    memset(data + 12 + TDM_TAG_VALUE_MAX, 0, 2);
    assert_int_equal(tdm_tag_parse(&tag, data, sizeof data), 12 + TDM_TAG_VALUE_MAX + 2);
}

static void the_pairs_come_in_file_order(void **state)
{
    static const char data[] = "blnkinf\0hw\0board-7\0\0";
    size_t cursor = 0;
    const char *key;
    const char *value;

    (void)state;
    assert_true(tdm_tag_next_pair(PLAIN, sizeof PLAIN, &cursor, &key, &value));
    assert_string_equal(key, "mcu");
    assert_string_equal(value, "1.1.0");
    assert_true(tdm_tag_next_pair(PLAIN, sizeof PLAIN, &cursor, &key, &value));
    assert_string_equal(key, "fw-type");
    assert_true(tdm_tag_next_pair(PLAIN, sizeof PLAIN, &cursor, &key, &value));
    assert_true(tdm_tag_next_pair(PLAIN, sizeof PLAIN, &cursor, &key, &value));
    assert_string_equal(key, "blynk");
    assert_string_equal(value, "1.3.2");
    assert_false(tdm_tag_next_pair(PLAIN, sizeof PLAIN, &cursor, &key, &value));
    assert_false(tdm_tag_next_pair(PLAIN, sizeof PLAIN, &cursor, &key, &value));

    cursor = 0;
    assert_true(tdm_tag_next_pair(data, 20, &cursor, &key, &value));
    assert_string_equal(value, "board-7");
    assert_false(tdm_tag_next_pair(data, 20, &cursor, &key, &value));
}

static void building_gives_what_the_macro_gives(void **state)
{
    struct tdm_tag tag = {"1.1.0", "demo", "Nov 16 2023 20:35:55", "1.3.2"};
    char built[TDM_TAG_MAX];
    size_t capacity;

    (void)state;
    assert_int_equal(tdm_tag_build(&tag, built, sizeof built), (int)sizeof PLAIN);
    assert_memory_equal(built, PLAIN, sizeof PLAIN);
    for (capacity = 0; capacity < sizeof PLAIN; capacity++)
        assert_int_equal(tdm_tag_build(&tag, built, capacity), TDM_E_ROOM);
}

static void building_gives_the_shortest_tag_and_no_part_of_it(void **state)
{
    static const char shortest[] = "blnkinf\0mcu\0001\0fw-type\0d\0blynk\0002\0";
    struct tdm_tag tag = {"1", "d", "", "2"};
    char built[sizeof shortest];

    (void)state;
    for (size_t capacity = 0; capacity < sizeof shortest; capacity++)
        assert_int_equal(tdm_tag_build(&tag, built, capacity), TDM_E_ROOM);
    assert_int_equal(tdm_tag_build(&tag, built, sizeof built), (int)sizeof built);
    assert_memory_equal(built, shortest, sizeof shortest);
}

static void building_leaves_empty_values_out(void **state)
{
    struct tdm_tag tag = {"1.0", "demo", "", ""};
    char built[TDM_TAG_MAX];

    (void)state;
    assert_int_equal(tdm_tag_build(&tag, built, sizeof built), 8 + 8 + 13 + 1);
    assert_memory_equal(built, "blnkinf\0mcu\0001.0\0fw-type\0demo\0", 30);
}

static void building_refuses_what_a_scanner_would_not_read(void **state)
{
    struct tdm_tag no_version = {"", "demo", "", ""};
    struct tdm_tag no_type = {"1", "", "", ""};
    struct tdm_tag plus = {"1.0+4", "demo", "", ""};
    struct tdm_tag unended = {"1.0", "demo", "", ""};
    char built[TDM_TAG_MAX];

    (void)state;
    memset(unended.build, 'x', sizeof unended.build);
    assert_int_equal(tdm_tag_build(&no_version, built, sizeof built), TDM_E_ARGUMENT);
    assert_int_equal(tdm_tag_build(&no_type, built, sizeof built), TDM_E_ARGUMENT);
    assert_int_equal(tdm_tag_build(&plus, built, sizeof built), TDM_E_ARGUMENT);
    assert_int_equal(tdm_tag_build(&unended, built, sizeof built), TDM_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_macro_makes_exactly_one_tag),
        cmocka_unit_test(a_tag_gives_its_values_and_its_length),
        cmocka_unit_test(a_tag_cut_short_is_truncated_at_every_byte),
        cmocka_unit_test(characters_outside_of_the_alphabet_end_a_tag),
        cmocka_unit_test(an_empty_value_ends_a_tag_early),
        cmocka_unit_test(a_marker_that_is_not_spelled_right_begins_no_tag),
        cmocka_unit_test(a_marker_without_a_pair_is_no_tag),
        cmocka_unit_test(unknown_keys_are_skipped_and_the_last_of_two_counts),
        cmocka_unit_test(too_long_a_value_or_tag_has_no_room),
        cmocka_unit_test(the_pairs_come_in_file_order),
        cmocka_unit_test(building_gives_what_the_macro_gives),
        cmocka_unit_test(building_gives_the_shortest_tag_and_no_part_of_it),
        cmocka_unit_test(building_leaves_empty_values_out),
        cmocka_unit_test(building_refuses_what_a_scanner_would_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
