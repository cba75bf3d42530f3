/* Zones and slots. The offsets are those that the C library says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/fleet/rules/slot.h"

/* What the C library says of the same moment. */
static int32_t offset_by_libc(const char *zone, int64_t seconds)
{
    time_t moment = (time_t)seconds;
    struct tm local;
    setenv("TZ", zone, 1);
    tzset();
    localtime_r(&moment, &local);
    return (int32_t)local.tm_gmtoff;
}

static void offsets_are_those_of_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin",       "America/New_York", "Asia/Kolkata",
                                        "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca",
                                        "Pacific/Apia",        "Europe/Dublin",    "America/Santiago",
                                        "Asia/Gaza",           "Etc/GMT+5",        "UTC"};
    struct zones zones = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct zone *zone = zone_find(&zones, names[i]);
        assert_non_null(zone);
        /* Every five days and some seconds from 2000 to 2090. */
        for (int64_t seconds = 946684800; seconds < 3786912000; seconds += 432123) {
            if (zone_offset(zone, seconds * 1000) != offset_by_libc(names[i], seconds))
                fail_msg("%s at %lld", names[i], (long long)seconds);
        }
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

static void where_the_clock_goes_forward_at_midnight_the_night_begins_at_one(void **state)
{
    (void)state;
    struct zones zones = {0};
    int64_t opens;
    /* 2026-03-28 09:00 in Beirut; its next day begins at 01:00, which is 22:00 UTC. */
    assert_false(slot_open(SLOT_NIGHT, zone_find(&zones, "Asia/Beirut"), 1774681200000, &opens));
    assert_int_equal(opens, 1774735200000);
    /* 2026-03-07 23:00:00.001 in Havana, in the last hour before. */
    assert_false(slot_open(SLOT_NIGHT, zone_find(&zones, "America/Havana"), 1772942400001, &opens));
    assert_int_equal(opens, 1772946000000);
    zones_clear(&zones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_those_of_the_c_library),
        cmocka_unit_test(a_zone_is_loaded_once),
        cmocka_unit_test(a_name_that_is_none_finds_nothing),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(a_slot_is_open_by_the_clock_on_the_wall),
        cmocka_unit_test(a_closed_slot_says_when_it_opens),
        cmocka_unit_test(where_the_clock_goes_forward_at_midnight_the_night_begins_at_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
