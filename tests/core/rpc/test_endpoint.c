/* The endpoint: calls in flight, serving while waiting, and what handlers and done functions may do. */
#include "tandem/rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BUFFER_BYTES = 256 };

struct peer;
typedef int handler(struct peer *p, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                    struct tdm_writer *results, uint32_t now_ms);
typedef void done_hook(struct peer *p, uint32_t now_ms);

/* An endpoint with what happened to it. */
struct peer {
    struct tdm_endpoint ep;
    uint8_t rx[BUFFER_BYTES], tx[BUFFER_BYTES];
    handler *handle;
    done_hook *on_done;
    struct tdm_call calls[4];
    unsigned served, done;
    int error; /* of the last call that ended */
    uint8_t status;
    bool answer;
    uint16_t later; /* message id of a call to answer later */
};

static int serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                 struct tdm_writer *results, uint32_t now_ms)
{
    struct peer *p = ctx;

    p->served++;
    return p->handle == NULL ? TDM_STATUS_UNKNOWN_UID : p->handle(p, uid, msg_id, args, results, now_ms);
}

static void done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct peer *p = ctx;

    p->done++;
    p->error = error;
    p->status = status;
    p->answer = tdm_get_bool(results);
    if (p->on_done != NULL)
        p->on_done(p, now_ms);
}

static void start_with(struct peer *p, handler *handle, size_t tx_bytes)
{
    memset(p, 0, sizeof *p);
    p->handle = handle;
    tdm_endpoint_init(&p->ep, p->rx, sizeof p->rx, p->tx, tx_bytes, serve, p);
}

static void start(struct peer *p, handler *handle)
{
    start_with(p, handle, BUFFER_BYTES);
}

static void expect_sent(struct peer *p, const void *wire, size_t count)
{
    uint8_t out[1024];

    assert_int_equal(tdm_endpoint_pull(&p->ep, out, sizeof out), count);
    assert_memory_equal(out, wire, count);
    assert_true(tdm_endpoint_idle(&p->ep));
}

#define EXPECT_SENT(p, literal) expect_sent(p, literal, sizeof(literal) - 1)

#define GIVE(p, literal, now)                                                                                \
    tdm_endpoint_receive(&(p)->ep, (const uint8_t *)(literal), sizeof(literal) - 1, now)

