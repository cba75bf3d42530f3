/* Frames, segments and the LZMA stream (docs/PACKAGE.md, "Encoded payloads"; the stream is that of the LZMA
 * specification, with lc 0, lp 0, pb 1).
 *
 *     HEAD --> SEGMENT ... --> START --> SYMBOL ... --> HEAD of the next frame
 *
 * A step runs only when its input is there whole: no symbol takes more than 20 bytes, so 20 held bytes, or
 * all that is left of the frame, are enough. That keeps the decoder free of a state for each bit.
 *
 * The first error sticks. What follows it in the same step is harmless: nothing is written any more.
 *
 * Invariants: put - taken <= sizeof input; at <= frame_bytes; frame_start + frame_bytes <= image_bytes;
 * segments lie in the frame and in the base whole. */
#include "tandem/unlzma.h"

enum step { HEAD, SEGMENT, START, SYMBOL };

enum {
    HEAD_BYTES = 3,
    START_BYTES = 5,
    SYMBOL_BYTES_MAX = 20,
    PIECE = TDM_UNLZMA_RECENT,
    STATES = 12,
    STATE_AFTER_MATCH = 7, /* from here on the last symbol was none of a literal */
    POSITIONS = 2,         /* 1 << pb */
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
    if (d->left == 0) {
        refuse(d);
        return 0;
    }
    d->left--;
    return d->input[d->taken++ % TDM_UNLZMA_INPUT];
}

