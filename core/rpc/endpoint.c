/* The endpoint: calls of ours in flight, calls of theirs served.
 *
 *     received bytes -> frame -> INVOKE, ONEWAY -> handler -> results -> queue -> frame -> bytes to send
 *                             '-> RESULT -> the call in flight with that message id -> done
 *
 * A call of ours:  free --commit--> in flight --RESULT, deadline, cancel--> free, done called once
 *
 * Handlers and done functions may do anything to the endpoint but feed it (tdm_endpoint_receive): the frame
 * that they read lies in the receive buffer. Whatever walks the list of calls therefore marks first and then
 * ends one marked call after the other, looking at the list anew each time: a call that a done function
 * starts is not marked, one that it cancels is gone, and neither is ended twice. */
#include "core/rpc/queue.h"

enum {
    INVOKE_HEAD_BYTES = 6, /* opcode, uid, message id */
    ONEWAY_HEAD_BYTES = 4, /* opcode, uid */
    RESULT_HEAD_BYTES = 5  /* opcode, message id, status */
};

void tdm_endpoint_init(struct tdm_endpoint *ep, uint8_t *rx, size_t rx_bytes, uint8_t *tx, size_t tx_bytes,
                       tdm_serve_fn *serve, void *ctx)
{
    *ep = (struct tdm_endpoint){
        .queue = tx, .queue_capacity = tx_bytes, .serve = serve, .ctx = ctx, .next_msg_id = 1};
    tdm_frame_rx_init(&ep->rx, rx, rx_bytes);
}

/* ---- Calls of ours ---- */

static struct tdm_call **find_call(struct tdm_endpoint *ep, uint16_t msg_id)
{
    struct tdm_call **link = &ep->calls;

    while (*link != NULL && (*link)->msg_id != msg_id)
        link = &(*link)->next;
    return link;
}

/* Never 0, and never the id of a call in flight. */
static uint16_t new_msg_id(struct tdm_endpoint *ep)
{
    uint16_t id;

    do {
        id = ep->next_msg_id++;
    } while (id == 0 || *find_call(ep, id) != NULL);
    return id;
}

/* Takes the call at *link out of the list, then tells its owner. */
static void end_call(struct tdm_call **link, int error, uint8_t status, struct tdm_reader *results,
                     uint32_t now_ms)
{
    struct tdm_call *call = *link;

    *link = call->next;
    call->next = NULL;
    call->in_flight = false;
    call->ending = false;
    call->done(call->ctx, error, status, results, now_ms);
}

static void end_without_results(struct tdm_call **link, int error, uint32_t now_ms)
{
    struct tdm_reader none;

    tdm_reader_init(&none, NULL, 0);
    end_call(link, error, TDM_STATUS_OK, &none, now_ms);
}

static void end_marked(struct tdm_endpoint *ep, int error, uint32_t now_ms)
{
    struct tdm_call **link = &ep->calls;

    while (*link != NULL) {
        if ((*link)->ending) {
            end_without_results(link, error, now_ms);
            link = &ep->calls;
        } else {
            link = &(*link)->next;
        }
    }
}

static int open_invoke(struct tdm_endpoint *ep, uint16_t uid, uint16_t msg_id, struct tdm_writer *args)
{
    int error = tdm__queue_open(ep, args, INVOKE_HEAD_BYTES);

    if (error != TDM_OK)
        return error;
    tdm_put_u16(args, TDM_OPCODE_INVOKE);
    tdm_put_u16(args, uid);
    tdm_put_u16(args, msg_id);
    ep->opened = msg_id;
    return TDM_OK;
}

int tdm_endpoint_open(struct tdm_endpoint *ep, uint16_t uid, bool oneway, struct tdm_writer *args)
{
    int error;

    if (!oneway)
        return open_invoke(ep, uid, new_msg_id(ep), args);
    error = tdm__queue_open(ep, args, ONEWAY_HEAD_BYTES);
    if (error != TDM_OK)
        return error;
    tdm_put_u16(args, TDM_OPCODE_ONEWAY);
    tdm_put_u16(args, uid);
    ep->opened = 0;
    return TDM_OK;
}

