/* Lengths, texts, topics, filters and properties. Examples are those of the OASIS standards where they have
 * any: section 1.5.5 of MQTT 5 for lengths, 4.7 for topics. */
#include "cloud/mqtt/packet.h"
#include "tests/cloud/mqtt/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void lengths_take_one_to_four_bytes_at_the_standard_s_borders(void **state)
{
    static const struct {
        uint32_t value;
        const char *bytes;
    } cases[] = {
        {0, "00"},           {127, "7f"},           {128, "80 01"},           {16383, "ff 7f"},
        {16384, "80 80 01"}, {2097151, "ff ff 7f"}, {2097152, "80 80 80 01"}, {268435455, "ff ff ff 7f"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t expected[4], written[4];
        size_t count = bytes_of(cases[i].bytes, expected, sizeof expected);
        struct mqtt_writer w;
        struct mqtt_reader r;

        mqtt_writer_init(&w, written, sizeof written);
        mqtt_write_varint(&w, cases[i].value);
        assert_int_equal(w.length, count);
        assert_int_equal(mqtt_varint_bytes(cases[i].value), count);
        assert_memory_equal(written, expected, count);
        mqtt_reader_init(&r, expected, count);
        assert_int_equal(mqtt_read_varint(&r), cases[i].value);
        assert_int_equal(mqtt_reader_end(&r), MQTT_SUCCESS);
    }
}

static void lengths_too_long_or_longer_than_needed_are_malformed(void **state)
{
    static const char *const cases[] = {"", "80", "80 80 80 80 01", "80 00", "ff 80 00"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[8];
        struct mqtt_reader r;

        mqtt_reader_init(&r, bytes, bytes_of(cases[i], bytes, sizeof bytes));
        (void)mqtt_read_varint(&r);
        assert_int_equal(r.reason, MQTT_MALFORMED);
    }
}

static bool utf8(const char *text)
{
    uint8_t bytes[16];
    struct mqtt_slice slice = {bytes, bytes_of(text, bytes, sizeof bytes)};

    return mqtt_utf8_valid(slice);
}

static void texts_are_well_formed_utf_8_without_nul(void **state)
{
    (void)state;
    assert_true(utf8("'A' c3a9 e282ac f0aa9b94")); /* the last is the standard's U+2A6D4 */
    assert_true(
        utf8("efbbbf 7f ed9fbf ee8080 f48fbfbf")); /* BOM; the last before and first after surrogates */
    assert_false(utf8("'a' 00"));
    assert_false(utf8("c0af"));     /* overlong */
    assert_false(utf8("e08080"));   /* overlong */
    assert_false(utf8("f0808080")); /* overlong */
    assert_false(utf8("eda080"));   /* surrogate */
    assert_false(utf8("f4908080")); /* above U+10FFFF */
    assert_false(utf8("80"));
    assert_false(utf8("e282"));
    assert_false(utf8("e2'('a1"));
    assert_false(utf8("ff"));
}

static void characters_are_counted_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(mqtt_utf8_chars(mqtt_slice_of("a\xc3\xa9\xe2\x82\xac")), 3);
}

static void filters_have_wildcards_alone_in_their_level(void **state)
{
    static const char *const valid[] = {"#", "+",        "sport/tennis/#", "+/tennis/#", "sport/+/player1",
                                        "/", "/finance", "a//b",           "a/"};
    static const char *const invalid[] = {"",       "sport/tennis#", "sport/tennis/#/ranking",
                                          "sport+", "a/#/",          "##"};

    (void)state;
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        assert_true(mqtt_filter_valid(mqtt_slice_of(valid[i])));
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        assert_false(mqtt_filter_valid(mqtt_slice_of(invalid[i])));
}

