/* A station: the end of the line of a processor with little memory. It makes and serves the calls of
 * tandem/rpc.h like an endpoint, but has no transmit queue: a call waits as the few bytes that say what is
 * asked, and its arguments are written when the UART takes them, a piece at a time. Calls of the other side
 * are answered with a status or a Bool.
 *
 * It does no I/O: received bytes go in through tdm_station_receive, bytes to send come out through
 * tdm_station_pull. Any number of requests may be in flight, and calls of the other side are served
 * meanwhile. */
#ifndef TANDEM_STATION_H
#define TANDEM_STATION_H

#include "tandem/rpc.h"

/* What a call asks: a row of a table. */
struct tdm_question {
    uint16_t uid;
    uint16_t timeout_ms; /* 0: ONEWAY */
    /* Writes the arguments, once per piece: the same ones each time, until the request is out. Optional. */
    void (*put)(const void *ctx, struct tdm_writer *args);
    /* The end: TDM_OK, TDM_E_TIMEOUT, TDM_E_STATUS or, after tdm_station_reset, TDM_E_CANCELLED. results is
     * empty but with TDM_OK, and valid during the call only. A ONEWAY ends with TDM_OK once it is out. It may
     * use the station in every way but tdm_station_receive; the request is free again. Optional. */
    void (*done)(void *ctx, int error, struct tdm_reader *results);
};

/* A call that was asked. The caller owns it, zeroes it before its first use, and keeps it in place until it
 * ended. */
struct tdm_request {
    struct tdm_request *next;
    const struct tdm_question *question;
    void *ctx;
    uint32_t deadline_ms;
    uint16_t msg_id;
    uint8_t state;  /* enum tdm_request_state */
    uint8_t status; /* of the answer */
};

enum tdm_request_state {
    TDM_REQUEST_IDLE,
    TDM_REQUEST_WAITS, /* not all of it was pulled */
    TDM_REQUEST_SENT
};

/* Serves one INVOKE, or a ONEWAY, which has msg_id 0 and no answer. args points into the receive buffer and
 * is valid during the call only; where tdm_reader_done(args) is false it returns TDM_STATUS_ARGS_READ.
 * Returns a tdm_status, the answer with its Bool, or TDM_SERVE_LATER when tdm_station_answer follows. It may
 * use the station in every way but tdm_station_receive. */
typedef int tdm_station_serve_fn(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args);

enum { TDM_SERVE_FALSE = 0x100, TDM_SERVE_TRUE = 0x300 }; /* status 0 and a Bool */

#define TDM_STATION_ANSWERS     4  /* that may wait to be sent */
#define TDM_STATION_PIECE_BYTES 16 /* of a message, written at once */

/* Fields are private. */
struct tdm_station {
    uint8_t sending; /* enum sending */
    bool resync;
    uint8_t answer_count;
    uint8_t crc; /* of the message under way, so far */
    uint8_t pending;
    uint16_t next_msg_id;
    uint16_t at;     /* bytes of it that are out */
    uint16_t length; /* of so many */
    struct tdm_request *requests;
    tdm_station_serve_fn *serve;
    void *ctx;
    struct tdm_frame_rx rx;
    struct {
        uint16_t msg_id;
        uint16_t outcome;
    } answers[TDM_STATION_ANSWERS];
    uint8_t piece[TDM_STATION_PIECE_BYTES];
};

/* rx stays the caller's; rx_bytes is the largest payload to take plus 1. */
void tdm_station_init(struct tdm_station *st, uint8_t *rx, size_t rx_bytes, tdm_station_serve_fn *serve,
                      void *ctx);

/* Takes bytes from the UART; serve and done run inside. A call that arrives while TDM_STATION_ANSWERS wait is
 * dropped unserved, as if the line had lost it: the peer asks again. */
void tdm_station_receive(struct tdm_station *st, const uint8_t *bytes, size_t count);

/* Ends requests whose time is over. Returns the milliseconds until the next one may end, UINT32_MAX if none
 * is in flight. */
uint32_t tdm_station_poll(struct tdm_station *st, uint32_t now_ms);

/* Writes up to capacity bytes for the UART to out; returns how many, 0 when nothing waits. */
size_t tdm_station_pull(struct tdm_station *st, uint8_t *out, size_t capacity);

/* Asks; its time counts from now. Does nothing while the request is in flight. */
void tdm_station_ask(struct tdm_station *st, struct tdm_request *request, const struct tdm_question *question,
                     void *ctx, uint32_t now_ms);

/* Forgets a request, without a call of done: whoever cancels knows. One that is half sent is cut short and
 * resynchronized. */
void tdm_station_cancel(struct tdm_station *st, struct tdm_request *request);

/* Answers a call whose handler returned TDM_SERVE_LATER; outcome is what it would have returned. False while
 * there is no room. */
TDM_MUST_USE bool tdm_station_answer(struct tdm_station *st, uint16_t msg_id, int outcome);

/* Drops what waits to be sent and any half-received frame, and ends all requests with TDM_E_CANCELLED. */
void tdm_station_reset(struct tdm_station *st);

/* Sends `01 END` before the next frame (docs/PROTOCOL.md, section 9). */
void tdm_station_resync(struct tdm_station *st);

/* True when nothing waits to be sent: every byte was pulled. */
bool tdm_station_idle(const struct tdm_station *st);

#endif
