/* Frames, segments and the LZMA stream (docs/PACKAGE.md, "Encoded payloads"; the stream is that of the LZMA
 * specification, with lc 0, lp 0, pb 1).
 *
 *     step_head --> step_segment ... --> step_start --> step_symbol ... --> step_head of the next frame
 *
 * Which step comes next follows from what is there: at == frame_end asks for a head, segments < wanted for a
 * segment, range == 0 (which it never is in a stream) for its start.
 *
 * A step runs only when its input is there whole: no symbol takes more than 20 bytes, so 20 held bytes, or
 * all that is left of the frame, are enough. That keeps the decoder free of a state for each bit.
 *
 * The first error sticks. What follows it in the same step is harmless: nothing is written any more.
 *
 * Invariants: put - taken <= sizeof input; taken and put reach due and never pass it; frame_start <= at <=
 * frame_end <= image_bytes. */
#include "tandem/unlzma.h"

#include <string.h>

enum {
    HEAD_BYTES = 3,
    START_BYTES = 5,
    SYMBOL_BYTES_MAX = 20,
    STATES = 12,     /* of LZMA: 0 to 6 behind a literal; */
    STATE_MATCH = 7, /* behind a match; one more behind an old distance, two more behind a byte at it; */
    STATE_MATCH_AGAIN = 10, /* the same where no literal was before that (the last two are one) */
    POSITIONS = 2,          /* 1 << pb */
    MODEL_BITS = 11,
    MODEL_SHIFT = 5,
    LENGTH_MIN = 2,
    LENGTH_SLOTS = 4, /* lengths that have distance models of their own */
    SLOT_BITS = 6,
    SLOTS_WITH_MODELS = 14,
    SLOTS_PLAIN = 4,
    ALIGN_BITS = 4
};

#define RANGE_MIN (UINT32_C(1) << 24)

/* Where models lie. The lengths of matches and of repeated matches have a set of the same form each. */
enum {
    IS_MATCH = 0,
    IS_REP = IS_MATCH + STATES * POSITIONS,
    IS_REP_0 = IS_REP + STATES,
    IS_REP_0_LONG = IS_REP_0 + 3 * STATES, /* behind "is not 0", "not 1", "not 2" */
    SLOT = IS_REP_0_LONG + STATES * POSITIONS,
    SPECIAL = SLOT + (LENGTH_SLOTS << SLOT_BITS), /* distances of slots 4 to 13: 128 - 14 + 1, from 1 on */
    ALIGN = SPECIAL + 115,
    MATCH_LENGTH = ALIGN + (1 << ALIGN_BITS),
    LENGTH_LOW = 2, /* from the set's start, behind "is not low" and "is not middle" */
    LENGTH_MID = LENGTH_LOW + 8 * POSITIONS,
    LENGTH_HIGH = LENGTH_MID + 8 * POSITIONS,
    LENGTH_MODELS = LENGTH_HIGH + 256,
    REP_LENGTH = MATCH_LENGTH + LENGTH_MODELS,
    LITERAL = REP_LENGTH + LENGTH_MODELS,
    MODELS_END = LITERAL + 0x300
};

/* --- Input --- */

static void check(struct tdm_unlzma *d, int result)
{
    if (d->error == TDM_OK)
        d->error = result;
}

static void refuse(struct tdm_unlzma *d)
{
    check(d, TDM_E_PAYLOAD);
}

static uint8_t take(struct tdm_unlzma *d)
{
    if (d->taken == d->due) {
        refuse(d);
        return 0;
    }
    return d->input[d->taken++ % TDM_UNLZMA_INPUT];
}

/* Steps take what they need; so that they find it, each waits for this. */
static bool is_ready(const struct tdm_unlzma *d)
{
    return d->put == d->due || d->put - d->taken >= SYMBOL_BYTES_MAX;
}

