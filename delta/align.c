/* The idea is that of Percival's "Naive differences of executable code": a new image is the old one with
 * pieces put in and taken out, and in between addresses that differ by little. So a run goes on through
 * differences for as long as it predicts about as well as the best exact match elsewhere; where that match is
 * clearly longer, a new run starts there. Two neighbours then grow towards each other as far as more than
 * half of what they add is equal, and share what both could have where most bytes are equal. */
#include "delta/align.h"

#include <divsufsort.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "delta/array.h"

#define CLEARLY_LONGER 8 /* bytes: about what a segment costs */

struct aligner {
    const uint8_t *base;
    int64_t base_bytes;
    const uint8_t *image;
    int64_t image_bytes;
    int32_t *suffixes; /* of base, in order */
    struct align_run *runs;
    size_t count;
    size_t room;
};

struct match {
    int64_t at; /* in base */
    int64_t length;
};

static int64_t common(const struct aligner *a, int64_t at, int64_t from)
{
    int64_t limit = a->base_bytes - at < a->image_bytes - from ? a->base_bytes - at : a->image_bytes - from;
    int64_t n = 0;

    while (n < limit && a->base[at + n] == a->image[from + n])
        n++;
    return n;
}

/* The longest match for the image from `from` on: it stands beside the place where the rest of the image
 * would stand among the base's suffixes. */
static struct match longest_match(const struct aligner *a, int64_t from)
{
    int64_t low = 0;
    int64_t high = a->base_bytes;
    struct match best = {0, 0};

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int64_t at = a->suffixes[middle];
        int64_t n = common(a, at, from);
        bool base_is_less =
            at + n == a->base_bytes || (from + n < a->image_bytes && a->base[at + n] < a->image[from + n]);

        if (n > best.length)
            best = (struct match){at, n};
        if (base_is_less)
            low = middle + 1;
        else
            high = middle;
    }
    return best;
}

static bool is_predicted(const struct aligner *a, int64_t i, int64_t shift)
{
    int64_t at = i + shift;

    return at >= 0 && at < a->base_bytes && a->base[at] == a->image[i];
}

static int64_t count_predicted(const struct aligner *a, int64_t from, int64_t to, int64_t shift)
{
    int64_t equal = 0;

    for (int64_t i = from; i < to; i++)
        equal += is_predicted(a, i, shift);
    return equal;
}

/* How far a run with this shift reaches from `from` in steps of direction, before limit: to where most is won
 * if an equal byte counts 1 and another -1. */
static int64_t reach(const struct aligner *a, int64_t from, int64_t limit, int64_t shift, int direction)
{
    int64_t score = 0;
    int64_t best = 0;
    int64_t length = 0;

    for (int64_t n = 1; n <= limit; n++) {
        int64_t i = direction > 0 ? from + n - 1 : from - n;

        if (i + shift < 0 || i + shift >= a->base_bytes)
            break;
        score += is_predicted(a, i, shift) ? 1 : -1;
        if (score > best) {
            best = score;
            length = n;
        }
    }
    return length;
}

/* Two runs both want [from, to): where the first ends and the second begins, so that most bytes are equal. */
static int64_t best_cut(const struct aligner *a, int64_t from, int64_t to, int64_t first, int64_t second)
{
    int64_t gain = 0;
    int64_t best = 0;
    int64_t cut = from;

    for (int64_t i = from; i < to; i++) {
        gain += is_predicted(a, i, first) - is_predicted(a, i, second);
        if (gain > best) {
            best = gain;
            cut = i + 1;
        }
    }
    return cut;
}

static bool add_run(struct aligner *a, int64_t start, int64_t end, int64_t shift)
{
    if (end <= start)
        return true;
    if (!array_room((void **)&a->runs, &a->room, a->count, sizeof *a->runs))
        return false;
    a->runs[a->count++] = (struct align_run){(uint32_t)start, (uint32_t)(end - start), shift};
    return true;
}

/* The next place at or behind *from where the best match is clearly better than going on with shift; *from is
 * image_bytes if there is none. Looked for only where shift predicts wrongly: a match that began before is
 * found there too, and grows back. */
static struct match next_jump(const struct aligner *a, int64_t *from, int64_t shift)
{
    for (; *from < a->image_bytes; ++*from) {
        struct match match;

        if (is_predicted(a, *from, shift))
            continue;
        match = longest_match(a, *from);
        if (match.length > count_predicted(a, *from, *from + match.length, shift) + CLEARLY_LONGER)
            return match;
    }
    return (struct match){0, 0};
}

static int lay(struct aligner *a)
{
    int64_t start = 0; /* of the run under way */
    int64_t shift = 0; /* the images may well start alike */
    int64_t at = 0;

    while (start < a->image_bytes) {
        struct match match = next_jump(a, &at, shift);
        int64_t next = match.at - at;
        int64_t end = start + reach(a, start, at - start, shift, 1);
        int64_t begin = at < a->image_bytes ? at - reach(a, at, at - start, next, -1) : at;

        if (begin < end)
            begin = end = best_cut(a, begin, end, shift, next);
        if (!add_run(a, start, end, shift))
            return -1;
        start = begin;
        shift = next;
        at += match.length;
    }
    return 0;
}

int align(struct align_run **runs, size_t *count, const uint8_t *base, uint32_t base_bytes,
          const uint8_t *image, uint32_t image_bytes)
{
    struct aligner a = {.base = base, .base_bytes = base_bytes, .image = image, .image_bytes = image_bytes};
    int result = 0;

    *runs = NULL;
    *count = 0;
    if (base_bytes == 0)
        return 0;
    if (base_bytes > INT32_MAX)
        return -1;
    a.suffixes = malloc(base_bytes * sizeof *a.suffixes);
    result = a.suffixes == NULL || divsufsort(base, a.suffixes, (int32_t)base_bytes) != 0 ? -1 : lay(&a);
    free(a.suffixes);
    if (result != 0) {
        free(a.runs);
        return -1;
    }
    *runs = a.runs;
    *count = a.count;
    return 0;
}
