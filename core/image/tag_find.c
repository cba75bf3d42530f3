/* Finding the first tag of a file, whole in memory or as a stream. See tandem/tag.h.
 *
 * A place that does not parse is left by one byte and the search goes on behind it, so that a marker inside
 * of a broken tag is found. No place is looked at for more than TDM_TAG_MAX bytes, and only places that spell
 * the marker for more than a few: linear time, however many bare markers a file holds. */
#include "tandem/tag.h"

#include <string.h>

#include "core/image/tag_walk.h"

long tdm_tag_find(struct tdm_tag *tag, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    size_t i;

    for (i = 0; i < bytes; i++) {
        if (at[i] == 'b' && tdm_tag_parse(tag, at + i, bytes - i) > 0)
            return (long)i;
    }
    return TDM_E_NOT_FOUND;
}

void tdm_tag_scanner_init(struct tdm_tag_scanner *scanner)
{
    scanner->length = 0;
    scanner->offset = 0;
}

/* Forgets the first count bytes of the window. */
static void drop(struct tdm_tag_scanner *scanner, size_t count)
{
    scanner->length -= count;
    scanner->offset += (uint32_t)count;
    memmove(scanner->window, scanner->window + count, scanner->length);
}

/* Searches the window. What is left in it afterwards can still become a tag, and leaves room for more. */
static int search(struct tdm_tag_scanner *scanner, struct tdm_tag *tag)
{
    size_t i;

    for (i = 0; i < scanner->length; i++) {
        int result = TDM_E_TAG;

        if (scanner->window[i] == 'b')
            result = tdm_tag_parse(tag, scanner->window + i, scanner->length - i);
        if (result > 0 || result == TDM_E_TRUNCATED) {
            drop(scanner, i);
            return result > 0 ? TDM_OK : TDM_E_NOT_FOUND;
        }
    }
    drop(scanner, scanner->length);
    return TDM_E_NOT_FOUND;
}

int tdm_tag_scanner_feed(struct tdm_tag_scanner *scanner, const void *data, size_t bytes, struct tdm_tag *tag)
{
    const uint8_t *at = data;
    int result = TDM_E_NOT_FOUND;

    while (bytes > 0 && result == TDM_E_NOT_FOUND) {
        size_t room = sizeof scanner->window - scanner->length;
        size_t count = bytes < room ? bytes : room;

        memcpy(scanner->window + scanner->length, at, count);
        scanner->length += count;
        at += count;
        bytes -= count;
        result = search(scanner, tag);
    }
    return result;
}
