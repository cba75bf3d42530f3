#include "cloud/net/http/http_value.h"

#include <strings.h>

#include "cloud/net/http/slice.h"

bool http_cookie_get(const char *cookies, const char *name, char *to, size_t capacity)
{
    struct slice rest = slice_of(cookies);
    struct slice pair;
    struct slice key;
    while (slice_next(&rest, ';', &pair)) {
        pair = slice_trim(pair);
        if (slice_cut(&pair, '=', &key) && slice_is(key, name))
            return slice_copy(pair, to, capacity);
    }
    return false;
}

const char *http_bearer(const char *authorization)
{
    if (strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    const char *token = authorization + 7;
    while (*token == ' ')
        token++;
    return token;
}

/* The only element of a list that is not empty; false if there is none, or another. */
static bool only_element(struct slice list, struct slice *only)
{
    struct slice piece;
    only->bytes = 0;
    while (slice_next(&list, ',', &piece)) {
        piece = slice_trim(piece);
        if (piece.bytes > 0 && only->bytes > 0)
            return false;
        if (piece.bytes > 0)
            *only = piece;
    }
    return only->bytes > 0;
}

/* A number of any length: one that is behind the end of every file stands for all of them. -1 for none. */
static int64_t position(struct slice text)
{
    bool digits = text.bytes > 0;
    for (size_t i = 0; i < text.bytes; i++)
        digits = digits && text.at[i] >= '0' && text.at[i] <= '9';
    int64_t number = digits ? slice_number(text) : -1;
    return digits && number < 0 ? INT64_MAX : number;
}

/* "bytes=10-", "bytes=-5": from the end. Both ends are numbers or absent (-1). */
static bool split_range(const char *value, int64_t *first, int64_t *last)
{
    struct slice rest = slice_of(value);
    struct slice before;
    if (!slice_cut(&rest, '=', &before) || !slice_is_in_any_case(before, "bytes") ||
        !only_element(rest, &rest) || !slice_cut(&rest, '-', &before))
        return false;
    *first = position(before);
    *last = position(rest);
    bool malformed = (before.bytes > 0 && *first < 0) || (rest.bytes > 0 && *last < 0);
    return !malformed && (*first >= 0 || *last >= 0) && (*first < 0 || *last < 0 || *first <= *last);
}

enum http_range http_range_parse(const char *value, int64_t size, int64_t *start, int64_t *length)
{
    int64_t first;
    int64_t last;
    if (!split_range(value, &first, &last))
        return HTTP_RANGE_NONE;
    if (first < 0) {
        if (last == 0 || size == 0)
            return HTTP_RANGE_UNSATISFIABLE;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else if (first >= size) {
        return HTTP_RANGE_UNSATISFIABLE;
    } else if (last < 0 || last >= size) {
        last = size - 1;
    }
    *start = first;
    *length = last - first + 1;
    return HTTP_RANGE_PART;
}

bool http_etag_listed(const char *list, const char *etag, bool weakly)
{
    struct slice rest = slice_of(list);
    struct slice piece;
    while (slice_next(&rest, ',', &piece)) {
        piece = slice_trim(piece);
        if (weakly && piece.bytes > 2 && memcmp(piece.at, "W/", 2) == 0)
            piece = (struct slice){piece.at + 2, piece.bytes - 2};
        if (slice_is(piece, etag) || slice_is(piece, "*"))
            return true;
    }
    return false;
}