int tdm_endpoint_open_again(struct tdm_endpoint *ep, uint16_t uid, const struct tdm_call *call,
                            struct tdm_writer *args)
{
    bool usable = call->msg_id != 0 && *find_call(ep, call->msg_id) == NULL;

    return open_invoke(ep, uid, usable ? call->msg_id : new_msg_id(ep), args);
}

/* Appended at the end, so that calls end in the order in which they were made. */
static void add_call(struct tdm_endpoint *ep, struct tdm_call *call)
{
    struct tdm_call **link = &ep->calls;

    while (*link != NULL)
        link = &(*link)->next;
    *link = call;
}

int tdm_endpoint_commit(struct tdm_endpoint *ep, struct tdm_writer *args, struct tdm_call *call,
                        uint32_t timeout_ms, tdm_done_fn *done, void *ctx, uint32_t now_ms)
{
    uint16_t msg_id = ep->opened;
    bool invoke = msg_id != 0;
    int error = TDM_OK;

    if (invoke != (call != NULL) || invoke != (done != NULL))
        error = TDM_E_ARGUMENT;
    else if (invoke && call->in_flight)
        error = TDM_E_BUSY;
    if (error != TDM_OK) {
        tdm__queue_abandon(ep, args);
        return error;
    }
    error = tdm__queue_commit(ep, args);
    if (error != TDM_OK || !invoke)
        return error;
    *call = (struct tdm_call){.done = done,
                              .ctx = ctx,
                              .deadline_ms = now_ms + (timeout_ms < INT32_MAX ? timeout_ms : INT32_MAX),
                              .msg_id = msg_id,
                              .in_flight = true};
    add_call(ep, call);
    return TDM_OK;
}

int tdm_endpoint_call(struct tdm_endpoint *ep, uint16_t uid, struct tdm_call *call, uint32_t timeout_ms,
                      tdm_done_fn *done, void *ctx, uint32_t now_ms)
{
    struct tdm_writer args;
    int error = tdm_endpoint_open(ep, uid, false, &args);

    if (error != TDM_OK)
        return error;
    return tdm_endpoint_commit(ep, &args, call, timeout_ms, done, ctx, now_ms);
}

/* The clock wraps after 49 days; deadlines are never more than half of that away. */
static uint32_t time_left(const struct tdm_call *call, uint32_t now_ms)
{
    uint32_t left = call->deadline_ms - now_ms;

    return left <= INT32_MAX ? left : 0;
}

uint32_t tdm_endpoint_poll(struct tdm_endpoint *ep, uint32_t now_ms)
{
    uint32_t next = UINT32_MAX;

    for (struct tdm_call *call = ep->calls; call != NULL; call = call->next)
        if (time_left(call, now_ms) == 0)
            call->ending = true;
    end_marked(ep, TDM_E_TIMEOUT, now_ms);
    for (const struct tdm_call *call = ep->calls; call != NULL; call = call->next) {
        uint32_t left = time_left(call, now_ms);

        next = left < next ? left : next;
    }
    return next;
}

void tdm_endpoint_cancel(struct tdm_endpoint *ep, struct tdm_call *call, uint32_t now_ms)
{
    struct tdm_call **link = &ep->calls;

    while (*link != NULL && *link != call)
        link = &(*link)->next;
    if (*link != NULL)
        end_without_results(link, TDM_E_CANCELLED, now_ms);
}

void tdm_endpoint_cancel_all(struct tdm_endpoint *ep, uint32_t now_ms)
{
    for (struct tdm_call *call = ep->calls; call != NULL; call = call->next)
        call->ending = true;
    end_marked(ep, TDM_E_CANCELLED, now_ms);
}

/* ---- Calls of theirs ---- */

/* What a handler returned, as the status of its answer. */
static uint8_t answer_status(int returned, const struct tdm_writer *results)
{
    if (returned < 0 || returned > 0xFF)
        return TDM_STATUS_GENERIC;
    if (returned == TDM_STATUS_OK && results->failed)
        return TDM_STATUS_RESULTS_WRITE;
    return (uint8_t)returned;
}

/* Without room for an answer the call is dropped unserved, as if the line had lost it: the peer asks again,
 * and nothing was done that it does not learn of. */