/* Carries what waits at either side to the other until both are silent. */
static void exchange(struct peer *a, struct peer *b, uint32_t now_ms)
{
    uint8_t wire[7];
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

static int call(struct peer *p, unsigned i, uint16_t uid, uint32_t timeout_ms, uint32_t now_ms)
{
    return tdm_endpoint_call(&p->ep, uid, &p->calls[i], timeout_ms, done, p, now_ms);
}

static int says_true(struct peer *p, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                     struct tdm_writer *results, uint32_t now_ms)
{
    (void)p, (void)uid, (void)msg_id, (void)now_ms;
    if (!tdm_reader_done(args))
        return TDM_STATUS_ARGS_READ;
    tdm_put_bool(results, true);
    return TDM_STATUS_OK;
}

static void second_call_of_a_fresh_endpoint_is_the_golden_ping(void **state)
{
    struct peer p;

    (void)state;
    start(&p, NULL);
    p.ep.next_msg_id = 2;
    assert_int_equal(call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    EXPECT_SENT(&p, "\xaa\xbc\x67\x01\x01\x02\x00\x70\xbb");
    GIVE(&p, "\xaa\x12\xa5\x02\x00\x00\x91\xbb", 5);
    assert_int_equal(p.done, 1);
    assert_int_equal(p.error, TDM_OK);
}

static void golden_initialize_is_sent_and_its_result_read(void **state)
{
    struct tdm_writer args;
    struct peer p;

    (void)state;
    start(&p, NULL);
    p.ep.next_msg_id = 6;
    assert_int_equal(tdm_endpoint_open(&p.ep, TDM_UID_INITIALIZE, false, &args), TDM_OK);
    tdm_put_string(&args, "TMPL0vFkFmJM7");
    tdm_put_string(&args, "QPower");
    assert_int_equal(tdm_endpoint_commit(&p.ep, &args, &p.calls[0], 5000, done, &p, 0), TDM_OK);
    EXPECT_SENT(&p, "\xaa\xbc\x67\x01\x03\x06\x00\x54\x4d\x50\x4c\x30\x76\x46\x6b\x46\x6d\x4a\x4d\x37\x00"
                    "\x51\x50\x6f\x77\x65\x72\x00\x68\xbb");
    GIVE(&p, "\xaa\x12\xa5\x06\x00\x00\x01\xa1\xbb", 5);
    assert_int_equal(p.error, TDM_OK);
    assert_true(p.answer);
}

static void two_endpoints_call_each_other_at_the_same_time(void **state)
{
    struct peer a, b;

    (void)state;
    start(&a, says_true);
    start(&b, says_true);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(call(&a, i, TDM_UID_NCP_REBOOT, 100, 0), TDM_OK);
        assert_int_equal(call(&b, i, TDM_UID_MCU_REBOOT, 100, 0), TDM_OK);
    }
    exchange(&a, &b, 1);
    assert_int_equal(a.done, 4);
    assert_int_equal(b.done, 4);
    assert_true(a.answer && b.answer);
}

static void unknown_call_is_answered_with_status_13(void **state)
{
    struct peer a, b;

    (void)state;
    start(&a, NULL);
    start(&b, NULL);
    assert_int_equal(call(&a, 0, 0x7777, 100, 0), TDM_OK);
    exchange(&a, &b, 1);
    assert_int_equal(a.error, TDM_E_STATUS);
    assert_int_equal(a.status, 0x13);
    assert_false(a.answer);
}

static void silence_ends_a_call_at_its_deadline(void **state)
{
    struct peer p;

    (void)state;
    start(&p, NULL);
    assert_int_equal(call(&p, 0, TDM_UID_NCP_PING, 100, 0xFFFFFFF0), TDM_OK);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 0xFFFFFFF0), 100);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 0x53), 1);
    assert_int_equal(p.done, 0);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 0x54), UINT32_MAX);
    assert_int_equal(p.done, 1);
    assert_int_equal(p.error, TDM_E_TIMEOUT);
}

static int calls_between_its_results(struct peer *p, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                                     struct tdm_writer *results, uint32_t now_ms)
{
    (void)uid, (void)msg_id, (void)args;
    tdm_put_string(results, "one");
    assert_int_equal(call(p, 0, TDM_UID_NCP_PING, 100, now_ms), TDM_OK);
    tdm_put_u32(results, 0x04030201);
    assert_int_equal(call(p, 1, TDM_UID_NCP_PING, 100, now_ms), TDM_OK);
    tdm_put_bool(results, true);
    return TDM_STATUS_OK;
}

static void handler_may_call_between_its_results(void **state)
{
    struct peer p;

    (void)state;
    start(&p, calls_between_its_results);
    GIVE(&p, "\xaa\xbc\x67\x01\x01\x02\x00\x70\xbb", 0);
    EXPECT_SENT(&p, "\xaa\xbc\x67\x01\x01\x01\x00\x4f\xbb"
                    "\xaa\xbc\x67\x01\x01\x02\x00\x70\xbb"
                    "\xaa\x12\xa5\x02\x00\x00one\x00\x01\x02\x03\x04\x01\xd8\xbb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_call_of_a_fresh_endpoint_is_the_golden_ping),
        cmocka_unit_test(golden_initialize_is_sent_and_its_result_read),
        cmocka_unit_test(two_endpoints_call_each_other_at_the_same_time),
        cmocka_unit_test(unknown_call_is_answered_with_status_13),
        cmocka_unit_test(silence_ends_a_call_at_its_deadline),
        cmocka_unit_test(handler_may_call_between_its_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
