/* The station: requests in flight, calls of theirs served, and no queue.
 *
 *     a request:   IDLE --ask--> WAITS --all of it pulled--> SENT --RESULT, deadline--> IDLE, done called
 *                                  '-----------------------------cancel---------------> IDLE
 *
 * What is sent next is chosen when the frame before is out: answers first, then requests in the order in
 * which they were asked. The requests that wait stand behind those that were sent, so the one under way is
 * the first that waits. Its bytes are written a piece at a time, by putting the whole message into a window
 * of a few bytes; behind them come CRC and END. What follows a byte for certain is `pending`, 0 for none: the
 * second half of an escape, or the first byte of all. */
#include "tandem/station.h"

#include <string.h>

enum sending { NOTHING, RESYNC, ANSWER, REQUEST };

enum { NOISE = 0x01, PIECE = TDM_STATION_PIECE_BYTES, BOOL_FOLLOWS = 0x100, BOOL_SHIFT = 9 };

void tdm_station_init(struct tdm_station *st, uint8_t *rx, size_t rx_bytes, tdm_station_serve_fn *serve,
                      void *ctx)
{
    memset(st, 0, sizeof *st);
    st->serve = serve;
    st->ctx = ctx;
    tdm_frame_rx_init(&st->rx, rx, rx_bytes);
}

static bool is_oneway(const struct tdm_request *r)
{
    return r->question->timeout_ms == 0;
}

static struct tdm_request *first_waiting(const struct tdm_station *st)
{
    struct tdm_request *r = st->requests;

    while (r != NULL && r->state != TDM_REQUEST_WAITS)
        r = r->next;
    return r;
}

/* ---- Requests ---- */

void tdm_station_ask(struct tdm_station *st, struct tdm_request *request, const struct tdm_question *question,
                     void *ctx, uint32_t now_ms)
{
    struct tdm_request **end = &st->requests;

    if (request->state != TDM_REQUEST_IDLE)
        return;
    while (*end != NULL)
        end = &(*end)->next;
    *end = request;
    st->next_msg_id += st->next_msg_id == UINT16_MAX ? 2 : 1; /* never 0 */
    request->next = NULL;
    request->question = question;
    request->ctx = ctx;
    request->deadline_ms = now_ms + question->timeout_ms;
    request->msg_id = st->next_msg_id;
    request->state = TDM_REQUEST_WAITS;
}

/* The frame under way is not sent to its end. */
static void cut_short(struct tdm_station *st)
{
    if (st->sending == NOTHING)
        return;
    st->sending = NOTHING;
    st->pending = 0;
    st->resync = true;
}

void tdm_station_cancel(struct tdm_station *st, struct tdm_request *request)
{
    struct tdm_request **link = &st->requests;

    if (st->sending == REQUEST && first_waiting(st) == request)
        cut_short(st);
    while (*link != NULL && *link != request)
        link = &(*link)->next;
    if (*link != NULL)
        *link = request->next;
    request->state = TDM_REQUEST_IDLE;
}

static void end(struct tdm_station *st, struct tdm_request *r, int error, const uint8_t *results,
                size_t bytes)
{
    struct tdm_reader reader;

    tdm_station_cancel(st, r);
    tdm_reader_init(&reader, results, bytes);
    if (r->question->done != NULL)
        r->question->done(r->ctx, error, &reader);
}

uint32_t tdm_station_poll(struct tdm_station *st, uint32_t now_ms)
{
    struct tdm_request *r = st->requests;
    uint32_t next = UINT32_MAX;

    while (r != NULL) {
        uint32_t left = r->deadline_ms - now_ms;

        if (is_oneway(r)) {
            r = r->next;
        } else if (left == 0 || left > INT32_MAX) {
            end(st, r, TDM_E_TIMEOUT, NULL, 0);
            r = st->requests; /* which may be others now */
            next = UINT32_MAX;
        } else {
            next = left < next ? left : next;
            r = r->next;
        }
    }
    return next;
}

/* ---- Calls of theirs, and their results ---- */

bool tdm_station_answer(struct tdm_station *st, uint16_t msg_id, int outcome)
{
    if (st->answer_count == TDM_STATION_ANSWERS)
        return false;
    st->answers[st->answer_count].msg_id = msg_id;
    st->answers[st->answer_count++].outcome = (uint16_t)outcome;
    return true;
}

/* Without room for an answer it is not served: nothing is done that the peer does not learn of. */
static void serve_invoke(struct tdm_station *st, uint16_t uid, struct tdm_reader *message)
{
    uint16_t msg_id = tdm_get_u16(message);
    int outcome;

    if (message->failed || st->answer_count == TDM_STATION_ANSWERS)
        return;
    outcome = st->serve(st->ctx, uid, msg_id, message);
    if (outcome != TDM_SERVE_LATER)
        (void)!tdm_station_answer(st, msg_id, outcome);
}

