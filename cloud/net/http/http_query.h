/* The query of a target: NAME=VALUE pairs with '&' between, percent-encoded. Pure. */
#ifndef TANDEM_CLOUD_HTTP_QUERY_H
#define TANDEM_CLOUD_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>

/* The value of key in a query, percent-decoded. False if it is absent, malformed, holds a NUL, or does not
 * fit. */
bool http_query_get(const char *query, const char *key, char *to, size_t capacity);

/* The next pair of a query, decoded, from *at on (start with 0): 1. 0 at the end; -1 if it is malformed or
 * does not fit; name is then "" or tells which. */
int http_query_next(const char *query, size_t *at, char *name, size_t name_capacity, char *value,
                    size_t value_capacity);

#endif
