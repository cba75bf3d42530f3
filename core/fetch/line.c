/* The line to the co-processor: frames byte by byte, one call of ours at a time, theirs served meanwhile.
 *
 * core/link and core/rpc do the same for whoever must not block; without queues, and without counters, it
 * takes a third of the flash. */
#include "core/fetch/fetch.h"

#include <string.h>

enum {
    NOISE = 0x01,
    TRIES = 3,
    SILENCE_MS = 10000 /* before a sign of life; the co-processor expects one every 15 s */
};

uint32_t tdm__fetch_now(const struct tdm_fetch *f)
{
    return f->product->now_ms(f->ctx);
}

void tdm__fetch_feed(void *ctx)
{
    const struct tdm_fetch *f = ctx;

    f->product->feed_watchdog(f->ctx);
}

/* --- Sending --- */

static void send(struct tdm_fetch *f, uint8_t byte)
{
    f->product->send(f->ctx, byte);
}

static void put_byte(struct tdm_fetch *f, uint8_t byte)
{
    f->crc = tdm_crc8(f->crc, &byte, 1);
    if (tdm_frame_is_reserved(byte)) {
        send(f, TDM_FRAME_ESC);
        byte ^= 0xFF;
    }
    send(f, byte);
}

void tdm__fetch_put_bytes(struct tdm_fetch *f, const uint8_t *data, size_t bytes)
{
    while (bytes-- > 0)
        put_byte(f, *data++);
}

void tdm__fetch_put(struct tdm_fetch *f, uint32_t number, unsigned bytes)
{
    for (; bytes > 0; bytes--, number >>= 8)
        put_byte(f, (uint8_t)number);
}

void tdm__fetch_put_text(struct tdm_fetch *f, const char *text)
{
    tdm__fetch_put_bytes(f, (const uint8_t *)text, strlen(text) + 1);
}

/* Opcode, and the uid or message id that stands behind each. */
static void begin(struct tdm_fetch *f, uint16_t opcode, uint16_t second)
{
    send(f, TDM_FRAME_BEG);
    f->crc = 0;
    tdm__fetch_put(f, opcode, 2);
    tdm__fetch_put(f, second, 2);
}

static void end(struct tdm_fetch *f)
{
    put_byte(f, f->crc);
    send(f, TDM_FRAME_END);
}

void tdm__fetch_put_result(struct tdm_fetch *f, uint16_t id, uint16_t result, unsigned bytes)
{
    begin(f, TDM_OPCODE_RESULT, id);
    tdm__fetch_put(f, result, bytes);
    end(f);
}

void tdm__fetch_answer(struct tdm_fetch *f, uint16_t id, bool value)
{
    tdm__fetch_put_result(f, id, (uint16_t)(TDM_STATUS_OK | value << 8), 2);
}

/* --- Receiving --- */

/* Takes a byte; true once the buffer holds a good frame, of length bytes. A CRC over itself is 0. */
static bool take(struct tdm_fetch *f, uint8_t byte)
{
    if (f->escaped) {
        f->escaped = false;
        byte ^= 0xFF;
    } else if (byte == TDM_FRAME_BEG) {
        f->inside = true;
        f->length = 0;
        return false;
    } else if (byte == TDM_FRAME_ESC) {
        f->escaped = f->inside;
        return false;
    } else if (byte == TDM_FRAME_END) {
        bool good = f->inside && f->length > 1 && tdm_crc8(0, f->frame, f->length) == 0;

        f->inside = false;
        f->length -= good;
        f->at = 0;
        return good;
    }
    if (f->length == sizeof f->frame)
        f->inside = false;
    if (f->inside)
        f->frame[f->length++] = byte;
    return false;
}

uint32_t tdm__fetch_get(struct tdm_fetch *f, unsigned bytes)
{
    uint32_t end = f->at + bytes;
    uint32_t number = 0;

    f->at = end;
    while (f->at <= f->length && bytes-- > 0)
        number = number << 8 | f->frame[--end];
    return number;
}

