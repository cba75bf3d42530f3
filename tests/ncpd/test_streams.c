/* What the MCU and the cloud say of each other: pin_map of ncpd/config, datastreams and local_time of
 * ncpd/mcu. Topics and payloads are those of the cloud's published MQTT interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ncpd/mcu/datastreams.h"
#include "ncpd/mcu/local_time.h"

static struct pin_map map;
static struct datastreams streams;
static char topics[64][80];
static char payloads[64][1100];
static size_t sizes[64];
static int count;

static void publish(void *ctx, const char *topic, const void *payload, size_t bytes)
{
    (void)ctx;
    assert_true(count < 64 && bytes < sizeof payloads[0]);
    snprintf(topics[count], sizeof topics[0], "%s", topic);
    memcpy(payloads[count], payload, bytes);
    payloads[count][bytes] = '\0';
    sizes[count++] = bytes;
}

static int set_up(void **state)
{
    (void)state;
    count = 0;
    map = (struct pin_map){0};
    assert_true(pin_map_add(&map, 1, "Temperature"));
    assert_true(pin_map_add(&map, 2, "Device On"));
    datastreams_init(&streams, &map, publish, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    datastreams_reset(&streams);
    pin_map_free(&map);
    return 0;
}

static void assert_published(int index, const char *topic, const char *payload)
{
    assert_true(index < count);
    assert_string_equal(topics[index], topic);
    assert_string_equal(payloads[index], payload);
}

/* --- Names --- */

static void a_pin_without_a_row_is_v_and_its_number(void **state)
{
    char name[DATASTREAM_NAME_MAX + 1];
    uint16_t pin;

    (void)state;
    pin_map_name(&map, 1, name);
    assert_string_equal(name, "Temperature");
    pin_map_name(&map, 65535, name);
    assert_string_equal(name, "V65535");
    assert_true(pin_map_pin(&map, "Device On", &pin));
    assert_int_equal(pin, 2);
    assert_true(pin_map_pin(&map, "V65535", &pin));
    assert_int_equal(pin, 65535);
}

static void a_pin_with_a_name_of_its_own_has_no_other(void **state)
{
    uint16_t pin;

    (void)state;
    assert_false(pin_map_pin(&map, "V1", &pin));
    assert_false(pin_map_pin(&map, "V65536", &pin));
    assert_false(pin_map_pin(&map, "V", &pin));
    assert_false(pin_map_pin(&map, "V-1", &pin));
    assert_false(pin_map_pin(&map, "V07", &pin));
    assert_false(pin_map_pin(&map, "V00", &pin));
    assert_true(pin_map_pin(&map, "V0", &pin));
    assert_int_equal(pin, 0);
    assert_false(pin_map_pin(&map, "Humidity", &pin));
}

static void a_pin_or_a_name_has_one_row(void **state)
{
    (void)state;
    assert_false(pin_map_add(&map, 1, "Other"));
    assert_false(pin_map_add(&map, 3, "Temperature"));
    assert_false(pin_map_add(&map, 3, ""));
    assert_false(pin_map_add(&map, 3, "a/b"));
    assert_false(pin_map_add(&map, 3, "a+"));
    assert_false(pin_map_add(&map, 3, "#"));
    assert_true(pin_map_add(&map, 3, "V7"));
}

/* --- Up --- */

static void a_property_does_not_wait_for_its_group(void **state)
{
    (void)state;
    datastreams_begin_group(&streams, 0);
    datastreams_write(&streams, 1, "21.5", 4);
    datastreams_set_property(&streams, 1, "color", "red", 3);
    datastreams_write(&streams, 2, "true", 4);
    datastreams_end_group(&streams);
    datastreams_write(&streams, 1, "22", 2);
    assert_int_equal(count, 3);
    assert_published(0, "ds/Temperature/prop/color", "red");
    assert_published(1, "batch_ds", "{\"Temperature\":21.5,\"Device On\":\"true\"}");
    assert_published(2, "ds/Temperature", "22");
}

static void an_empty_group_is_no_message(void **state)
{
    (void)state;
    datastreams_begin_group(&streams, 0);
    datastreams_end_group(&streams);
    datastreams_end_group(&streams); /* without a begin */
    assert_int_equal(count, 0);
}

