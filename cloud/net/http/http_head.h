/* The head of an HTTP/1.1 request. Pure: bytes in, structure out. http_query.h and http_value.h read on in
 * it. */
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

const char *http_method_name(enum http_method method);

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

#endif
