#include "ncpd/mcu/local_time.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* 2024-01-01: a machine without a clock of its own starts long before. */
#define SET_FROM_MS (1704067200 * (int64_t)1000)

static int64_t machine_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The name of this machine's zone: where /etc/localtime points to, else the abbreviation. */
static void machine_zone(char *to, size_t room, const char *abbreviation)
{
    char target[128];
    ssize_t length = readlink("/etc/localtime", target, sizeof target - 1);
    const char *name;

    target[length > 0 ? length : 0] = '\0';
    name = strstr(target, "/zoneinfo/");
    snprintf(to, room, "%.*s", (int)room - 1, name != NULL ? name + strlen("/zoneinfo/") : abbreviation);
}

/* Sets the zone, and to the local time that belongs to now. */
static void show_zone(const struct local_time *local, struct time_shown *shown, time_t now, struct tm *to)
{
    time_t there;

    if (!local->has_zone) {
        localtime_r(&now, to);
        shown->offset_minutes = (int16_t)(to->tm_gmtoff / 60);
        shown->dst = to->tm_isdst > 0;
        machine_zone(shown->zone, sizeof shown->zone, to->tm_zone);
        return;
    }
    shown->offset_minutes = (int16_t)(local->zone_minutes + local->dst_minutes);
    shown->dst = local->dst_minutes != 0;
    memcpy(shown->zone, local->zone_name, sizeof shown->zone);
    there = now + shown->offset_minutes * 60;
    gmtime_r(&there, to);
}

bool local_time_get(const struct local_time *local, struct time_shown *shown)
{
    struct tm fields;
    size_t length;

    memset(shown, 0, sizeof *shown);
    shown->unix_ms = machine_ms() + (local->is_set ? local->offset_ms : 0);
    if (shown->unix_ms < SET_FROM_MS) {
        shown->unix_ms = 0;
        return false;
    }
    show_zone(local, shown, (time_t)(shown->unix_ms / 1000), &fields);
    length = strftime(shown->iso8601, sizeof shown->iso8601, "%Y-%m-%dT%H:%M:%S", &fields);
    snprintf(shown->iso8601 + length, sizeof shown->iso8601 - length, "%c%02d:%02d",
             shown->offset_minutes < 0 ? '-' : '+', abs(shown->offset_minutes) / 60,
             abs(shown->offset_minutes) % 60);
    return true;
}

bool local_time_set(struct local_time *local, int64_t unix_ms)
{
    /* The year 9999 and later: nobody's clock. */
    if (unix_ms < SET_FROM_MS || unix_ms >= 253402300800000)
        return false;
    local->offset_ms = unix_ms - machine_ms();
    local->is_set = true;
    return true;
}

static bool take_minutes(const json_t *object, const char *key, int16_t *to)
{
    const json_t *value = json_object_get(object, key);
    json_int_t minutes = json_integer_value(value);

    if (!json_is_integer(value) || minutes < -24 * 60 || minutes > 24 * 60)
        return false;
    *to = (int16_t)minutes;
    return true;
}

static void take_text(const json_t *object, const char *key, char to[64])
{
    const char *text = json_string_value(json_object_get(object, key));

    snprintf(to, 64, "%s", text != NULL && strlen(text) < 64 ? text : "");
}

bool local_time_take_zone(struct local_time *local, const void *json, size_t bytes)
{
    json_t *object = json_loadb(json, bytes, JSON_REJECT_DUPLICATES, NULL);
    struct local_time before = *local;
    struct time_shown shown;
    bool changed = false;

    if (take_minutes(object, "tz_offset", &local->zone_minutes) &&
        take_minutes(object, "dst_offset", &local->dst_minutes)) {
        take_text(object, "tz_name", local->zone_name);
        take_text(object, "tz_rule", local->zone_rule);
        local->has_zone = true;
        changed = !before.has_zone || before.zone_minutes != local->zone_minutes ||
                  before.dst_minutes != local->dst_minutes || strcmp(before.zone_name, local->zone_name) != 0;
    } else {
        *local = before;
    }
    if (!local_time_get(local, &shown))
        changed = local_time_set(local, json_integer_value(json_object_get(object, "time"))) || changed;
    json_decref(object);
    return changed;
}

/* A number of degrees, at most limit. */
static bool take_degrees(const char *text, size_t length, double limit, char to[24])
{
    char *end;
    double degrees;

    if (length == 0 || length >= 24)
        return false;
    memcpy(to, text, length);
    to[length] = '\0';
    if (strspn(to, "+-.0123456789") != length)
        return false;
    degrees = strtod(to, &end);
    return *end == '\0' && degrees >= -limit && degrees <= limit;
}

void local_time_take_place(struct local_time *local, const void *text, size_t bytes)
{
    const char *start = text;
    const char *comma = bytes > 0 ? memchr(start, ',', bytes) : NULL;
    char latitude[24], longitude[24];

    if (comma != NULL && take_degrees(start, (size_t)(comma - start), 90, latitude) &&
        take_degrees(comma + 1, bytes - (size_t)(comma + 1 - start), 180, longitude)) {
        memcpy(local->latitude, latitude, sizeof latitude);
        memcpy(local->longitude, longitude, sizeof longitude);
        local->has_place = true;
    }
}
