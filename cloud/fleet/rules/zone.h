/* Time zones by their Olson names ("Europe/Berlin"): what the clock on the wall says where a device stands.
 * Reads the system's zone files (RFC 8536) without touching the process's own zone. */
#ifndef TANDEM_CLOUD_ZONE_H
#define TANDEM_CLOUD_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct zone;

/* Zones that were asked for, kept. Zero-initialized: none. */
struct zones {
    struct zone *first;
};

/* The zone of that name; NULL if there is none, which is looked up anew each time. The zone lives as long as
 * zones. "" and "UTC" always exist. */
const struct zone *zone_find(struct zones *zones, const char *name);
void zones_clear(struct zones *zones);

const char *zone_name(const struct zone *zone);
/* Seconds that local time is ahead of UTC at this moment (milliseconds since 1970). */
int32_t zone_offset(const struct zone *zone, int64_t now);

/* The same without summer time. */
int32_t zone_standard(const struct zone *zone, int64_t now);
/* What rules its future, as POSIX's TZ has it: "CET-1CEST,M3.5.0,M10.5.0/3". */
const char *zone_rule(const struct zone *zone);

/* A zone from the bytes of its file; NULL if they are malformed. For tests; zone_free frees it. */
struct zone *zone_parse(const char *name, const void *data, uint32_t bytes);
void zone_free(struct zone *zone);

#endif
