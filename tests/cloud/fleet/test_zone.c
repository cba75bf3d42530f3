/* Zones and slots. The offsets are those of date(1) with TZ set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/slot.h"

/* Of Casablanca no moment to come: Morocco's rules change, and zone files with them. */
static const struct {
    const char *zone;
    int64_t seconds;
    int32_t offset;
} moments[] = {
    {"Europe/Berlin", 1700000000, 3600},        {"Europe/Berlin", 1711846799, 3600},
    {"Europe/Berlin", 1711846800, 7200},        {"Europe/Berlin", 1720000000, 7200},
    {"Europe/Berlin", 1761440400, 3600},        {"Europe/Berlin", 2500000000, 3600},
    {"Europe/Berlin", 4080000000, 7200},        {"America/New_York", 1700000000, -18000},
    {"America/New_York", 1711846799, -14400},   {"America/New_York", 1711846800, -14400},
    {"America/New_York", 1720000000, -14400},   {"America/New_York", 1761440400, -14400},
    {"America/New_York", 2500000000, -14400},   {"America/New_York", 4080000000, -14400},
    {"Asia/Kolkata", 1700000000, 19800},        {"Asia/Kolkata", 1711846799, 19800},
    {"Asia/Kolkata", 1711846800, 19800},        {"Asia/Kolkata", 1720000000, 19800},
    {"Asia/Kolkata", 1761440400, 19800},        {"Asia/Kolkata", 2500000000, 19800},
    {"Asia/Kolkata", 4080000000, 19800},        {"Australia/Lord_Howe", 1700000000, 39600},
    {"Australia/Lord_Howe", 1711846799, 39600}, {"Australia/Lord_Howe", 1711846800, 39600},
    {"Australia/Lord_Howe", 1720000000, 37800}, {"Australia/Lord_Howe", 1761440400, 39600},
    {"Australia/Lord_Howe", 2500000000, 39600}, {"Australia/Lord_Howe", 4080000000, 37800},
    {"America/St_Johns", 1700000000, -12600},   {"America/St_Johns", 1711846799, -9000},
    {"America/St_Johns", 1711846800, -9000},    {"America/St_Johns", 1720000000, -9000},
    {"America/St_Johns", 1761440400, -9000},    {"America/St_Johns", 2500000000, -9000},
    {"America/St_Johns", 4080000000, -9000},    {"Africa/Casablanca", 1700000000, 3600},
    {"Africa/Casablanca", 1711846799, 0},       {"Africa/Casablanca", 1711846800, 0},
    {"Africa/Casablanca", 1720000000, 3600},    {"Africa/Casablanca", 1761440400, 3600},
    {"Pacific/Apia", 1700000000, 46800},        {"Pacific/Apia", 1711846799, 46800},
    {"Pacific/Apia", 1711846800, 46800},        {"Pacific/Apia", 1720000000, 46800},
    {"Pacific/Apia", 1761440400, 46800},        {"Pacific/Apia", 2500000000, 46800},
    {"Pacific/Apia", 4080000000, 46800},
};

static void offsets_are_those_of_the_system(void **state)
{
    (void)state;
    struct zones zones = {0};
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        const struct zone *zone = zone_find(&zones, moments[i].zone);
        assert_non_null(zone);
        assert_int_equal(zone_offset(zone, moments[i].seconds * 1000), moments[i].offset);
    }
    zones_clear(&zones);
}

static void a_zone_is_loaded_once(void **state)
{
    (void)state;
    struct zones zones = {0};
    const struct zone *zone = zone_find(&zones, "Europe/Berlin");
    assert_ptr_equal(zone, zone_find(&zones, "Europe/Berlin"));
    zones_clear(&zones);
}

static void a_name_that_is_none_finds_nothing(void **state)
{
    (void)state;
    struct zones zones = {0};
    static const char *const bad[] = {"../passwd", "/etc/passwd",  "Europe/../../../../etc/passwd",
                                      "Europe",    "Mars/Olympus", "zone.tab"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(zone_find(&zones, bad[i]));
    assert_non_null(zone_find(&zones, ""));
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    uint8_t data[4096];
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    assert_non_null(file);
    uint32_t bytes = (uint32_t)fread(data, 1, sizeof data, file);
    fclose(file);
    for (uint32_t cut = 0; cut < bytes; cut++) {
        uint8_t *part = malloc(cut + 1); /* whatever a part says, no byte behind it may be read */
        assert_non_null(part);
        memmove(part + 1, data, cut);
        zone_free(zone_parse("cut", part + 1, cut));
        free(part);
    }
    data[0] = 'X';
    assert_null(zone_parse("bad", data, bytes));
}

/* 2023-11-14 22:13:20 UTC. */
#define NOW  ((int64_t)1700000000000)
#define HOUR ((int64_t)3600000)

static void a_slot_is_open_by_the_clock_on_the_wall(void **state)
{
    (void)state;
    struct zones zones = {0};
    int64_t opens;
    assert_true(slot_open(SLOT_EVENING, zone_find(&zones, "UTC"), NOW, &opens)); /* 22:13 */
    assert_true(slot_open(SLOT_ANY, zone_find(&zones, "UTC"), NOW, &opens));
    assert_int_equal(opens, NOW);
    assert_true(slot_open(SLOT_EVENING, zone_find(&zones, "Europe/Berlin"), NOW, &opens));      /* 23:13 */
    assert_true(slot_open(SLOT_NIGHT, zone_find(&zones, "Asia/Kolkata"), NOW, &opens));         /* 03:43 */
    assert_true(slot_open(SLOT_MORNING, zone_find(&zones, "Asia/Tokyo"), NOW, &opens));         /* 07:13 */
    assert_true(slot_open(SLOT_AFTERNOON, zone_find(&zones, "America/New_York"), NOW, &opens)); /* 17:13 */
    assert_false(slot_open(SLOT_NIGHT, zone_find(&zones, "Europe/Berlin"), NOW, &opens));
    zones_clear(&zones);
}

static void a_closed_slot_says_when_it_opens(void **state)
{
    (void)state;
    struct zones zones = {0};
    int64_t opens;
    assert_false(slot_open(SLOT_NIGHT, zone_find(&zones, "UTC"), NOW, &opens));
    assert_int_equal(opens, 1700006400000); /* 2023-11-15 00:00 */
    assert_false(slot_open(SLOT_MORNING, zone_find(&zones, "Europe/Berlin"), NOW, &opens));
    assert_int_equal(opens, 1700006400000 + 5 * HOUR);
    /* The night in which the clock goes forward: 2024-03-31 06:00 in Berlin is 04:00 UTC. */
    assert_false(slot_open(SLOT_MORNING, zone_find(&zones, "Europe/Berlin"), 1711839600000, &opens));
    assert_int_equal(opens, 1711857600000);
    assert_true(slot_open(SLOT_MORNING, zone_find(&zones, "Europe/Berlin"), opens, &opens));
    zones_clear(&zones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_those_of_the_system),
        cmocka_unit_test(a_zone_is_loaded_once),
        cmocka_unit_test(a_name_that_is_none_finds_nothing),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(a_slot_is_open_by_the_clock_on_the_wall),
        cmocka_unit_test(a_closed_slot_says_when_it_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
