/* A zone file of version 2 or later holds its table twice: with 32-bit times, which is skipped, and with
 * 64-bit times. Behind the table a POSIX TZ text ("CET-1CEST,M3.5.0,M10.5.0/3") rules what comes after the
 * last change listed. */
#include "cloud/fleet/rules/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER      "/usr/share/zoneinfo"
#define NAME_MAX_   64
#define FILE_MAX    65536
#define HEADER      44
#define DAY         86400
#define CHANGES_MAX 4096

/* When a rule's day comes: of the forms of POSIX only the one that every zone file uses, Mm.w.d, and Jn, n.
 */
struct change_rule {
    char form;   /* 'M', 'J' or '0' */
    int month;   /* 1 to 12; of the others the day number */
    int week;    /* 1 to 5, 5 being the last */
    int weekday; /* 0 is Sunday */
    int32_t time;
};

struct tail {
    int32_t standard;
    int32_t summer;
    bool has_summer;
    struct change_rule start, end;
};

struct zone {
    struct zone *next;
    char name[NAME_MAX_];
    uint32_t count;
    int64_t *times;   /* ascending */
    int32_t *offsets; /* from each of them on */
    int32_t before;   /* the first of them */
    bool has_tail;
    struct tail tail;
    char rule[128]; /* the tail as text */
};

/* --- The text behind the table --- */

static bool skip_name(const char **text)
{
    const char *p = *text;
    if (*p == '<') {
        p += strcspn(p, ">");
        if (*p++ != '>')
            return false;
    } else {
        while (isalpha((unsigned char)*p))
            p++;
    }
    bool any = p != *text;
    *text = p;
    return any;
}

