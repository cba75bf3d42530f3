/* What the values of single headers hold. Pure. */
#ifndef TANDEM_CLOUD_HTTP_VALUE_H
#define TANDEM_CLOUD_HTTP_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of one cookie of a Cookie header. False if it is absent or does not fit. */
bool http_cookie_get(const char *cookies, const char *name, char *to, size_t capacity);

/* The token of an "Authorization: Bearer TOKEN" value, or NULL. */
const char *http_bearer(const char *authorization);

enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_PART, HTTP_RANGE_UNSATISFIABLE };
/* One range of a resource of size bytes: *start and *length on PART. A malformed value, several ranges or
 * another unit count as no range, as RFC 9110 section 14.2 allows. */
enum http_range http_range_parse(const char *value, int64_t size, int64_t *start, int64_t *length);

/* Whether an If-Match or If-None-Match names this strong tag, or any ("*"). Weakly: a weak tag of the same
 * name will do (RFC 9110, 8.8.3.2). The tag must have no comma. */
bool http_etag_listed(const char *list, const char *etag, bool weakly);

#endif