static void a_second_begin_ends_the_first_group(void **state)
{
    (void)state;
    datastreams_begin_group(&streams, 0);
    datastreams_write(&streams, 5, "a", 1);
    datastreams_begin_group(&streams, 0);
    datastreams_write(&streams, 5, "b", 1);
    datastreams_end_group(&streams);
    assert_int_equal(count, 2);
    assert_published(0, "batch_ds", "{\"V5\":\"a\"}");
    assert_published(1, "batch_ds", "{\"V5\":\"b\"}");
}

static void a_group_of_an_earlier_time_says_so_of_each_value(void **state)
{
    (void)state;
    datastreams_begin_group(&streams, 1795685884000);
    datastreams_write(&streams, 1, "21.5", 4);
    datastreams_write(&streams, 2, "on", 2);
    datastreams_write(&streams, 3, "30.5\00050.25", 10);
    datastreams_write(&streams, 4, "a\0b", 3); /* the cloud has no form for it with a time */
    datastreams_end_group(&streams);
    datastreams_write(&streams, 1, "22", 2);
    assert_int_equal(count, 5);
    assert_published(0, "ds/Temperature/timestamped_batch", "[[1795685884000,21.5]]");
    assert_published(1, "ds/Device On/timestamped_batch", "[[1795685884000,\"on\"]]");
    assert_published(2, "ds/V3/timestamped_batch", "[[1795685884000,[30.5,50.25]]]");
    assert_string_equal(topics[3], "ds/V4");
    assert_published(4, "ds/Temperature", "22");
}

static void several_parts_go_alone_unless_they_are_a_place(void **state)
{
    (void)state;
    datastreams_begin_group(&streams, 0);
    datastreams_write(&streams, 4, "First\0Second", 12);
    datastreams_write(&streams, 5, "1\0002\0003", 5);
    datastreams_write(&streams, 6, "1.5\0-2", 6);
    datastreams_write(&streams, 7, "1\0", 2);
    datastreams_end_group(&streams);
    assert_int_equal(count, 4);
    assert_string_equal(topics[0], "ds/V4");
    assert_int_equal(sizes[0], 12);
    assert_string_equal(topics[1], "ds/V5");
    assert_string_equal(topics[2], "ds/V7");
    assert_published(3, "batch_ds", "{\"V6\":[1.5,-2]}");
}

static void what_cannot_stand_in_a_batch_goes_alone(void **state)
{
    static char value[PIN_VALUE_MAX];

    (void)state;
    memset(value, 'x', sizeof value);
    datastreams_begin_group(&streams, 0);
    datastreams_write(&streams, 5, "\xff\xfe", 2);
    datastreams_write(&streams, 6, value, 1000);
    datastreams_write(&streams, 7, value, PIN_VALUE_MAX + 1); /* longer than any */
    datastreams_write(&streams, 8, "", 0);
    datastreams_end_group(&streams);
    assert_int_equal(count, 3);
    assert_string_equal(topics[0], "ds/V5");
    assert_string_equal(topics[1], "ds/V6");
    assert_int_equal(sizes[1], 1000);
    assert_published(2, "batch_ds", "{\"V8\":\"\"}");
}

static void text_that_only_begins_like_a_number_is_text(void **state)
{
    (void)state;
    datastreams_begin_group(&streams, 0);
    datastreams_write(&streams, 1, "1.5 C", 5);
    datastreams_write(&streams, 2, "-0.5", 4);
    datastreams_write(&streams, 3, "[1]", 3);
    datastreams_end_group(&streams);
    assert_published(0, "batch_ds", "{\"Temperature\":\"1.5 C\",\"Device On\":-0.5,\"V3\":\"[1]\"}");
}

static void a_sync_skips_what_is_no_pin(void **state)
{
    (void)state;
    datastreams_sync(&streams,
                     "1\0x\0"
                     "65536\0"
                     "9",
                     11);
    datastreams_sync(&streams, "x", 1);
    datastreams_sync(&streams, "", 0);
    assert_int_equal(count, 1);
    assert_published(0, "get/ds", "Temperature,V9");
}

/* --- Down --- */

