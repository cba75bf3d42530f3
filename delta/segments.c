#include "delta/segments.h"

#include <string.h>

/* --- Choosing --- */

/* The first run that ends behind at. */
static size_t find_run(const struct aligned *aligned, uint32_t at)
{
    size_t low = 0;
    size_t high = aligned->run_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (aligned->runs[middle].start + aligned->runs[middle].length > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The part of run that lies in [start, end), from start on. */
static struct align_run clip(const struct align_run *run, uint32_t start, uint32_t end)
{
    uint32_t from = run->start > start ? run->start : start;
    uint32_t to = run->start + run->length < end ? run->start + run->length : end;

    return (struct align_run){from - start, to - from, run->shift};
}

static void drop_shortest(struct segments *segments)
{
    unsigned shortest = 0;

    for (unsigned i = 1; i < segments->count; i++) {
        if (segments->segment[i].length < segments->segment[shortest].length)
            shortest = i;
    }
    segments->count--;
    memmove(&segments->segment[shortest], &segments->segment[shortest + 1],
            (segments->count - shortest) * sizeof segments->segment[0]);
}

void segments_cut(struct segments *segments, const struct aligned *aligned, uint32_t start, uint32_t bytes)
{
    uint32_t end = start + bytes;

    segments->count = 0;
    for (size_t i = find_run(aligned, start); i < aligned->run_count && aligned->runs[i].start < end; i++) {
        if (segments->count == TDM_UNLZMA_SEGMENTS_MAX)
            drop_shortest(segments);
        segments->segment[segments->count++] = clip(&aligned->runs[i], start, end);
    }
}

/* --- Using --- */

void segments_apply(const struct segments *segments, const struct aligned *aligned, uint32_t start,
                    uint32_t bytes, uint8_t *to)
{
    memcpy(to, aligned->image + start, bytes);
    for (unsigned i = 0; i < segments->count; i++) {
        const struct align_run *segment = &segments->segment[i];
        const uint8_t *base = aligned->base + ((int64_t)start + segment->start + segment->shift);

        for (uint32_t n = 0; n < segment->length; n++)
            to[segment->start + n] = (uint8_t)(to[segment->start + n] - base[n]);
    }
}

static uint8_t *put_number(uint8_t *to, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

size_t segments_write(const struct segments *segments, uint8_t to[SEGMENTS_BYTES_MAX])
{
    uint8_t *at = to;
    uint32_t end = 0;
    int64_t shift = 0;

    *at++ = (uint8_t)segments->count;
    for (unsigned i = 0; i < segments->count; i++) {
        const struct align_run *segment = &segments->segment[i];
        int64_t move = segment->shift - shift;

        at = put_number(at, segment->start - end);
        at = put_number(at, segment->length);
        at = put_number(at, (uint32_t)(move < 0 ? -2 * move - 1 : 2 * move));
        end = segment->start + segment->length;
        shift = segment->shift;
    }
    return (size_t)(at - to);
}
