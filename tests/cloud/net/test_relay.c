/* An effect on its way to another server. The bytes are those that relay.h draws, written out here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cloud/net/relay.h"

#define FIXED (4 + 2 + 5 * 8 + 32)

static size_t example(uint8_t bytes[BUS_MESSAGE_MAX])
{
    static const uint8_t head[] = {
        'T',  'D',  'E', '2', 1, 1,          /* EFFECT_PUBLISH, QoS 1 */
        0x07, 0,    0,   0,   0, 0, 0, 0,    /* device */
        0,    0,    0,   0,   0, 0, 0, 0,    /* shipment */
        0x09, 0,    0,   0,   0, 0, 0, 0,    /* organization */
        0x02, 0x01, 0,   0,   0, 0, 0, 0,    /* node 258 */
        0xFF, 0,    0,   0,   0, 0, 0, 0x80, /* connection */
    };
    static const uint8_t tail[] = {3, 0, 'a', '/', 'b', 2, 0, 'h', 'i'};
    memcpy(bytes, head, sizeof head);
    memset(bytes + sizeof head, 0xAB, 32);
    memcpy(bytes + FIXED, tail, sizeof tail);
    return FIXED + sizeof tail;
}

static void an_effect_is_written_as_drawn(void **state)
{
    (void)state;
    struct effect effect = {.kind = EFFECT_PUBLISH,
                            .qos = 1,
                            .device = 7,
                            .organization = 9,
                            .node = 258,
                            .connection = 0x80000000000000FF};
    uint8_t expected[BUS_MESSAGE_MAX];
    uint8_t written[BUS_MESSAGE_MAX];
    memset(effect.token_hash, 0xAB, sizeof effect.token_hash);
    strcpy(effect.topic, "a/b");
    effect.text = "hi";
    effect.bytes = 2;
    size_t bytes = example(expected);
    assert_int_equal(relay_write(&effect, written), bytes);
    assert_memory_equal(written, expected, bytes);
}

static void an_effect_is_read_as_drawn(void **state)
{
    (void)state;
    struct effect effect;
    char text[FLEET_OFFER_MAX + 1];
    uint8_t bytes[BUS_MESSAGE_MAX];
    assert_true(relay_read(&effect, text, bytes, example(bytes)));
    assert_int_equal(effect.kind, EFFECT_PUBLISH);
    assert_int_equal(effect.device, 7);
    assert_int_equal(effect.organization, 9);
    assert_int_equal(effect.node, 258);
    assert_true(effect.connection == 0x80000000000000FF);
    assert_string_equal(effect.topic, "a/b");
    assert_string_equal(effect.text, "hi");
    assert_int_equal(effect.bytes, 2);
}

static void anything_cut_off_or_left_over_is_refused(void **state)
{
    (void)state;
    struct effect effect;
    char text[FLEET_OFFER_MAX + 1];
    uint8_t bytes[BUS_MESSAGE_MAX];
    size_t count = example(bytes);
    for (size_t cut = 0; cut < count; cut++)
        assert_false(relay_read(&effect, text, bytes, cut));
    bytes[count] = 0;
    assert_false(relay_read(&effect, text, bytes, count + 1));
}

static void what_no_server_says_is_refused(void **state)
{
    (void)state;
    struct effect effect;
    char text[FLEET_OFFER_MAX + 1];
    uint8_t bytes[BUS_MESSAGE_MAX];
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{3, '1'}, {4, 200}, {5, 2}, {FIXED + 1, 1}, {FIXED + 6, 0xFF}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t count = example(bytes);
        bytes[wrong[i].at] = wrong[i].value;
        assert_false(relay_read(&effect, text, bytes, count));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_effect_is_written_as_drawn),
        cmocka_unit_test(an_effect_is_read_as_drawn),
        cmocka_unit_test(anything_cut_off_or_left_over_is_refused),
        cmocka_unit_test(what_no_server_says_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
