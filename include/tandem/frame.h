/* UART frames: BEG, escaped payload and CRC-8, END (docs/PROTOCOL.md, section 1).
 *
 * Both directions work one byte at a time, do no I/O, and own no memory but what the caller gave. */
#ifndef TANDEM_FRAME_H
#define TANDEM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TDM_FRAME_BEG  0xAA
#define TDM_FRAME_END  0xBB
#define TDM_FRAME_ESC  0xCC
#define TDM_FRAME_XON  0x11
#define TDM_FRAME_XOFF 0x13

/* A receiver takes at least this much payload, and a sender sends no more unless agreed. */
#define TDM_FRAME_PAYLOAD_MAX 1536

/* CRC-8, polynomial 0x07, no reflection, continued from crc (start with 0). */
uint8_t tdm_crc8(uint8_t crc, const void *data, size_t bytes);

/* Is it one of the five bytes above, which are sent as ESC and their inverse? */
bool tdm_frame_is_reserved(uint8_t byte);

/* Receiver. Fields are private. */
struct tdm_frame_rx {
    uint8_t *buffer; /* the caller's; holds payload and CRC */
    size_t capacity;
    size_t length;
    uint8_t state;
};

/* What else than a good frame a byte may complete. */
enum {
    TDM_FRAME_BAD_CRC = -1,   /* a frame that is dropped for its CRC, */
    TDM_FRAME_OVERSIZED = -2, /* or because it does not fit, */
    TDM_FRAME_CUT_SHORT = -3, /* or that a BEG restarted */
    TDM_FRAME_NOISE = -4      /* nothing: the byte is outside of frames */
};

/* buffer takes capacity - 1 bytes of payload (the CRC takes one) and stays the caller's. */
void tdm_frame_rx_init(struct tdm_frame_rx *rx, uint8_t *buffer, size_t capacity);

/* Forgets a half-received frame. */
void tdm_frame_rx_reset(struct tdm_frame_rx *rx);

/* Takes one byte. Returns the payload's length (> 0) when it completes a good frame: rx->buffer holds the
 * payload until the next call. Otherwise 0, or one of the above, to be counted by who likes; empty frames are
 * dropped. */
int tdm_frame_rx_push(struct tdm_frame_rx *rx, uint8_t byte);

/* For who counts. */
struct tdm_frame_counters {
    uint32_t frames; /* good frames */
    uint32_t bad_crc;
    uint32_t oversized;
    uint32_t cut_short;
    uint32_t noise; /* bytes */
};

/* Adds what tdm_frame_rx_push returned. */
void tdm_frame_count(struct tdm_frame_counters *counters, int pushed);

/* Sender: escapes on the fly, so that a frame needs no second buffer. Fields are private; all zero is one
 * that has nothing to send. */
struct tdm_frame_tx {
    const uint8_t *payload;
    uint16_t left; /* of it */
    uint8_t state;
    uint8_t crc;
    uint8_t pending; /* second half of an escape that did not fit */
};

/* payload (1 byte or more) must stay unchanged until the frame is out. */
void tdm_frame_tx_init(struct tdm_frame_tx *tx, const uint8_t *payload, size_t length);

/* Sends `01 END` instead of a frame: brings a reader that missed an END back in step (docs/PROTOCOL.md,
 * section 9). */
void tdm_frame_tx_resync(struct tdm_frame_tx *tx);

/* Writes up to capacity bytes of the frame to out and returns how many; fewer once the frame is out. */
size_t tdm_frame_tx_pull(struct tdm_frame_tx *tx, uint8_t *out, size_t capacity);

/* True once the frame's last byte was pulled. */
bool tdm_frame_tx_sent(const struct tdm_frame_tx *tx);

/* Bytes on the wire for this payload, escapes, CRC, BEG and END included. */
size_t tdm_frame_wire_bytes(const uint8_t *payload, size_t length);

#endif
