#include "sim/line.h"

#include <string.h>

enum { BITS_PER_BYTE = 10, LATE_MS = 400 };

static uint32_t next_random(struct sim_line *line)
{
    line->random = line->random * 1664525u + 1013904223u;
    return line->random >> 8;
}

void sim_line_init(struct sim_line *line, uint32_t one_in, uint32_t seed)
{
    memset(line, 0, sizeof *line);
    line->one_in = one_in;
    line->random = seed * 2654435761u + 1;
}

bool sim_line_has_room(const struct sim_line *line)
{
    return line->count + 2 * SIM_PIECES_AT_ONCE <= SIM_PIECES; /* a fault may send them twice */
}

void sim_line_send(struct sim_line *line, const uint8_t *data, size_t bytes, uint32_t now_ms)
{
    struct sim_piece *piece = &line->piece[(line->first + line->count++) % SIM_PIECES];
    uint32_t starts_ms = line->count > 1 && line->last_ms - now_ms < INT32_MAX ? line->last_ms : now_ms;

    piece->bytes = (uint16_t)bytes;
    piece->baud = line->baud;
    memcpy(piece->data, data, bytes);
    piece->arrives_ms = starts_ms + 1 + (uint32_t)bytes * BITS_PER_BYTE * 1000 / line->baud;
    if (line->one_in != 0 && next_random(line) % (4 * line->one_in) < bytes)
        piece->arrives_ms += LATE_MS;
    line->last_ms = piece->arrives_ms;
}

/* What one byte becomes on a bad line: nothing, another one, or two. */
static size_t hit(struct sim_line *line, uint8_t byte, uint8_t *to)
{
    switch (next_random(line) % 3) {
    case 0:
        return 0;
    case 1:
        to[0] = byte ^ (uint8_t)(1u << next_random(line) % 8);
        return 1;
    default:
        to[0] = byte;
        to[1] = byte;
        return 2;
    }
}

static size_t arrive(struct sim_line *line, const struct sim_piece *piece, uint8_t *to)
{
    bool noise = piece->baud != line->peer_baud;
    size_t count = 0;
    size_t i;

    for (i = 0; i < piece->bytes; i++) {
        uint8_t byte = noise ? (uint8_t)next_random(line) : piece->data[i];

        if (line->one_in != 0 && next_random(line) % line->one_in == 0)
            count += hit(line, byte, to + count);
        else
            to[count++] = byte;
    }
    return line->dead ? 0 : count;
}

size_t sim_line_receive(struct sim_line *line, uint8_t to[2 * SIM_PIECE_BYTES], uint32_t now_ms)
{
    size_t count = 0;

    while (count == 0 && sim_line_wait_ms(line, now_ms) == 0) {
        count = arrive(line, &line->piece[line->first], to);
        line->first = (line->first + 1) % SIM_PIECES;
        line->count--;
    }
    return count;
}

uint32_t sim_line_wait_ms(const struct sim_line *line, uint32_t now_ms)
{
    uint32_t left_ms = line->piece[line->first].arrives_ms - now_ms;

    if (line->count == 0)
        return UINT32_MAX;
    return left_ms > INT32_MAX ? 0 : left_ms;
}

void sim_line_clear(struct sim_line *line)
{
    line->first = 0;
    line->count = 0;
}