static void serve_invoke(struct tdm_endpoint *ep, struct tdm_reader *message, uint32_t now_ms)
{
    uint16_t uid = tdm_get_u16(message);
    uint16_t msg_id = tdm_get_u16(message);
    struct tdm_writer results;
    int returned;

    if (message->failed)
        return;
    if (tdm__handler_open(ep, &results, msg_id) != TDM_OK) {
        ep->unserved++;
        return;
    }
    returned = ep->serve(ep->ctx, uid, msg_id, message, &results, now_ms);
    if (returned == TDM_SERVE_LATER)
        tdm__handler_later(ep);
    else
        tdm__handler_answer(ep, &results, answer_status(returned, &results));
}

static void serve_oneway(struct tdm_endpoint *ep, struct tdm_reader *message, uint32_t now_ms)
{
    uint16_t uid = tdm_get_u16(message);
    struct tdm_writer no_results;

    if (message->failed)
        return;
    tdm_writer_init(&no_results, NULL, 0);
    (void)ep->serve(ep->ctx, uid, 0, message, &no_results, now_ms);
}

static void take_result(struct tdm_endpoint *ep, struct tdm_reader *message, uint32_t now_ms)
{
    uint16_t msg_id = tdm_get_u16(message);
    uint8_t status = tdm_get_u8(message);
    struct tdm_call **link = find_call(ep, msg_id);
    struct tdm_reader results;

    if (message->failed || *link == NULL)
        return;
    if (status == TDM_STATUS_OK)
        tdm_reader_init(&results, message->buffer + RESULT_HEAD_BYTES, message->length - RESULT_HEAD_BYTES);
    else
        tdm_reader_init(&results, NULL, 0);
    end_call(link, status == TDM_STATUS_OK ? TDM_OK : TDM_E_STATUS, status, &results, now_ms);
}

static void take_message(struct tdm_endpoint *ep, size_t length, uint32_t now_ms)
{
    struct tdm_reader message;

    tdm_reader_init(&message, ep->rx.buffer, length);
    switch (tdm_get_u16(&message)) {
    case TDM_OPCODE_INVOKE:
        serve_invoke(ep, &message, now_ms);
        break;
    case TDM_OPCODE_ONEWAY:
        serve_oneway(ep, &message, now_ms);
        break;
    case TDM_OPCODE_RESULT:
        take_result(ep, &message, now_ms);
        break;
    default: /* of a newer protocol: not ours to judge */
        break;
    }
}

void tdm_endpoint_receive(struct tdm_endpoint *ep, const uint8_t *bytes, size_t count, uint32_t now_ms)
{
    if (ep->receiving)
        return;
    ep->receiving = true;
    for (size_t i = 0; i < count; i++) {
        int pushed = tdm_frame_rx_push(&ep->rx, bytes[i]);

        tdm_frame_count(&ep->line, pushed);
        if (pushed > 0)
            take_message(ep, (size_t)pushed, now_ms);
    }
    ep->receiving = false;
}

int tdm_endpoint_answer_open(struct tdm_endpoint *ep, uint16_t msg_id, struct tdm_writer *results)
{
    return tdm__result_open(ep, results, msg_id, TDM_STATUS_OK);
}

int tdm_endpoint_answer_commit(struct tdm_endpoint *ep, struct tdm_writer *results)
{
    return tdm__queue_commit(ep, results);
}

int tdm_endpoint_answer_status(struct tdm_endpoint *ep, uint16_t msg_id, uint8_t status)
{
    struct tdm_writer results;
    int error = tdm__result_open(ep, &results, msg_id, status);

    return error == TDM_OK ? tdm__queue_commit(ep, &results) : error;
}

int tdm_endpoint_answer_bool(struct tdm_endpoint *ep, uint16_t msg_id, bool value)
{
    struct tdm_writer results;
    int error = tdm_endpoint_answer_open(ep, msg_id, &results);

    if (error != TDM_OK)
        return error;
    tdm_put_bool(&results, value);
    return tdm__queue_commit(ep, &results);
}

void tdm_endpoint_reset(struct tdm_endpoint *ep, uint32_t now_ms)
{
    tdm__queue_reset(ep);
    tdm_frame_rx_reset(&ep->rx);
    tdm_endpoint_cancel_all(ep, now_ms);
}