static void the_newest_value_of_a_pin_waits(void **state)
{
    const struct pin_change *next;

    (void)state;
    assert_true(datastreams_receive(&streams, "Temperature", "1", 1));
    assert_true(datastreams_receive(&streams, "V9", "2", 1));
    assert_true(datastreams_receive(&streams, "Temperature", "34", 2));
    next = datastreams_next(&streams);
    assert_int_equal(next->pin, 1);
    assert_int_equal(next->bytes, 2);
    assert_memory_equal(next->value, "34", 2);
    datastreams_told(&streams);
    assert_int_equal(datastreams_next(&streams)->pin, 9);
    datastreams_told(&streams);
    assert_null(datastreams_next(&streams));
}

static void of_too_many_pins_the_oldest_gives_way(void **state)
{
    char name[8];

    (void)state;
    for (int pin = 100; pin < 100 + PINS_WAITING + 2; pin++) {
        snprintf(name, sizeof name, "V%d", pin);
        assert_true(datastreams_receive(&streams, name, "x", 1));
    }
    assert_int_equal(streams.lost, 2);
    assert_int_equal(datastreams_next(&streams)->pin, 102);
    assert_false(datastreams_receive(&streams, "V1000", "x", PIN_VALUE_MAX + 1));
}

/* --- Time and place --- */

static bool take_zone(struct local_time *local, const char *json)
{
    return local_time_take_zone(local, json, strlen(json));
}

static void a_zone_west_of_greenwich(void **state)
{
    struct local_time local = {0};
    struct time_shown shown;

    (void)state;
    assert_true(take_zone(&local, "{\"tz_name\":\"America/Goose_Bay\",\"tz_rule\":\"AST4ADT,M3.2.0,M11.1.0\","
                                  "\"tz_offset\":-240,\"dst_offset\":0,\"time\":1709326077759}"));
    assert_false(
        take_zone(&local, "{\"tz_name\":\"America/Goose_Bay\",\"tz_offset\":-240,\"dst_offset\":0}"));
    assert_true(local_time_set(&local, 1709326077759)); /* as the cloud's documentation shows it */
    assert_true(local_time_get(&local, &shown));
    assert_memory_equal(shown.iso8601, "2024-03-01T16:47:5", 18);
    assert_string_equal(shown.iso8601 + 19, "-04:00");
    assert_int_equal(shown.offset_minutes, -240);
    assert_false(shown.dst);
    assert_string_equal(shown.zone, "America/Goose_Bay");
}

static void a_zone_with_half_an_hour_behind_utc(void **state)
{
    struct local_time local = {0};
    struct time_shown shown;

    (void)state;
    assert_true(take_zone(&local, "{\"tz_name\":\"Pacific/Marquesas\",\"tz_offset\":-570,\"dst_offset\":0}"));
    assert_true(local_time_set(&local, 1709326077759));
    assert_true(local_time_get(&local, &shown));
    assert_memory_equal(shown.iso8601, "2024-03-01T11:17:5", 18);
    assert_string_equal(shown.iso8601 + 19, "-09:30");
}

static void refuses_times_that_nobody_has(void **state)
{
    struct local_time local = {0};

    (void)state;
    assert_false(local_time_set(&local, 0));
    assert_false(local_time_set(&local, -1));
    assert_false(local_time_set(&local, 1704067199999));
    assert_false(local_time_set(&local, 253402300800000));
    assert_true(local_time_set(&local, 1704067200000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pin_without_a_row_is_v_and_its_number),
        TEST(a_pin_with_a_name_of_its_own_has_no_other),
        TEST(a_pin_or_a_name_has_one_row),
        TEST(a_property_does_not_wait_for_its_group),
        TEST(an_empty_group_is_no_message),
        TEST(a_second_begin_ends_the_first_group),
        TEST(a_group_of_an_earlier_time_says_so_of_each_value),
        TEST(several_parts_go_alone_unless_they_are_a_place),
        TEST(what_cannot_stand_in_a_batch_goes_alone),
        TEST(text_that_only_begins_like_a_number_is_text),
        TEST(a_sync_skips_what_is_no_pin),
        TEST(the_newest_value_of_a_pin_waits),
        TEST(of_too_many_pins_the_oldest_gives_way),
        TEST(a_zone_west_of_greenwich),
        TEST(a_zone_with_half_an_hour_behind_utc),
        TEST(refuses_times_that_nobody_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
