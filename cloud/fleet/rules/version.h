/* Comparing what devices and firmware say of themselves: versions and build dates. */
#ifndef TANDEM_CLOUD_VERSION_H
#define TANDEM_CLOUD_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Semantic Versioning 2.0.0, section 11, with what is common in firmware besides: a leading "v", and one to
 * four numbers ("1.2", "1.2.3.4"), missing ones being 0. False if one of the texts is no such version; else
 * *order is below, equal to or above 0. */
bool version_compare(const char *a, const char *b, int *order);

/* Seconds since 1970 of a build date, taken as UTC: "Nov 16 2023 20:35:55" (the compiler's), or
 * "2023-11-16 20:35:55" (a T and a Z allowed); the time may be missing. False for anything else. */
bool version_build_date(const char *build, int64_t *seconds);

#define VERSION_KEY_MAX 64
/* A text that sorts, byte by byte, as the versions do; what is no version sorts after all that are. Returns
 * to. */
const char *version_key(const char *version, char to[VERSION_KEY_MAX]);

#endif
