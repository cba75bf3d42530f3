/* The head of an HTTP/1.1 request, and the small grammars in it. Pure: bytes in, structure out. */
#ifndef TANDEM_CLOUD_HTTP_HEAD_H
#define TANDEM_CLOUD_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX  8192 /* request line and headers */
#define HTTP_PATH_MAX  512
#define HTTP_QUERY_MAX 4096 /* an identity provider's code may have 2 KB */

/* X(NAME) */
#define HTTP_METHODS(X)                                                                                      \
    X(GET)                                                                                                   \
    X(HEAD)                                                                                                  \
    X(POST)                                                                                                  \
    X(PUT)                                                                                                   \
    X(PATCH)                                                                                                 \
    X(DELETE)                                                                                                \
    X(OPTIONS)

enum http_method {
#define HTTP_METHOD_ENUM(name) HTTP_##name,
    HTTP_METHODS(HTTP_METHOD_ENUM)
#undef HTTP_METHOD_ENUM
};

struct http_head {
    enum http_method method;
    char path[HTTP_PATH_MAX];   /* as sent, without the query; starts with '/' */
    char query[HTTP_QUERY_MAX]; /* as sent, without the '?' */
    bool version_1_1;
    bool keep_alive;
    bool expect_continue;
    bool upgrade;               /* to another protocol, as the header Upgrade names it */
    bool chunked;               /* the length of the body is not known */
    int64_t content_length;     /* 0 without a body */
    size_t fields_bytes;        /* of all headers: */
    char fields[HTTP_HEAD_MAX]; /* name, NUL, value, NUL, and so on */
};

/* Parses the head at data. Returns its length once it is complete, 0 while it is not, or the negative of the
 * HTTP status that refuses it: 400, 414 (target too long), 431 (head too large), 501 (method), 505 (version).
 */
int http_head_parse(struct http_head *head, const char *data, size_t bytes);

/* The value of the first header with this name, in any case; "" if there is none. */
const char *http_head_value(const struct http_head *head, const char *name);

/* The values of all headers with this name, in their order, with ", " between. False if they do not fit. */
bool http_head_values(const struct http_head *head, const char *name, char *to, size_t capacity);

/* The value of a cookie that the client sent. False if it is absent or does not fit. */
bool http_cookie_get(const struct http_head *head, const char *name, char *to, size_t capacity);

/* The value of key in a query, percent-decoded. False if it is absent, malformed, holds a NUL, or does not
 * fit. */
bool http_query_get(const char *query, const char *key, char *to, size_t capacity);

/* The next pair of a query, decoded, from *at on (start with 0): 1. 0 at the end; -1 if it is malformed or
 * does not fit; name is then "" or tells which. */
int http_query_next(const char *query, size_t *at, char *name, size_t name_capacity, char *value,
                    size_t value_capacity);

/* The token of an "Authorization: Bearer TOKEN" value, or NULL. */
const char *http_bearer(const char *authorization);

enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_PART, HTTP_RANGE_UNSATISFIABLE };
/* One range of a resource of size bytes: *start and *length on PART. A malformed value, several ranges or
 * another unit count as no range, as RFC 9110 section 14.2 allows. */
enum http_range http_range_parse(const char *value, int64_t size, int64_t *start, int64_t *length);

/* The usual phrase of a status. */
const char *http_reason(int status);

#endif
