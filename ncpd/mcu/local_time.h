/* Time, zone and place of the device: this machine's, and what the cloud says of them. No I/O but the clock.
 */
#ifndef NCPD_LOCAL_TIME_H
#define NCPD_LOCAL_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct local_time {
    bool is_set;       /* by setTime or the cloud, */
    int64_t offset_ms; /* so much from this machine's clock */
    bool has_zone;     /* the cloud's; this machine's otherwise */
    int16_t zone_minutes;
    int16_t dst_minutes; /* on top of it, now */
    char zone_name[64];  /* of the IANA data base */
    char zone_rule[64];  /* as POSIX writes it */
    bool has_place;
    char latitude[24];
    char longitude[24];
};

struct time_shown {
    int64_t unix_ms;
    int16_t offset_minutes; /* of local time from UTC, summer time included */
    bool dst;
    char iso8601[40]; /* local time */
    char zone[64];
};

/* False if nobody knows the time: this machine's clock was obviously never set, and nobody told another. */
bool local_time_get(const struct local_time *local, struct time_shown *shown);

/* The MCU says what time it is. False if that is before 2024. */
bool local_time_set(struct local_time *local, int64_t unix_ms);

/* downlink/utc/all/json. The cloud's time counts only while no other is known. True if what the device shows
 * has changed; a malformed message changes nothing. */
bool local_time_take_zone(struct local_time *local, const void *json, size_t bytes);

/* downlink/loc/all: LATITUDE,LONGITUDE. */
void local_time_take_place(struct local_time *local, const void *text, size_t bytes);

#endif
