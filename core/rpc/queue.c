/* See queue.h. */
#include "core/rpc/queue.h"

#include <string.h>

enum { LENGTH_BYTES = 2, MESSAGE_MAX = 0xFFFF, RESULT_HEAD_BYTES = 5, STATUS_OFFSET = 4 };

/* Where the next message's own bytes start. */
static uint8_t *message_start(const struct tdm_endpoint *ep)
{
    return ep->queue + ep->queue_length + LENGTH_BYTES;
}

/* Bytes that a message behind the last one may have, with `reserved` bytes kept free at the far end. */
static size_t message_room(const struct tdm_endpoint *ep, size_t reserved)
{
    size_t used = ep->queue_length + LENGTH_BYTES + reserved;
    size_t room = used < ep->queue_capacity ? ep->queue_capacity - used : 0;

    return room < MESSAGE_MAX ? room : MESSAGE_MAX;
}

/* To the far end, where nothing more can be added to them. */
static void park_results(struct tdm_endpoint *ep)
{
    struct tdm_writer *results = ep->results;
    uint8_t *parked;

    if (results == NULL)
        return;
    parked = ep->queue + ep->queue_capacity - results->length;
    memmove(parked, results->buffer, results->length);
    results->buffer = parked;
    results->capacity = results->length;
}

/* Behind the last message, with the room that is left. */
static void place_results(struct tdm_endpoint *ep)
{
    struct tdm_writer *results = ep->results;

    if (results == NULL)
        return;
    memmove(message_start(ep), results->buffer, results->length);
    results->buffer = message_start(ep);
    results->capacity = message_room(ep, 0);
}

static void close_writer(struct tdm_writer *w)
{
    tdm_writer_init(w, NULL, 0);
    w->failed = true;
}

/* The length prefix makes the bytes at message_start() a message. */
static void append_message(struct tdm_endpoint *ep, size_t length)
{
    uint8_t *prefix = ep->queue + ep->queue_length;

    prefix[0] = (uint8_t)length;
    prefix[1] = (uint8_t)(length >> 8);
    ep->queue_length += LENGTH_BYTES + length;
}

int tdm__queue_open(struct tdm_endpoint *ep, struct tdm_writer *message, size_t head_bytes)
{
    size_t reserved = ep->results == NULL ? 0 : LENGTH_BYTES + ep->results->length;
    size_t room = message_room(ep, reserved);

    if (room < head_bytes) {
        close_writer(message);
        return TDM_E_ROOM;
    }
    park_results(ep);
    tdm_writer_init(message, message_start(ep), room);
    return TDM_OK;
}

int tdm__queue_commit(struct tdm_endpoint *ep, struct tdm_writer *message)
{
    int error = TDM_OK;

    if (message->buffer != message_start(ep))
        error = TDM_E_STATE;
    else if (message->failed)
        error = TDM_E_ROOM;
    else
        append_message(ep, message->length);
    tdm__queue_abandon(ep, message);
    return error;
}

void tdm__queue_abandon(struct tdm_endpoint *ep, struct tdm_writer *message)
{
    place_results(ep);
    close_writer(message);
}

int tdm__result_open(struct tdm_endpoint *ep, struct tdm_writer *message, uint16_t msg_id, uint8_t status)
{
    int error = tdm__queue_open(ep, message, RESULT_HEAD_BYTES);

    if (error != TDM_OK)
        return error;
    tdm_put_u16(message, TDM_OPCODE_RESULT);
    tdm_put_u16(message, msg_id);
    tdm_put_u8(message, status);
    return TDM_OK;
}

int tdm__handler_open(struct tdm_endpoint *ep, struct tdm_writer *results, uint16_t msg_id)
{
    int error = tdm__result_open(ep, results, msg_id, TDM_STATUS_OK);

    if (error == TDM_OK)
        ep->results = results;
    return error;
}

void tdm__handler_answer(struct tdm_endpoint *ep, struct tdm_writer *results, uint8_t status)
{
    if (ep->results != results)
        return;
    place_results(ep);
    ep->results = NULL;
    results->buffer[STATUS_OFFSET] = status;
    append_message(ep, status == TDM_STATUS_OK ? results->length : RESULT_HEAD_BYTES);
}

void tdm__handler_later(struct tdm_endpoint *ep)
{
    ep->results = NULL;
}

void tdm__queue_reset(struct tdm_endpoint *ep)
{
    if (ep->sending) {
        ep->resync = true;
        ep->tx = (struct tdm_frame_tx){0};
    }
    ep->sending = false;
    ep->queue_length = 0;
    if (ep->results != NULL)
        close_writer(ep->results);
    ep->results = NULL;
}

/* ---- Bytes out ---- */

static size_t first_message_length(const struct tdm_endpoint *ep)
{
    return ep->queue[0] | (size_t)ep->queue[1] << 8;
}

static void start_first_message(struct tdm_endpoint *ep)
{
    tdm_frame_tx_init(&ep->tx, ep->queue + LENGTH_BYTES, first_message_length(ep));
    ep->sending = true;
}

/* The results that a handler writes stay where they are; they move up when they are placed the next time. */
static void remove_first_message(struct tdm_endpoint *ep)
{
    size_t bytes = LENGTH_BYTES + first_message_length(ep);

    ep->queue_length -= bytes;
    memmove(ep->queue, ep->queue + bytes, ep->queue_length);
    ep->sending = false;
}

/* What goes out next: a resync, or the first message. */
static void start_next(struct tdm_endpoint *ep)
{
    if (ep->resync)
        tdm_frame_tx_resync(&ep->tx);
    else
        start_first_message(ep);
    ep->resync = false;
}

size_t tdm_endpoint_pull(struct tdm_endpoint *ep, uint8_t *out, size_t capacity)
{
    size_t count = 0;

    while (count < capacity && ep->queue_length > 0) {
        if (tdm_frame_tx_sent(&ep->tx))
            start_next(ep);
        count += tdm_frame_tx_pull(&ep->tx, out + count, capacity - count);
        if (ep->sending && tdm_frame_tx_sent(&ep->tx))
            remove_first_message(ep);
    }
    return count;
}

void tdm_endpoint_resync(struct tdm_endpoint *ep)
{
    ep->resync = true;
}

bool tdm_endpoint_idle(const struct tdm_endpoint *ep)
{
    return ep->queue_length == 0;
}
