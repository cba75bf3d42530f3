#include "cloud/net/http/http_query.h"

#include <string.h>

#include "cloud/net/http/slice.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct slice text, char *to, size_t capacity)
{
    size_t n = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < text.bytes ? hex_value(text.at[i + 1]) : -1;
            int low = i + 2 < text.bytes ? hex_value(text.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || n + 1 >= capacity)
            return false;
        to[n++] = c;
    }
    to[n] = '\0';
    return true;
}

/* The value of key, still encoded. */
static bool find_value(const char *query, const char *key, struct slice *value)
{
    struct slice rest = slice_of(query);
    struct slice name;
    while (slice_next(&rest, '&', value)) {
        if (slice_cut(value, '=', &name) && slice_is(name, key))
            return true;
    }
    return false;
}

int http_query_next(const char *query, size_t *at, char *name, size_t name_capacity, char *value,
                    size_t value_capacity)
{
    struct slice rest = slice_of(query + *at);
    struct slice pair;
    struct slice key;
    name[0] = '\0';
    value[0] = '\0';
    if (rest.bytes == 0)
        return 0;
    (void)slice_next(&rest, '&', &pair);
    *at = rest.at != NULL ? (size_t)(rest.at - query) : strlen(query);
    if (!slice_cut(&pair, '=', &key) || key.bytes == 0 || !decode(key, name, name_capacity))
        return -1;
    return decode(pair, value, value_capacity) ? 1 : -1;
}

bool http_query_get(const char *query, const char *key, char *to, size_t capacity)
{
    struct slice value;
    return find_value(query, key, &value) && decode(value, to, capacity);
}
