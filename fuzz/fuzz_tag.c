/* Tags in any bytes: parsing, searching in memory, and that a stream in pieces finds the same. */
#include "fuzz/fuzz.h"
#include "tandem/tag.h"

#include <stdlib.h>
#include <string.h>

static void walk_pairs(const uint8_t *tag, int length)
{
    size_t cursor = 0;
    const char *key;
    const char *value;

    while (tdm_tag_next_pair(tag, (size_t)length, &cursor, &key, &value)) {
        if (value + strlen(value) >= (const char *)tag + length)
            abort();
    }
}

/* A tag that was built must be read as what it was built from. */
static void build_again(const struct tdm_tag *tag)
{
    uint8_t built[TDM_TAG_MAX];
    struct tdm_tag again;
    int length = tdm_tag_build(tag, built, sizeof built);

    if (length < 0)
        return;
    if (tdm_tag_parse(&again, built, (size_t)length) != length || memcmp(&again, tag, sizeof again) != 0)
        abort();
}

static long find_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
    struct tdm_tag_scanner scanner;
    struct tdm_tag tag;
    size_t at;

    tdm_tag_scanner_init(&scanner);
    for (at = 0; at < size; at += piece) {
        size_t count = size - at < piece ? size - at : piece;

        if (tdm_tag_scanner_feed(&scanner, data + at, count, &tag) == TDM_OK)
            return (long)scanner.offset;
    }
    return TDM_E_NOT_FOUND;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tdm_tag tag;
    size_t piece;
    long found;

    if (size < 1)
        return 0;
    piece = data[0] + 1u;
    data++;
    size--;
    found = tdm_tag_find(&tag, data, size);
    if (found >= 0) {
        int length = tdm_tag_parse(&tag, data + found, size - (size_t)found);

        if (length <= 0)
            abort();
        walk_pairs(data + found, length);
        build_again(&tag);
    }
    if (find_in_pieces(data, size, piece) != found)
        abort();
    return 0;
}
