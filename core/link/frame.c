/* Frames on the UART, in both directions, one byte at a time.
 *
 * Receiver:
 *
 *               BEG                    ESC
 *     OUTSIDE --------> INSIDE <==================> ESCAPED
 *        ^                | |    any byte, inverted
 *        |      END       | |
 *        |<---------------' | no room
 *        |      END         v                 BEG in INSIDE or TOO_LONG starts a new frame
 *        '-------------- TOO_LONG
 *
 * The buffer holds what the frame carried so far, at most capacity bytes, the CRC being the last of them at
 * the END. A bare XON or XOFF is data: firmware in the field does not escape them (docs/PROTOCOL.md, section
 * 9). The byte behind an ESC is never anything but data.
 *
 * Sender: BEGIN -> PAYLOAD -> CRC -> FINISH -> SENT. The second byte of an escape that found no room in the
 * caller's buffer waits in `pending`; it is never 0, so 0 stands for none. A resync is the end of a frame
 * with noise pending. */
#include "tandem/frame.h"

enum rx_state { RX_OUTSIDE, RX_INSIDE, RX_ESCAPED, RX_TOO_LONG };
enum tx_state { TX_SENT, TX_BEGIN, TX_PAYLOAD, TX_CRC, TX_FINISH };

enum { NOISE = 0x01 };

bool tdm_frame_is_reserved(uint8_t byte)
{
    return byte == TDM_FRAME_BEG || byte == TDM_FRAME_END || byte == TDM_FRAME_ESC || byte == TDM_FRAME_XON ||
           byte == TDM_FRAME_XOFF;
}

static uint8_t inverted(uint8_t byte)
{
    return byte ^ 0xFF;
}

void tdm_frame_rx_init(struct tdm_frame_rx *rx, uint8_t *buffer, size_t capacity)
{
    *rx = (struct tdm_frame_rx){.buffer = buffer, .capacity = capacity, .state = RX_OUTSIDE};
}

void tdm_frame_rx_reset(struct tdm_frame_rx *rx)
{
    rx->state = RX_OUTSIDE;
    rx->length = 0;
}

static int append(struct tdm_frame_rx *rx, uint8_t byte)
{
    if (rx->length == rx->capacity) {
        rx->state = RX_TOO_LONG;
        return TDM_FRAME_OVERSIZED;
    }
    rx->buffer[rx->length++] = byte;
    rx->state = RX_INSIDE;
    return 0;
}

/* A CRC continued over its own value is 0. */
static int end_frame(const struct tdm_frame_rx *rx)
{
    if (rx->length == 0)
        return 0;
    return tdm_crc8(0, rx->buffer, rx->length) == 0 ? (int)rx->length - 1 : TDM_FRAME_BAD_CRC;
}

int tdm_frame_rx_push(struct tdm_frame_rx *rx, uint8_t byte)
{
    uint8_t state = rx->state;

    if (state == RX_ESCAPED)
        return append(rx, inverted(byte));
    if (byte == TDM_FRAME_BEG) {
        rx->state = RX_INSIDE;
        rx->length = 0;
        return state == RX_INSIDE ? TDM_FRAME_CUT_SHORT : 0;
    }
    if (state == RX_OUTSIDE)
        return TDM_FRAME_NOISE;
    if (byte == TDM_FRAME_END) {
        rx->state = RX_OUTSIDE;
        return state == RX_INSIDE ? end_frame(rx) : 0;
    }
    if (state == RX_TOO_LONG)
        return 0;
    if (byte != TDM_FRAME_ESC)
        return append(rx, byte);
    rx->state = RX_ESCAPED;
    return 0;
}

void tdm_frame_tx_init(struct tdm_frame_tx *tx, const uint8_t *payload, size_t length)
{
    *tx = (struct tdm_frame_tx){.payload = payload, .left = (uint16_t)length, .state = TX_BEGIN};
}

void tdm_frame_tx_resync(struct tdm_frame_tx *tx)
{
    tx->state = TX_FINISH;
    tx->pending = NOISE;
}

/* The first byte that stands for `byte` on the wire; the second, if there is one, becomes pending. */
static uint8_t escape(struct tdm_frame_tx *tx, uint8_t byte)
{
    if (!tdm_frame_is_reserved(byte))
        return byte;
    tx->pending = inverted(byte);
    return TDM_FRAME_ESC;
}

static uint8_t next_payload_byte(struct tdm_frame_tx *tx)
{
    uint8_t byte = *tx->payload++;

    tx->crc = tdm_crc8(tx->crc, &byte, 1);
    if (--tx->left == 0)
        tx->state = TX_CRC;
    return escape(tx, byte);
}

static uint8_t next_byte(struct tdm_frame_tx *tx)
{
    uint8_t byte = tx->pending;

    if (byte != 0) {
        tx->pending = 0;
        return byte;
    }
    switch (tx->state) {
    case TX_BEGIN:
        tx->state = TX_PAYLOAD;
        return TDM_FRAME_BEG;
    case TX_PAYLOAD:
        return next_payload_byte(tx);
    case TX_CRC:
        tx->state = TX_FINISH;
        return escape(tx, tx->crc);
    default:
        tx->state = TX_SENT;
        return TDM_FRAME_END;
    }
}

size_t tdm_frame_tx_pull(struct tdm_frame_tx *tx, uint8_t *out, size_t capacity)
{
    size_t count = 0;

    while (count < capacity && (tx->state != TX_SENT || tx->pending != 0))
        out[count++] = next_byte(tx);
    return count;
}

bool tdm_frame_tx_sent(const struct tdm_frame_tx *tx)
{
    return tx->state == TX_SENT;
}

size_t tdm_frame_wire_bytes(const uint8_t *payload, size_t length)
{
    size_t bytes = 2 + length + 1; /* BEG, END and the CRC */

    for (size_t i = 0; i < length; i++)
        bytes += tdm_frame_is_reserved(payload[i]);
    return bytes + tdm_frame_is_reserved(tdm_crc8(0, payload, length));
}