static void filters_match_as_the_standard_s_examples_say(void **state)
{
    static const struct {
        const char *filter, *topic;
        bool matches;
    } cases[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
        {"sport/#", "sport", true},
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false},
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"downlink/ota/json", "downlink/ota/json", true},
        {"downlink/ota/json", "downlink/ota", false},
        {"downlink/ota", "downlink/ota/json", false},
        {"downlink/ota", "downlink/otb", false},
        {"Accounts", "ACCOUNTS", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(mqtt_filter_matches(mqtt_slice_of(cases[i].filter), mqtt_slice_of(cases[i].topic)),
                         cases[i].matches);
}

static uint8_t properties_reason(uint8_t place, const char *text, struct mqtt_properties *p)
{
    uint8_t bytes[64];
    struct mqtt_reader r;

    mqtt_reader_init(&r, bytes, bytes_of(text, bytes, sizeof bytes));
    mqtt_properties_read(p, &r, place);
    return mqtt_reader_end(&r);
}

static void properties_of_a_connect_are_read(void **state)
{
    struct mqtt_properties p;

    (void)state;
    assert_int_equal(properties_reason(MQTT_CONNECT, "00", &p), MQTT_SUCCESS);
    assert_int_equal(p.receive_max, 65535);
    assert_int_equal(properties_reason(MQTT_CONNECT,
                                       "20 11 0000000a 21 0014 27 00000100 22 0005 19 01 17 00"
                                       "26 0001'a' 0000 26 0001'a' 0000",
                                       &p),
                     MQTT_SUCCESS);
    assert_int_equal(p.receive_max, 20);
    assert_int_equal(p.packet_max, 256);
    assert_true(mqtt_property_present(&p, MQTT_SESSION_EXPIRY));
    assert_false(mqtt_property_present(&p, MQTT_AUTHENTICATION_METHOD));
}

static void properties_out_of_place_twice_or_out_of_range_are_refused(void **state)
{
    static const struct {
        uint8_t place;
        const char *text;
        uint8_t reason;
    } cases[] = {
        {MQTT_CONNECT, "03 21 0000", MQTT_PROTOCOL_ERROR},         /* receive maximum 0 */
        {MQTT_CONNECT, "05 27 00000000", MQTT_PROTOCOL_ERROR},     /* packet size 0 */
        {MQTT_CONNECT, "02 17 02", MQTT_PROTOCOL_ERROR},           /* neither 0 nor 1 */
        {MQTT_CONNECT, "06 21 0001 21 0001", MQTT_PROTOCOL_ERROR}, /* twice */
        {MQTT_CONNECT, "03 23 0001", MQTT_MALFORMED},              /* topic alias in a CONNECT */
        {MQTT_PUBLISH, "03 21 0001", MQTT_MALFORMED},              /* receive maximum in a PUBLISH */
        {MQTT_SUBSCRIBE, "02 0b 00", MQTT_PROTOCOL_ERROR},         /* subscription id 0 */
        {MQTT_CONNECT, "02 21 00", MQTT_MALFORMED},                /* cut off by its length */
        {MQTT_CONNECT, "04 21 0001", MQTT_MALFORMED},              /* longer than the packet */
        {MQTT_PUBLISH, "05 03 0002 'a'", MQTT_MALFORMED},          /* text past the end */
        {MQTT_PUBLISH, "05 03 0002 c0af", MQTT_MALFORMED},         /* text that is not UTF-8 */
    };
    struct mqtt_properties p;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(properties_reason(cases[i].place, cases[i].text, &p), cases[i].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_take_one_to_four_bytes_at_the_standard_s_borders),
        cmocka_unit_test(lengths_too_long_or_longer_than_needed_are_malformed),
        cmocka_unit_test(texts_are_well_formed_utf_8_without_nul),
        cmocka_unit_test(characters_are_counted_not_bytes),
        cmocka_unit_test(filters_have_wildcards_alone_in_their_level),
        cmocka_unit_test(filters_match_as_the_standard_s_examples_say),
        cmocka_unit_test(properties_of_a_connect_are_read),
        cmocka_unit_test(properties_out_of_place_twice_or_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