void tdm__fetch_skip_text(struct tdm_fetch *f)
{
    while (tdm__fetch_get(f, 1) != 0) {
    }
}

/* --- Waiting --- */

/* An image is there, and nothing was offered for as long as it waits. */
static bool is_time_to_quit(const struct tdm_fetch *f)
{
    return (f->intact || f->spent) && !f->busy && tdm__fetch_now(f) - f->quit_ms <= INT32_MAX;
}

/* Until there is something that was not served, or so much time passed since then. */
static enum tdm__heard listen(struct tdm_fetch *f, uint32_t since_ms, uint32_t limit_ms)
{
    uint32_t passed_ms = tdm__fetch_now(f) - since_ms;

    while (passed_ms < limit_ms) {
        int byte = f->product->receive(f->ctx, limit_ms - passed_ms);

        tdm__fetch_feed(f);
        if (byte >= 0 && take(f, (uint8_t)byte)) {
            enum tdm__heard heard = tdm__fetch_serve(f);

            if (heard != TDM__HEARD_NOTHING)
                return heard;
        }
        if (is_time_to_quit(f))
            tdm__fetch_give_back(f, TDM_REASON_SILENCE);
        passed_ms = tdm__fetch_now(f) - since_ms;
    }
    return TDM__HEARD_NOTHING;
}

void tdm__fetch_pause(struct tdm_fetch *f, uint32_t pause_ms)
{
    uint32_t since_ms = tdm__fetch_now(f);

    while (listen(f, since_ms, pause_ms) != TDM__HEARD_NOTHING) {
    }
}

/* A chunk that is awaited tells as well as an answer that the co-processor is there, and that otaUpdateStart
 * was heard. */
static bool holds_chunk(struct tdm_fetch *f, enum tdm__heard heard)
{
    f->held = heard == TDM__HEARD_WRITE && f->chunk.offset == f->offset;
    return f->held;
}

int tdm__fetch_ask(struct tdm_fetch *f, const struct tdm__query *query)
{
    for (unsigned tries = 0; tries < TRIES; tries++) {
        uint32_t since_ms = tdm__fetch_now(f);
        enum tdm__heard heard;

        send(f, NOISE); /* a reader that missed an END is in step again */
        send(f, TDM_FRAME_END);
        begin(f, TDM_OPCODE_INVOKE, query->uid);
        tdm__fetch_put(f, ++f->asked, 2);
        if (query->put != NULL)
            query->put(f);
        end(f);
        do {
            heard = listen(f, since_ms, query->timeout_ms);
            if (heard == TDM__HEARD_RESULT)
                return (int)tdm__fetch_get(f, 1);
            if (holds_chunk(f, heard))
                return 1;
        } while (heard != TDM__HEARD_NOTHING);
    }
    return TDM_E_TIMEOUT;
}

/* Is the co-processor there, and does it know us? */
static void watch(struct tdm_fetch *f)
{
    static const struct tdm__query get_state = {TDM_UID_GET_STATE, 1000, NULL};
    int state = tdm__fetch_ask(f, &get_state);

    if (state < 0 || state == TDM_STATE_NOT_INITIALIZED)
        f->news = TDM_REASON_NCP_RESTART;
}

enum tdm__heard tdm__fetch_await(struct tdm_fetch *f, uint32_t since_ms, uint32_t limit_ms)
{
    while (f->news == TDM_REASON_NONE && tdm__fetch_now(f) - since_ms < limit_ms) {
        uint32_t now_ms = tdm__fetch_now(f);
        uint32_t left_ms = limit_ms - (now_ms - since_ms);
        enum tdm__heard heard = TDM__HEARD_WRITE;

        if (!f->held)
            heard = listen(f, now_ms, left_ms < SILENCE_MS ? left_ms : SILENCE_MS);
        f->held = false;
        if (heard >= TDM__HEARD_WRITE)
            return heard;
        if (heard == TDM__HEARD_NOTHING)
            watch(f);
    }
    return TDM__HEARD_NOTHING;
}
