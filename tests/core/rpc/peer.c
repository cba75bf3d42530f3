/* See peer.h. */
#include "tests/core/rpc/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                 struct tdm_writer *results, uint32_t now_ms)
{
    struct peer *p = ctx;

    p->served++;
    p->msg_id = msg_id;
    return p->handle == NULL ? TDM_STATUS_UNKNOWN_UID : p->handle(p, uid, msg_id, args, results, now_ms);
}

void peer_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct peer *p = ctx;

    p->done++;
    p->error = error;
    p->status = status;
    p->answer = tdm_get_bool(results);
    if (p->on_done != NULL)
        p->on_done(p, now_ms);
}

void peer_start_with(struct peer *p, peer_handler *handle, size_t tx_bytes)
{
    memset(p, 0, sizeof *p);
    p->handle = handle;
    tdm_endpoint_init(&p->ep, p->rx, sizeof p->rx, p->tx, tx_bytes, serve, p);
}

void peer_start(struct peer *p, peer_handler *handle)
{
    peer_start_with(p, handle, sizeof p->tx);
}

int peer_call(struct peer *p, unsigned i, uint16_t uid, uint32_t timeout_ms, uint32_t now_ms)
{
    return tdm_endpoint_call(&p->ep, uid, &p->calls[i], timeout_ms, peer_done, p, now_ms);
}

void peer_give(struct peer *p, const void *wire, size_t count, uint32_t now_ms)
{
    tdm_endpoint_receive(&p->ep, wire, count, now_ms);
}

void peer_expect(struct peer *p, const void *wire, size_t count)
{
    uint8_t out[1024];

    assert_int_equal(tdm_endpoint_pull(&p->ep, out, sizeof out), count);
    assert_memory_equal(out, wire, count);
    assert_true(tdm_endpoint_idle(&p->ep));
}

void peer_exchange(struct peer *a, struct peer *b, uint32_t now_ms)
{
    uint8_t wire[7]; /* smaller than any frame */
    size_t count;

    do {
        count = tdm_endpoint_pull(&a->ep, wire, sizeof wire);
        tdm_endpoint_receive(&b->ep, wire, count, now_ms);
        if (count > 0)
            continue;
        count = tdm_endpoint_pull(&b->ep, wire, sizeof wire);
        tdm_endpoint_receive(&a->ep, wire, count, now_ms);
    } while (count > 0);
}

int peer_says_true(struct peer *p, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                   struct tdm_writer *results, uint32_t now_ms)
{
    (void)p, (void)uid, (void)msg_id, (void)now_ms;
    if (!tdm_reader_done(args))
        return TDM_STATUS_ARGS_READ;
    tdm_put_bool(results, true);
    return TDM_STATUS_OK;
}