static void take_result(struct tdm_station *st, uint16_t msg_id, struct tdm_reader *message)
{
    struct tdm_request *r = st->requests;
    uint8_t status = tdm_get_u8(message);
    bool ok = status == TDM_STATUS_OK;

    while (r != NULL && r->msg_id != msg_id)
        r = r->next;
    if (message->failed || r == NULL)
        return;
    r->status = status;
    end(st, r, ok ? TDM_OK : TDM_E_STATUS, message->buffer + message->position,
        ok ? message->length - message->position : 0);
}

static void take_message(struct tdm_station *st, size_t length)
{
    struct tdm_reader message;
    uint16_t opcode, id;

    tdm_reader_init(&message, st->rx.buffer, length);
    opcode = tdm_get_u16(&message);
    id = tdm_get_u16(&message);
    if (opcode == TDM_OPCODE_INVOKE)
        serve_invoke(st, id, &message);
    else if (opcode == TDM_OPCODE_RESULT)
        take_result(st, id, &message);
    else if (opcode == TDM_OPCODE_ONEWAY && !message.failed)
        (void)st->serve(st->ctx, id, 0, &message);
}

void tdm_station_receive(struct tdm_station *st, const uint8_t *bytes, size_t count)
{
    while (count-- > 0) {
        int length = tdm_frame_rx_push(&st->rx, *bytes++);

        if (length > 0)
            take_message(st, (size_t)length);
    }
}

/* ---- Bytes out ---- */

static void encode_answer(const struct tdm_station *st, struct tdm_writer *w)
{
    uint16_t outcome = st->answers[0].outcome;

    tdm_put_u16(w, TDM_OPCODE_RESULT);
    tdm_put_u16(w, st->answers[0].msg_id);
    tdm_put_u8(w, (uint8_t)outcome);
    if ((outcome & BOOL_FOLLOWS) != 0)
        tdm_put_u8(w, (uint8_t)(outcome >> BOOL_SHIFT));
}

static void encode_request(const struct tdm_request *r, struct tdm_writer *w)
{
    tdm_put_u16(w, is_oneway(r) ? TDM_OPCODE_ONEWAY : TDM_OPCODE_INVOKE);
    tdm_put_u16(w, r->question->uid);
    if (!is_oneway(r))
        tdm_put_u16(w, r->msg_id);
    if (r->question->put != NULL)
        r->question->put(r->ctx, w);
}

/* The window at st->at; also how long the message is. */
static void write_piece(struct tdm_station *st)
{
    struct tdm_writer w;

    tdm_writer_init_window(&w, st->piece, PIECE, st->at);
    if (st->sending == ANSWER)
        encode_answer(st, &w);
    else
        encode_request(first_waiting(st), &w);
    st->length = (uint16_t)w.length;
}

/* False if there is nothing to send. */
static bool begin_message(struct tdm_station *st)
{
    if (tdm_station_idle(st))
        return false;
    st->pending = TDM_FRAME_BEG;
    st->sending = st->answer_count > 0 ? ANSWER : REQUEST;
    st->crc = 0;
    st->at = 0;
    st->length = 0;
    if (st->resync) {
        st->resync = false;
        st->pending = NOISE;
        st->sending = RESYNC;
        st->at = 1; /* nothing, CRC included, but END */
    }
    return true;
}

static void end_message(struct tdm_station *st)
{
    uint8_t sent = st->sending;

    st->sending = NOTHING;
    if (sent == ANSWER) {
        st->answer_count--;
        memmove(st->answers, st->answers + 1, sizeof st->answers - sizeof st->answers[0]);
    } else if (sent == REQUEST) {
        struct tdm_request *r = first_waiting(st);

        r->state = TDM_REQUEST_SENT;
        if (is_oneway(r))
            end(st, r, TDM_OK, NULL, 0);
    }
}

static uint8_t next_byte(struct tdm_station *st)
{
    uint8_t byte = st->pending;

    st->pending = 0;
    if (byte != 0)
        return byte;
    if (st->at > st->length) {
        end_message(st);
        return TDM_FRAME_END;
    }
    if (st->at % PIECE == 0)
        write_piece(st);
    byte = st->at < st->length ? st->piece[st->at % PIECE] : st->crc;
    st->at++;
    st->crc = tdm_crc8(st->crc, &byte, 1);
    if (!tdm_frame_is_reserved(byte))
        return byte;
    st->pending = byte ^ 0xFF;
    return TDM_FRAME_ESC;
}

size_t tdm_station_pull(struct tdm_station *st, uint8_t *out, size_t capacity)
{
    size_t count = 0;

    while (count < capacity && (st->sending != NOTHING || begin_message(st)))
        out[count++] = next_byte(st);
    return count;
}

bool tdm_station_idle(const struct tdm_station *st)
{
    return st->answer_count == 0 && first_waiting(st) == NULL;
}

void tdm_station_resync(struct tdm_station *st)
{
    st->resync = true;
}

void tdm_station_reset(struct tdm_station *st)
{
    unsigned count = 0;

    cut_short(st);
    st->answer_count = 0;
    tdm_frame_rx_reset(&st->rx);
    for (const struct tdm_request *r = st->requests; r != NULL; r = r->next)
        count++;
    for (; count > 0 && st->requests != NULL; count--) /* not those that are asked meanwhile */
        end(st, st->requests, TDM_E_CANCELLED, NULL, 0);
}
