/* The UART between the two processors: bytes take their time, arrive in order, and arrive as noise where the
 * two ends disagree about the rate. It can be cut, and it can be bad: lost, flipped, repeated and late bytes.
 */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PIECE_BYTES 640 /* the longest frame */
#define SIM_PIECES      64

struct sim_piece {
    uint32_t arrives_ms;
    uint32_t baud;
    uint16_t bytes;
    uint8_t data[SIM_PIECE_BYTES];
};

/* One direction. */
struct sim_line {
    struct sim_piece piece[SIM_PIECES];
    unsigned first;
    unsigned count;
    uint32_t last_ms;   /* when the newest piece arrives */
    uint32_t baud;      /* the sender's */
    uint32_t peer_baud; /* the receiver's */
    uint32_t one_in;    /* one byte in so many is hit; 0: a good line */
    uint32_t random;
    bool dead; /* nothing arrives */
};

void sim_line_init(struct sim_line *line, uint32_t one_in, uint32_t seed);

/* Room for what is pulled at once, SIM_PIECE_BYTES, as up to SIM_PIECES_AT_ONCE pieces? The sender waits if
 * not. */
#define SIM_PIECES_AT_ONCE 8
bool sim_line_has_room(const struct sim_line *line);
void sim_line_send(struct sim_line *line, const uint8_t *data, size_t bytes, uint32_t now_ms);

/* The next piece that has arrived, into to; its bytes, 0 if none. */
size_t sim_line_receive(struct sim_line *line, uint8_t to[2 * SIM_PIECE_BYTES], uint32_t now_ms);

/* Milliseconds until the next piece arrives, UINT32_MAX if none is under way. */
uint32_t sim_line_wait_ms(const struct sim_line *line, uint32_t now_ms);

/* What is under way is lost: an end lost its power. */
void sim_line_clear(struct sim_line *line);

#endif