/* LEB128. Bits that find no room are lost, which can only end in a wrong digest. */
static uint32_t take_number(struct tdm_unlzma *d)
{
    uint32_t value = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        byte = take(d);
        value |= (uint32_t)(byte & 0x7F) << shift;
        shift += 7;
    } while (byte >= 0x80 && shift < 35);
    return value;
}

/* --- Output --- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void read(struct tdm_unlzma *d, bool base, uint32_t offset, uint8_t *to, uint32_t count)
{
    check(d, d->ops->read(d->ctx, base, offset, to, count));
}

/* Adds sign times the prediction to the piece, count bytes that belong at an offset of the image. */
static void predict(struct tdm_unlzma *d, uint32_t offset, uint32_t count, int sign)
{
    for (uint32_t i = d->segments; i > 0; i--) {
        const struct tdm_unlzma_segment *segment = &d->segment[i];
        uint32_t start = d->frame_start + segment->start;
        uint32_t end = least(d->frame_start + segment->end, offset + count);
        uint8_t base[TDM_UNLZMA_PIECE];

        if (start < offset)
            start = offset;
        if (start >= end)
            continue;
        read(d, true, start + segment->shift, base, end - start);
        for (uint32_t k = 0; start < end; k++, start++)
            d->piece[start - offset] = (uint8_t)(d->piece[start - offset] + sign * base[k]);
    }
}

/* Puts out the piece, count bytes that the stream gave. */
static void put(struct tdm_unlzma *d, uint32_t count)
{
    predict(d, d->at, count, 1);
    d->at += count;
    if (d->error == TDM_OK)
        d->error = d->ops->write(d->ctx, d->piece, count);
}

/* Reads what lies back by the last distance into the piece, in the frame as the stream gave it: count bytes,
 * or as many as are there in one piece. Returns how many. */
static uint32_t look_back(struct tdm_unlzma *d, uint32_t count)
{
    uint32_t distance = d->distance[0] + 1;
    bool base = distance > d->at;
    uint32_t end = d->at;

    if (base) {
        distance -= end;
        end = d->base_bytes;
    }
    count = least(count, distance);
    read(d, base, end - distance, d->piece, count);
    if (!base)
        predict(d, end - distance, count, -1);
    return count;
}

static void copy(struct tdm_unlzma *d, uint32_t count)
{
    while (count > 0 && d->error == TDM_OK) {
        uint32_t n = look_back(d, least(count, TDM_UNLZMA_PIECE));

        put(d, n);
        count -= n;
    }
}

/* --- Range decoder --- */

static void normalize(struct tdm_unlzma *d)
{
    if (d->range < RANGE_MIN) {
        d->range <<= 8;
        d->code = d->code << 8 | take(d);
    }
}

static unsigned take_bit(struct tdm_unlzma *d, unsigned index)
{
    uint16_t *model = &d->model[index];
    uint32_t bound;

    normalize(d);
    bound = (d->range >> MODEL_BITS) * *model;
    if (d->code < bound) {
        d->range = bound;
        *model = (uint16_t)(*model + (((1u << MODEL_BITS) - *model) >> MODEL_SHIFT));
        return 0;
    }
    d->range -= bound;
    d->code -= bound;
    *model = (uint16_t)(*model - (*model >> MODEL_SHIFT));
    return 1;
}

/* A number of some bits, the highest first, with a model for each prefix. */
static unsigned take_tree(struct tdm_unlzma *d, unsigned models, unsigned bits)
{
    unsigned end = (uint32_t)1 << bits;
    unsigned prefix = 1;

    while (prefix < end)
        prefix = prefix << 1 | take_bit(d, models + prefix);
    return prefix - end;
}

/* Appends some bits that have no models, the highest first. */
static uint32_t take_plain(struct tdm_unlzma *d, uint32_t number, unsigned bits)
{
    for (; bits > 0; bits--) {
        normalize(d);
        d->range >>= 1;
        number <<= 1;
        if (d->code >= d->range) {
            d->code -= d->range;
            number |= 1;
        }
    }
    return number;
}