/* Symbols take what they need; so that they find it, a step begins with this. */
static bool is_ready(const struct tdm_unlzma *d)
{
    uint32_t held = d->put - d->taken;

    return held >= SYMBOL_BYTES_MAX || held >= d->left;
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

/* Adds sign times the prediction to count bytes that belong at frame byte at. */
static void predict(struct tdm_unlzma *d, uint32_t at, uint8_t *bytes, uint32_t count, int sign)
{
    for (uint32_t i = 1; i <= d->segments; i++) {
        const struct tdm_unlzma_segment *segment = &d->segment[i];
        uint32_t start = segment->start > at ? segment->start : at;
        uint32_t end = least(segment->end, at + count);
        uint8_t base[PIECE];

        if (start >= end)
            continue;
        read(d, true, d->frame_start + start + segment->shift, base, end - start);
        for (uint32_t k = 0; k < end - start; k++)
            bytes[start - at + k] = (uint8_t)(bytes[start - at + k] + sign * base[k]);
    }
}

/* Puts out count bytes that the stream gave, PIECE at most. */
static void put(struct tdm_unlzma *d, uint8_t *bytes, uint32_t count)
{
    uint32_t at = d->at;

    for (uint32_t i = 0; i < count; i++)
        d->recent[d->at++ % TDM_UNLZMA_RECENT] = bytes[i];
    predict(d, at, bytes, count, 1);
    if (d->error == TDM_OK)
        d->error = d->ops->write(d->ctx, bytes, count);
}

/* Reads what lies distance bytes back, in the frame as the stream gave it: count bytes, or as many as are
 * there in one piece. Returns how many. */
static uint32_t look_back(struct tdm_unlzma *d, uint32_t distance, uint8_t *to, uint32_t count)
{
    uint32_t at = d->at - distance;
    uint32_t offset = d->frame_start + at;
    bool here = distance <= d->at;
    bool base = false;

    if (!here) {
        distance -= d->at;
        base = distance > d->frame_start;
    }
    if (base) {
        distance -= d->frame_start;
        offset = d->base_bytes - distance;
    }
    count = least(count, distance);
    if (!here || distance > TDM_UNLZMA_RECENT) {
        read(d, base, offset, to, count);
        if (here)
            predict(d, at, to, count, -1);
        return count;
    }
    for (uint32_t i = 0; i < count; i++)
        to[i] = d->recent[at++ % TDM_UNLZMA_RECENT];
    return count;
}

static void copy(struct tdm_unlzma *d, uint32_t count)
{
    uint8_t piece[PIECE];

    if (count > d->frame_bytes - d->at)
        refuse(d);
    while (count > 0 && d->error == TDM_OK) {
        uint32_t n = look_back(d, d->distance[0] + 1, piece, least(count, PIECE));

        put(d, piece, n);
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

/* A number of some bits, the highest first, with a model for each prefix; it comes with a 1 before it. */
static unsigned take_tree(struct tdm_unlzma *d, unsigned models, unsigned bits)
{
    unsigned symbol = 1;

    while (bits-- > 0)
        symbol = symbol << 1 | take_bit(d, models + symbol);
    return symbol;
}

/* The lowest bit first, and no 1. */
static uint32_t take_reverse_tree(struct tdm_unlzma *d, unsigned models, unsigned bits)
{
    unsigned symbol = 1;
    uint32_t value = 0;

    for (unsigned i = 0; i < bits; i++) {
        symbol = symbol << 1 | take_bit(d, models + symbol);
        value |= (symbol & 1u) << i;
    }
    return value;
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
    static const uint8_t after_literal[STATES] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5};
    unsigned agrees = 0;
    unsigned symbol = 1;
    unsigned match = 0;
    uint8_t byte = 0;

    if (d->state >= STATE_AFTER_MATCH) {
        look_back(d, d->distance[0] + 1, &byte, 1);
        match = byte;
        agrees = 0x100;
    }
    while (symbol < 0x100) {
        unsigned bit;

        match <<= 1;
        bit = take_bit(d, LITERAL + agrees + (match & agrees) + symbol);
        symbol = symbol << 1 | bit;
        agrees &= bit ? match : ~match;
    }
    byte = (uint8_t)symbol;
    d->state = after_literal[d->state];
    put(d, &byte, 1);
}

static unsigned take_length(struct tdm_unlzma *d, unsigned set)
{
    unsigned models = set + LENGTH_LOW + 8 * position(d);

    if (take_bit(d, set) == 0)
        return LENGTH_MIN + take_tree(d, models, 3) - 8;
    if (take_bit(d, set + 1) == 0)
        return LENGTH_MIN + take_tree(d, models + LENGTH_MID - LENGTH_LOW, 3);
    return LENGTH_MIN + 16 + take_tree(d, set + LENGTH_HIGH, 8) - 256;
}

/* A distance, less one. */
static uint32_t take_distance(struct tdm_unlzma *d, unsigned length)
{
    unsigned by_length = least(length - LENGTH_MIN, LENGTH_SLOTS - 1);
    unsigned slot = take_tree(d, SLOT + (by_length << SLOT_BITS), SLOT_BITS) - (1u << SLOT_BITS);
    unsigned bits = (slot >> 1) - 1;
    uint32_t high = 2 | (slot & 1);

    if (slot < SLOTS_PLAIN)
        return slot;
    if (slot < SLOTS_WITH_MODELS)
        return (high << bits) + take_reverse_tree(d, SPECIAL + (high << bits) - slot, bits);
    for (; bits > ALIGN_BITS; bits--) {
        normalize(d);
        d->range >>= 1;
        high <<= 1;
        if (d->code >= d->range) {
            d->code -= d->range;
            high |= 1;
        }
    }
    return high << ALIGN_BITS | take_reverse_tree(d, ALIGN, ALIGN_BITS);
}

/* A match at a new distance, or at one of the last four, which moves to the front. */
static void take_match(struct tdm_unlzma *d)
{
    uint32_t after_match = 0;
    unsigned old = 3;
    uint32_t distance;
    unsigned length;

    if (d->state >= STATE_AFTER_MATCH)
        after_match = 3;
    if (take_bit(d, IS_REP + d->state) == 0) {
        length = take_length(d, MATCH_LENGTH);
        distance = take_distance(d, length);
        if (distance == UINT32_MAX) /* an end marker */
            refuse(d);
        d->state = 7 + after_match;
    } else {
        for (old = 0; old < 3 && take_bit(d, IS_REP_0 + old * STATES + d->state) != 0;)
            old++;
        distance = d->distance[old];
        if (old == 0 && take_bit(d, IS_REP_0_LONG + d->state * POSITIONS + position(d)) == 0) {
            d->state = after_match ? 11 : 9;
            length = 1;
        } else {
            length = take_length(d, REP_LENGTH);
            d->state = 8 + after_match;
        }
    }
    for (; old > 0; old--)
        d->distance[old] = d->distance[old - 1];
    d->distance[0] = distance;
    copy(d, length);
}

/* --- Steps --- */

static void enter_frame(struct tdm_unlzma *d, uint32_t start)
{
    d->frame_start = start;
    d->frame_bytes = least(d->image_bytes - start, TDM_UNLZMA_FRAME_BYTES);
    d->at = 0;
    d->left = HEAD_BYTES;
    d->step = HEAD;
}

static void step_head(struct tdm_unlzma *d)
{
    uint32_t bytes = take(d);

    bytes |= (uint32_t)take(d) << 8;
    d->segments = 0;
    d->wanted = take(d);
    d->left = bytes - 1;
    d->step = d->wanted > 0 ? SEGMENT : START;
    if (bytes <= START_BYTES || d->wanted > TDM_UNLZMA_SEGMENTS_MAX)
        refuse(d);
}

/* What lies outside of frame or base is never used, or refused by read. */
static void step_segment(struct tdm_unlzma *d)
{
    const struct tdm_unlzma_segment *last = &d->segment[d->segments++];
    struct tdm_unlzma_segment *segment = &d->segment[d->segments];
    uint32_t move;

    segment->start = (uint16_t)(last->end + take_number(d));
    segment->end = (uint16_t)(segment->start + take_number(d));
    move = take_number(d);
    segment->shift = last->shift + (move & 1 ? ~(move >> 1) : move >> 1);
    if (d->segments == d->wanted)
        d->step = START;
}

static void step_start(struct tdm_unlzma *d)
{
    if (take(d) != 0)
        refuse(d);
    d->range = UINT32_MAX;
    for (unsigned i = 1; i < START_BYTES; i++)
        d->code = d->code << 8 | take(d);
    d->state = 0;
    for (unsigned i = 0; i < 4; i++)
        d->distance[i] = 0;
    for (unsigned i = 0; i < TDM_UNLZMA_MODELS; i++)
        d->model[i] = 1u << (MODEL_BITS - 1);
    d->step = SYMBOL;
}

static void step_symbol(struct tdm_unlzma *d)
{
    if (take_bit(d, IS_MATCH + d->state * POSITIONS + position(d)) == 0)
        take_literal(d);
    else
        take_match(d);
    if (d->at < d->frame_bytes)
        return;
    normalize(d);
    if (d->left != 0 || d->code != 0)
        refuse(d);
    enter_frame(d, d->frame_start + d->at);
}

static void run_step(struct tdm_unlzma *d)
{
    if (d->step == HEAD)
        step_head(d);
    else if (d->step == SEGMENT)
        step_segment(d);
    else if (d->step == START)
        step_start(d);
    else
        step_symbol(d);
}

/* --- The whole --- */

void tdm_unlzma_init(struct tdm_unlzma *decoder, const struct tdm_unlzma_ops *ops, void *ctx,
                     uint32_t base_bytes, uint32_t image_bytes, uint32_t from)
{
    decoder->error = TDM_OK;
    decoder->ops = ops;
    decoder->ctx = ctx;
    decoder->base_bytes = base_bytes;
    decoder->image_bytes = image_bytes;
    decoder->put = 0;
    decoder->taken = 0;
    decoder->segment[0] = (struct tdm_unlzma_segment){0, 0, 0};
    enter_frame(decoder, from);
}

int tdm_unlzma_feed(struct tdm_unlzma *decoder, const uint8_t *data, uint32_t bytes)
{
    while (decoder->error == TDM_OK) {
        if (tdm_unlzma_done(decoder)) {
            if (bytes > 0 || decoder->put != decoder->taken)
                refuse(decoder);
            break;
        }
        if (is_ready(decoder)) {
            run_step(decoder);
        } else if (bytes > 0) {
            decoder->input[decoder->put++ % TDM_UNLZMA_INPUT] = *data++;
            bytes--;
        } else {
            break;
        }
    }
    return decoder->error;
}

bool tdm_unlzma_done(const struct tdm_unlzma *decoder)
{
    return decoder->error == TDM_OK && decoder->frame_start == decoder->image_bytes;
}
