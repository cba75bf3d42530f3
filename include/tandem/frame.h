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

/* Receiver. Fields are private except the counters. */
struct tdm_frame_rx {
    uint8_t *buffer; /* the caller's; holds payload and CRC */
    size_t capacity;
    size_t length;
    uint8_t state;
    uint32_t frames;    /* good frames */
    uint32_t bad_crc;   /* frames dropped for their CRC */
    uint32_t oversized; /* frames dropped because they did not fit */
    uint32_t cut_short; /* frames that a BEG restarted */
    uint32_t noise;     /* bytes outside of frames */
};

/* buffer takes capacity - 1 bytes of payload (the CRC takes one) and stays the caller's. */
void tdm_frame_rx_init(struct tdm_frame_rx *rx, uint8_t *buffer, size_t capacity);

/* Forgets a half-received frame; the counters stay. */
void tdm_frame_rx_reset(struct tdm_frame_rx *rx);

/* Takes one byte. Returns the payload's length (> 0) when it completes a good frame: rx->buffer holds the
 * payload until the next call. Returns 0 otherwise; noise, bad, empty and oversized frames are counted and
 * dropped. */
size_t tdm_frame_rx_push(struct tdm_frame_rx *rx, uint8_t byte);

/* Sender: escapes on the fly, so that a frame needs no second buffer. Fields are private. */
struct tdm_frame_tx {
    const uint8_t *payload;
    size_t length;
    size_t position;
    uint8_t state;
    uint8_t crc;
    uint8_t pending; /* second half of an escape that did not fit */
};

/* payload (1 byte or more) must stay unchanged until the frame is out. */
void tdm_frame_tx_init(struct tdm_frame_tx *tx, const uint8_t *payload, size_t length);

/* Writes up to capacity bytes of the frame to out and returns how many; 0 once the frame is out. */
size_t tdm_frame_tx_pull(struct tdm_frame_tx *tx, uint8_t *out, size_t capacity);

/* True once the frame's last byte was pulled. */
bool tdm_frame_tx_sent(const struct tdm_frame_tx *tx);

/* Bytes on the wire for this payload, escapes, CRC, BEG and END included. */
size_t tdm_frame_wire_bytes(const uint8_t *payload, size_t length);

#endif