/* --- Symbols --- */

static unsigned position(const struct tdm_unlzma *d)
{
    return d->at % POSITIONS;
}

/* A byte. Behind a match its bits are coded knowing those of the byte that the match would have gone on with,
 * for as long as they agree. */
static void take_literal(struct tdm_unlzma *d)
{
    unsigned agrees = 0;
    unsigned symbol = 1;
    unsigned match = 0;

    if (d->state >= STATE_MATCH) {
        look_back(d, 1);
        match = d->piece[0];
        agrees = 0x100;
    }
    while (symbol < 0x100) {
        unsigned bit;

        match <<= 1;
        bit = take_bit(d, LITERAL + agrees + (match & agrees) + symbol);
        symbol = symbol << 1 | bit;
        agrees &= bit ? match : ~match;
    }
    if (d->state < 4)
        d->state = 0;
    else
        d->state -= d->state < STATE_MATCH_AGAIN ? 3 : 6;
    d->piece[0] = (uint8_t)symbol;
    put(d, 1);
}

static unsigned take_length(struct tdm_unlzma *d, unsigned set)
{
    unsigned models = set + LENGTH_LOW + 8 * position(d);
    unsigned shortest = LENGTH_MIN;
    unsigned bits = 3;

    if (take_bit(d, set) != 0) {
        shortest = LENGTH_MIN + 8;
        models += LENGTH_MID - LENGTH_LOW;
        if (take_bit(d, set + 1) != 0) {
            shortest = LENGTH_MIN + 16;
            models = set + LENGTH_HIGH;
            bits = 8;
        }
    }
    return shortest + take_tree(d, models, bits);
}

/* A distance, less one. */
static uint32_t take_distance(struct tdm_unlzma *d, unsigned length)
{
    unsigned by_length = least(length - LENGTH_MIN, LENGTH_SLOTS - 1);
    unsigned slot = take_tree(d, SLOT + (by_length << SLOT_BITS), SLOT_BITS);
    uint32_t distance = 2 | (slot & 1);
    unsigned models = ALIGN;
    unsigned bits;
    unsigned low;

    if (slot < SLOTS_PLAIN)
        return slot;
    bits = (slot >> 1) - 1;
    if (slot < SLOTS_WITH_MODELS) {
        models = SPECIAL + (distance << bits) - slot;
    } else {
        distance = take_plain(d, distance, bits - ALIGN_BITS);
        bits = ALIGN_BITS;
    }
    low = take_tree(d, models, bits);
    for (; bits > 0; bits--) {
        distance = distance << 1 | (low & 1);
        low >>= 1;
    }
    return distance;
}

/* Which of the last four distances. */
static unsigned take_old(struct tdm_unlzma *d)
{
    unsigned old = 0;

    while (old < 3 && take_bit(d, IS_REP_0 + old * STATES + d->state) != 0)
        old++;
    return old;
}

/* A match at a new distance, or at one of the last four, which moves to the front. */
static bool take_match(struct tdm_unlzma *d)
{
    unsigned state = d->state;
    unsigned next = state < STATE_MATCH ? STATE_MATCH : STATE_MATCH_AGAIN;
    unsigned old = 3;
    uint32_t distance;
    unsigned length;

    if (take_bit(d, IS_REP + state) == 0) {
        length = take_length(d, MATCH_LENGTH);
        distance = take_distance(d, length);
        if (distance == UINT32_MAX) /* an end marker */
            return false;
    } else {
        old = take_old(d);
        distance = d->distance[old];
        if (old == 0 && take_bit(d, IS_REP_0_LONG + state * POSITIONS + position(d)) == 0) {
            next = least(next + 2, STATES - 1);
            length = 1;
        } else {
            length = take_length(d, REP_LENGTH);
            next++;
        }
    }
    d->state = (uint8_t)next;
    for (; old > 0; old--)
        d->distance[old] = d->distance[old - 1];
    d->distance[0] = distance;
    if (length > d->frame_end - d->at)
        return false;
    copy(d, length);
    return true;
}

