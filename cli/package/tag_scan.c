#include "cli/package/tag_scan.h"

#include <string.h>

#include "tandem/tag.h"

/* One character goes on behind the marker's text, so that this program holds no marker itself. */
static const char marker[] = "blnkinf*";
#define MARKER_TEXT 7
#define MARKER      8

/* What scanners take between the marker and the end, docs/PROTOCOL.md section 6; NUL included. */
static bool in_alphabet(char c)
{
    return c == '\0' ||
           strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ \t\n\v\f\r.,:-()", c) !=
               NULL;
}

static const char *find_marker(const char *from, const char *end)
{
    for (; (size_t)(end - from) >= MARKER; from++) {
        from = memchr(from, marker[0], (size_t)(end - from) - (MARKER - 1));
        if (from == NULL || (memcmp(from, marker, MARKER_TEXT) == 0 && from[MARKER_TEXT] == '\0'))
            return from;
    }
    return NULL;
}

/* Behind the first two NULs that follow a marker, or NULL and *stop is where that became impossible. */
static const char *find_end(const char *start, const char *end, const char **stop)
{
    for (const char *at = start + MARKER; at < end; at++) {
        if (!in_alphabet(*at)) {
            *stop = at;
            return NULL;
        }
        if (at > start + MARKER && at[0] == '\0' && at[-1] == '\0')
            return at + 1;
    }
    *stop = end;
    return NULL;
}

static bool has_pair(const struct tag_slice *tag)
{
    size_t cursor = 0;
    const char *key;
    const char *value;

    return tdm_tag_next_pair(tag->start, tag->length, &cursor, &key, &value);
}

bool tag_scan(const struct file_bytes *file, struct tag_slice *tag)
{
    const char *at = (const char *)file->data;
    const char *end = at + file->size;

    while (at < end && (at = find_marker(at, end)) != NULL) {
        /* A marker in between would end at the same place: the search goes on behind it. */
        const char *stop = at + 1;
        const char *behind = find_end(at, end, &stop);

        *tag = (struct tag_slice){at, behind ? (size_t)(behind - at) : 0};
        if (behind && has_pair(tag))
            return true;
        at = stop;
    }
    return false;
}