static bool read_int(const char **text, int *number)
{
    char *end;
    long value = strtol(*text, &end, 10);
    if (end == *text || value < -1000 || value > 1000)
        return false;
    *text = end;
    *number = (int)value;
    return true;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool read_clock(const char **text, int32_t *seconds)
{
    int sign = **text == '-' ? -1 : 1;
    int part[3] = {0};
    if (**text == '+' || **text == '-')
        ++*text;
    for (int i = 0; i < 3; i++) {
        if (!isdigit((unsigned char)**text) || !read_int(text, &part[i]))
            return false;
        if (**text != ':')
            break;
        ++*text;
    }
    *seconds = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return true;
}

static bool read_rule(const char **text, struct change_rule *rule)
{
    if (*(*text)++ != ',')
        return false;
    *rule = (struct change_rule){.form = '0', .time = 2 * 3600};
    if (**text == 'M' || **text == 'J')
        rule->form = *(*text)++;
    if (!read_int(text, &rule->month))
        return false;
    if (rule->form == 'M' && (*(*text)++ != '.' || !read_int(text, &rule->week) || *(*text)++ != '.' ||
                              !read_int(text, &rule->weekday)))
        return false;
    if (**text != '/')
        return true;
    ++*text;
    return read_clock(text, &rule->time);
}

static bool read_tail(const char *text, struct tail *tail)
{
    *tail = (struct tail){0};
    if (!skip_name(&text) || !read_clock(&text, &tail->standard))
        return false;
    tail->standard = -tail->standard; /* POSIX counts westwards */
    if (*text == '\0')
        return true;
    tail->has_summer = true;
    tail->summer = tail->standard + 3600;
    if (!skip_name(&text))
        return false;
    if (*text != ',') {
        if (!read_clock(&text, &tail->summer))
            return false;
        tail->summer = -tail->summer;
    }
    return read_rule(&text, &tail->start) && read_rule(&text, &tail->end) && *text == '\0';
}

/* --- Days --- */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970 to the first of January. */
static int64_t year_start(int64_t year)
{
    int64_t y = year - 1;
    return 365 * (year - 1970) + (y / 4 - 1969 / 4) - (y / 100 - 1969 / 100) + (y / 400 - 1969 / 400);
}

static int64_t year_of(int64_t days)
{
    int64_t year = 1970 + days / 365;
    while (year_start(year) > days)
        year--;
    return year;
}

static int64_t rule_day(const struct change_rule *rule, int64_t year)
{
    static const int starts[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t first = year_start(year);
    if (rule->form == 'J') /* 1 to 365, without the leap day */
        return first + rule->month - 1 + (is_leap(year) && rule->month >= 60);
    if (rule->form == '0')
        return first + rule->month;
    int month = rule->month < 1 ? 1 : rule->month > 12 ? 12 : rule->month;
    int64_t start = first + starts[month - 1] + (is_leap(year) && month > 2);
    int64_t end = first + starts[month] + (is_leap(year) && month > 1);
    int64_t weekday = (start + 4) % 7; /* 1970 began with a Thursday */
    int64_t day = start + (rule->weekday - weekday + 7) % 7 + 7 * (rule->week - 1);
    while (day >= end)
        day -= 7;
    return day;
}

static int32_t tail_offset(const struct tail *tail, int64_t seconds)
{
    if (!tail->has_summer)
        return tail->standard;
    int64_t year = year_of((seconds + tail->standard) / DAY);
    int64_t start = rule_day(&tail->start, year) * DAY + tail->start.time - tail->standard;
    int64_t end = rule_day(&tail->end, year) * DAY + tail->end.time - tail->summer;
    bool summer = start < end ? seconds >= start && seconds < end : seconds >= start || seconds < end;
    return summer ? tail->summer : tail->standard;
}

/* --- The file --- */

struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

struct counts {
    uint32_t utc, standard, leap, times, types, chars;
};

static uint64_t read_be(const uint8_t *data, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | data[i];
    return value;
}

static bool read_header(struct reader *reader, struct counts *counts)
{
    const uint8_t *at = reader->at;
    if (reader->end - at < HEADER || memcmp(at, "TZif", 4) != 0 || at[4] < '2')
        return false;
    *counts = (struct counts){(uint32_t)read_be(at + 20, 4), (uint32_t)read_be(at + 24, 4),
                              (uint32_t)read_be(at + 28, 4), (uint32_t)read_be(at + 32, 4),
                              (uint32_t)read_be(at + 36, 4), (uint32_t)read_be(at + 40, 4)};
    reader->at += HEADER;
    return counts->times <= CHANGES_MAX && counts->types >= 1 && counts->types <= 256 &&
           counts->chars <= 4096 && counts->leap <= 1000 && counts->utc <= 256 && counts->standard <= 256;
}

/* Bytes of a table whose times have that size. */
static size_t table_bytes(const struct counts *counts, size_t time)
{
    return counts->times * (time + 1) + counts->types * 6 + counts->chars + counts->leap * (time + 4) +
           counts->standard + counts->utc;
}

static bool read_table(struct reader *reader, const struct counts *counts, struct zone *zone)
{
    const uint8_t *times = reader->at;
    const uint8_t *kinds = times + (size_t)counts->times * 8;
    const uint8_t *types = kinds + counts->times;
    zone->count = counts->times;
    zone->times = calloc(counts->times + 1, sizeof *zone->times);
    zone->offsets = calloc(counts->times + 1, sizeof *zone->offsets);
    if (zone->times == NULL || zone->offsets == NULL)
        abort();
    zone->before = (int32_t)read_be(types, 4);
    for (uint32_t i = 0; i < counts->times; i++) {
        if (kinds[i] >= counts->types)
            return false;
        zone->times[i] = (int64_t)read_be(times + (size_t)i * 8, 8);
        zone->offsets[i] = (int32_t)read_be(types + (size_t)kinds[i] * 6, 4);
    }
    reader->at += table_bytes(counts, 8);
    return true;
}

static void read_footer(const struct reader *reader, struct zone *zone)
{
    char *text = zone->rule;
    const uint8_t *start = reader->at + 1;
    if (reader->end - reader->at < 3 || *reader->at != '\n')
        return;
    const uint8_t *end = memchr(start, '\n', (size_t)(reader->end - start));
    if (end == NULL || (size_t)(end - start) >= sizeof zone->rule)
        return;
    memcpy(text, start, (size_t)(end - start));
    text[end - start] = '\0';
    zone->has_tail = read_tail(text, &zone->tail);
}

struct zone *zone_parse(const char *name, const void *data, uint32_t bytes)
{
    struct reader reader = {data, (const uint8_t *)data + bytes};
    struct counts counts;
    struct zone *zone = calloc(1, sizeof *zone);
    if (zone == NULL)
        abort();
    snprintf(zone->name, sizeof zone->name, "%s", name);
    bool ok = read_header(&reader, &counts) && (size_t)(reader.end - reader.at) > table_bytes(&counts, 4);
    if (ok) {
        reader.at += table_bytes(&counts, 4);
        ok = read_header(&reader, &counts) && (size_t)(reader.end - reader.at) >= table_bytes(&counts, 8) &&
             read_table(&reader, &counts, zone);
    }
    if (!ok) {
        zone_free(zone);
        return NULL;
    }
    read_footer(&reader, zone);
    return zone;
}

void zone_free(struct zone *zone)
{
    if (zone == NULL)
        return;
    free(zone->times);
    free(zone->offsets);
    free(zone);
}

/* A name from outside must not lead out of the folder. */
static bool is_name(const char *name)
{
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes >= NAME_MAX_ || !isalpha((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("_+-/", name[i]) == NULL)
            return false;
    }
    return true;
}

static struct zone *zone_load(const char *name)
{
    char path[sizeof FOLDER + NAME_MAX_ + 1];
    struct zone *zone = NULL;
    if (!is_name(name))
        return NULL;
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return NULL;
    uint8_t *data = malloc(FILE_MAX);
    if (data == NULL)
        abort();
    size_t bytes = fread(data, 1, FILE_MAX, file);
    fclose(file);
    if (bytes < FILE_MAX)
        zone = zone_parse(name, data, (uint32_t)bytes);
    free(data);
    return zone;
}

const struct zone *zone_find(struct zones *zones, const char *name)
{
    static const struct zone utc = {.name = "UTC", .rule = "UTC0"};
    if (name[0] == '\0' || strcmp(name, "UTC") == 0)
        return &utc;
    for (const struct zone *zone = zones->first; zone != NULL; zone = zone->next) {
        if (strcmp(zone->name, name) == 0)
            return zone;
    }
    struct zone *zone = zone_load(name);
    if (zone != NULL) {
        zone->next = zones->first;
        zones->first = zone;
    }
    return zone;
}

void zones_clear(struct zones *zones)
{
    while (zones->first != NULL) {
        struct zone *zone = zones->first;
        zones->first = zone->next;
        zone_free(zone);
    }
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

int32_t zone_standard(const struct zone *zone, int64_t now)
{
    return zone->has_tail ? zone->tail.standard : zone_offset(zone, now);
}

const char *zone_rule(const struct zone *zone)
{
    return zone->rule;
}

int32_t zone_offset(const struct zone *zone, int64_t now)
{
    int64_t seconds = now / 1000;
    uint32_t low = 0, high = zone->count; /* the first change after now */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_tail)
        return tail_offset(&zone->tail, seconds);
    return low == 0 ? zone->before : zone->offsets[low - 1];
}