/* --- Steps: false if what they find can not be --- */

static bool step_head(struct tdm_unlzma *d)
{
    uint32_t bytes = take(d);

    bytes |= (uint32_t)take(d) << 8;
    d->frame_start = d->at;
    d->frame_end = d->at + least(d->image_bytes - d->at, TDM_UNLZMA_FRAME_BYTES);
    d->segments = 0;
    d->wanted = take(d);
    d->due += bytes - 1;
    d->range = 0;
    return bytes > START_BYTES && d->wanted <= TDM_UNLZMA_SEGMENTS_MAX;
}

/* What lies outside of frame or base is never used, or refused by read. */
static bool step_segment(struct tdm_unlzma *d)
{
    const struct tdm_unlzma_segment *last = &d->segment[d->segments++];
    struct tdm_unlzma_segment *segment = &d->segment[d->segments];
    uint32_t move;

    segment->start = (uint16_t)(last->end + take_number(d));
    segment->end = (uint16_t)(segment->start + take_number(d));
    move = take_number(d);
    segment->shift = last->shift + (move & 1 ? ~(move >> 1) : move >> 1);
    return true;
}

static bool step_start(struct tdm_unlzma *d)
{
    if (take(d) != 0)
        return false;
    d->range = UINT32_MAX;
    for (unsigned i = 1; i < START_BYTES; i++)
        d->code = d->code << 8 | take(d);
    d->state = 0;
    for (unsigned i = 0; i < 4; i++)
        d->distance[i] = 0;
    for (unsigned i = 0; i < TDM_UNLZMA_MODELS; i++)
        d->model[i] = 1u << (MODEL_BITS - 1);
    return true;
}

static bool step_symbol(struct tdm_unlzma *d)
{
    if (take_bit(d, IS_MATCH + d->state * POSITIONS + position(d)) == 0)
        take_literal(d);
    else if (!take_match(d))
        return false;
    if (d->at < d->frame_end)
        return true;
    normalize(d);
    if (d->taken != d->due || d->code != 0)
        return false;
    d->due += HEAD_BYTES;
    return true;
}

static bool run_step(struct tdm_unlzma *d)
{
    if (d->at == d->frame_end)
        return step_head(d);
    if (d->segments < d->wanted)
        return step_segment(d);
    if (d->range == 0)
        return step_start(d);
    return step_symbol(d);
}

/* --- The whole --- */

void tdm_unlzma_init(struct tdm_unlzma *decoder, const struct tdm_unlzma_ops *ops, void *ctx,
                     uint32_t base_bytes, uint32_t image_bytes, uint32_t from)
{
    memset(decoder, 0, sizeof *decoder);
    decoder->ops = ops;
    decoder->ctx = ctx;
    decoder->base_bytes = base_bytes;
    decoder->image_bytes = image_bytes;
    decoder->at = from;
    decoder->frame_end = from;
    decoder->due = HEAD_BYTES;
}

int tdm_unlzma_feed(struct tdm_unlzma *decoder, const uint8_t *data, uint32_t bytes)
{
    while (decoder->error == TDM_OK) {
        if (is_ready(decoder)) {
            if (!run_step(decoder))
                refuse(decoder);
        } else if (bytes == 0) {
            break;
        } else if (tdm_unlzma_done(decoder)) {
            refuse(decoder);
        } else {
            decoder->input[decoder->put++ % TDM_UNLZMA_INPUT] = *data++;
            bytes--;
        }
    }
    return decoder->error;
}

bool tdm_unlzma_done(const struct tdm_unlzma *decoder)
{
    return decoder->error == TDM_OK && decoder->at == decoder->image_bytes;
}
