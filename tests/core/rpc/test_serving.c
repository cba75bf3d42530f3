/* Calls of theirs: answers at once and later, and what a handler may do to the endpoint meanwhile. */
#include "tests/core/rpc/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PING_1   "\xaa\xbc\x67\x01\x01\x01\x00\x4f\xbb"
#define PING_2   "\xaa\xbc\x67\x01\x01\x02\x00\x70\xbb"
#define RESULT_2 "\xaa\x12\xa5\x02\x00\x00\x91\xbb"
#define TRUE_2   "\xaa\x12\xa5\x02\x00\x00\x01\xf9\xbb"
#define ONEWAY   "\xaa\xf3\x1c\x12\x03\x15\xbb"

/* The shape of every handler here. */
#define HANDLER(name)                                                                                        \
    static int name(struct peer *p, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,                  \
                    struct tdm_writer *results, uint32_t now_ms)
/* A handler uses some of them. */
#define ANY_OF_THESE (void)p, (void)uid, (void)msg_id, (void)args, (void)results, (void)now_ms

HANDLER(answers_later)
{
    ANY_OF_THESE;
    tdm_put_string(results, "dropped");
    return TDM_SERVE_LATER;
}

static void golden_ping_is_answered(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, peer_says_true);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, TRUE_2);
    assert_int_equal(p.msg_id, 2);
}

static void unknown_call_is_answered_with_status_13(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, "\xaa\x12\xa5\x02\x00\xcc\xec\xe8\xbb"); /* 13 is XOFF and so escaped */
}

static void oneway_is_served_and_never_answered(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, peer_says_true);
    GIVE(&p, ONEWAY, 0);
    peer_start(&p, answers_later);
    GIVE(&p, ONEWAY, 0);
    peer_start(&p, NULL);
    GIVE(&p, ONEWAY, 0);
    assert_int_equal(p.served, 1);
    assert_int_equal(p.msg_id, 0);
    EXPECT(&p, "");
}

HANDLER(reads_too_much)
{
    ANY_OF_THESE;
    (void)tdm_get_u32(args);
    tdm_put_bool(results, true);
    return tdm_reader_done(args) ? TDM_STATUS_OK : TDM_STATUS_ARGS_READ;
}

static void answer_with_an_error_status_carries_nothing_more(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, reads_too_much);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, "\xaa\x12\xa5\x02\x00\x15\xfa\xbb");
}

HANDLER(writes_too_much)
{
    ANY_OF_THESE;
    for (unsigned i = 0; i < PEER_BUFFER_BYTES; i++)
        tdm_put_u8(results, 1);
    return TDM_STATUS_OK;
}

static void results_that_do_not_fit_become_status_16(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, writes_too_much);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, "\xaa\x12\xa5\x02\x00\x16\xf3\xbb");
}

HANDLER(returns_nonsense)
{
    ANY_OF_THESE;
    return 256;
}

static void status_outside_of_a_byte_becomes_generic(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, returns_nonsense);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, "\xaa\x12\xa5\x02\x00\x10\xe1\xbb");
}

static void call_is_dropped_unserved_when_no_answer_would_fit(void **state)
{
    struct peer p;

    (void)state;
    peer_start_with(&p, peer_says_true, 14); /* a ping and 6 bytes; the answer's head takes 7 */
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    GIVE(&p, PING_2, 0);
    assert_int_equal(p.served, 0);
    assert_int_equal(p.ep.unserved, 1);
    EXPECT(&p, PING_1);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, TRUE_2);
}

static void later_answers_are_a_status_a_bool_or_results(void **state)
{
    struct tdm_writer results;
    struct peer p;

    (void)state;
    peer_start(&p, answers_later);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, "");
    assert_int_equal(tdm_endpoint_answer_status(&p.ep, 2, TDM_STATUS_OK), TDM_OK);
    EXPECT(&p, RESULT_2);
    assert_int_equal(tdm_endpoint_answer_bool(&p.ep, 2, true), TDM_OK);
    EXPECT(&p, TRUE_2);
    assert_int_equal(tdm_endpoint_answer_open(&p.ep, 2, &results), TDM_OK);
    tdm_put_string(&results, "a");
    tdm_put_bool(&results, true);
    assert_int_equal(tdm_endpoint_answer_commit(&p.ep, &results), TDM_OK);
    EXPECT(&p, "\xaa\x12\xa5\x02\x00\x00\x61\x00\x01\x6b\xbb");
}

static void later_results_that_do_not_fit_are_an_error_and_a_status_still_goes(void **state)
{
    struct tdm_writer results;
    struct peer p;

    (void)state;
    peer_start_with(&p, answers_later, 10);
    GIVE(&p, PING_2, 0);
    assert_int_equal(tdm_endpoint_answer_open(&p.ep, 2, &results), TDM_OK);
    tdm_put_string(&results, "too long");
    assert_int_equal(tdm_endpoint_answer_commit(&p.ep, &results), TDM_E_ROOM);
    assert_int_equal(tdm_endpoint_answer_commit(&p.ep, &results), TDM_E_STATE);
    assert_int_equal(tdm_endpoint_answer_status(&p.ep, 2, TDM_STATUS_RESULTS_WRITE), TDM_OK);
    EXPECT(&p, "\xaa\x12\xa5\x02\x00\x16\xf3\xbb");
}

HANDLER(calls_between_its_results)
{
    ANY_OF_THESE;
    tdm_put_string(results, "one");
    assert_int_equal(peer_call(p, 0, TDM_UID_NCP_PING, 100, now_ms), TDM_OK);
    tdm_put_u32(results, 0x04030201);
    assert_int_equal(peer_call(p, 1, TDM_UID_NCP_PING, 100, now_ms), TDM_OK);
    tdm_put_bool(results, true);
    return TDM_STATUS_OK;
}

static void handler_may_call_between_its_results(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, calls_between_its_results);
    GIVE(&p, PING_1, 0);
    EXPECT(&p, PING_1 PING_2 "\xaa\x12\xa5\x01\x00\x00one\x00\x01\x02\x03\x04\x01\x3f\xbb");
}

HANDLER(fills_the_queue)
{
    struct tdm_writer message;

    ANY_OF_THESE;
    tdm_put_bool(results, true);
    assert_int_equal(tdm_endpoint_open(&p->ep, TDM_UID_LOG_EVENT, true, &message), TDM_OK);
    for (unsigned i = 0; i < PEER_BUFFER_BYTES; i++)
        tdm_put_u8(&message, 1);
    assert_int_equal(tdm_endpoint_commit(&p->ep, &message, NULL, 0, NULL, NULL, now_ms), TDM_E_ROOM);
    while (peer_call(p, 0, TDM_UID_NCP_PING, 100, now_ms) == TDM_OK)
        tdm_endpoint_cancel(&p->ep, &p->calls[0], now_ms);
    return TDM_STATUS_OK;
}

static void handler_that_fills_the_queue_still_answers(void **state)
{
    uint8_t out[1024];
    struct peer p;
    size_t count;

    (void)state;
    peer_start(&p, fills_the_queue);
    GIVE(&p, PING_2, 0);
    count = tdm_endpoint_pull(&p.ep, out, sizeof out);
    assert_true(count > sizeof TRUE_2);
    assert_memory_equal(out + count - (sizeof TRUE_2 - 1), TRUE_2, sizeof TRUE_2 - 1);
}

HANDLER(opens_and_forgets)
{
    struct tdm_writer message;

    ANY_OF_THESE;
    tdm_put_bool(results, true);
    assert_int_equal(tdm_endpoint_open(&p->ep, TDM_UID_NCP_PING, false, &message), TDM_OK);
    tdm_put_u32(&message, 0xFFFFFFFF);
    return TDM_STATUS_OK;
}

static void message_that_a_handler_never_commits_does_not_touch_its_answer(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, opens_and_forgets);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, TRUE_2);
}

HANDLER(answers_another_call)
{
    ANY_OF_THESE;
    tdm_put_bool(results, true);
    assert_int_equal(tdm_endpoint_answer_bool(&p->ep, 1, false), TDM_OK);
    return TDM_STATUS_OK;
}

static void handler_may_answer_an_earlier_call(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, answers_later);
    GIVE(&p, PING_1, 0);
    p.handle = answers_another_call;
    GIVE(&p, PING_2, 0);
    EXPECT(&p, "\xaa\x12\xa5\x01\x00\x00\x00\xc4\xbb" TRUE_2);
}

HANDLER(sends_its_calls_at_once)
{
    uint8_t out[64];

    ANY_OF_THESE;
    tdm_put_u16(results, 0x0201);
    assert_int_equal(peer_call(p, 0, TDM_UID_NCP_PING, 100, now_ms), TDM_OK);
    assert_int_equal(tdm_endpoint_pull(&p->ep, out, sizeof out), sizeof PING_1 - 1);
    tdm_put_u8(results, 3);
    return TDM_STATUS_OK;
}

static void handler_may_have_bytes_sent_while_it_runs(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, sends_its_calls_at_once);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, "\xaa\x12\xa5\x02\x00\x00\x01\x02\x03\x8a\xbb");
}

HANDLER(resets)
{
    ANY_OF_THESE;
    tdm_put_bool(results, true);
    tdm_endpoint_reset(&p->ep, now_ms);
    tdm_put_bool(results, true);
    assert_int_equal(peer_call(p, 0, TDM_UID_NCP_PING, 100, now_ms), TDM_OK);
    tdm_put_bool(results, true);
    return TDM_STATUS_OK;
}

static void handler_that_resets_drops_its_own_answer(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, resets);
    GIVE(&p, PING_2, 0);
    EXPECT(&p, PING_1);
}

HANDLER(feeds_its_endpoint)
{
    ANY_OF_THESE;
    GIVE(p, PING_1, now_ms);
    tdm_put_bool(results, true);
    return TDM_STATUS_OK;
}

static void handler_cannot_feed_its_endpoint(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, feeds_its_endpoint);
    GIVE(&p, PING_2, 0);
    assert_int_equal(p.served, 1);
    EXPECT(&p, TRUE_2);
}

/* As otaUpdateFinish works: b asks a for something before it answers a's call. */
static void asked_back(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct peer *b = ctx;

    (void)status, (void)now_ms;
    assert_int_equal(error, TDM_OK);
    assert_int_equal(tdm_endpoint_answer_bool(&b->ep, b->msg_id, tdm_get_bool(results)), TDM_OK);
}

HANDLER(asks_back)
{
    ANY_OF_THESE;
    assert_int_equal(
        tdm_endpoint_call(&p->ep, TDM_UID_OTA_GET_CRC32, &p->calls[0], 100, asked_back, p, now_ms), TDM_OK);
    return TDM_SERVE_LATER;
}

static void nested_call_is_served_while_the_outer_one_waits(void **state)
{
    struct peer a, b;

    (void)state;
    peer_start(&a, peer_says_true);
    peer_start(&b, asks_back);
    assert_int_equal(peer_call(&a, 0, TDM_UID_OTA_FINISH, 5000, 0), TDM_OK);
    peer_exchange(&a, &b, 1);
    assert_int_equal(a.served, 1);
    assert_int_equal(a.done, 1);
    assert_int_equal(a.error, TDM_OK);
    assert_true(a.answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_ping_is_answered),
        cmocka_unit_test(unknown_call_is_answered_with_status_13),
        cmocka_unit_test(oneway_is_served_and_never_answered),
        cmocka_unit_test(answer_with_an_error_status_carries_nothing_more),
        cmocka_unit_test(results_that_do_not_fit_become_status_16),
        cmocka_unit_test(status_outside_of_a_byte_becomes_generic),
        cmocka_unit_test(call_is_dropped_unserved_when_no_answer_would_fit),
        cmocka_unit_test(later_answers_are_a_status_a_bool_or_results),
        cmocka_unit_test(later_results_that_do_not_fit_are_an_error_and_a_status_still_goes),
        cmocka_unit_test(handler_may_call_between_its_results),
        cmocka_unit_test(handler_that_fills_the_queue_still_answers),
        cmocka_unit_test(message_that_a_handler_never_commits_does_not_touch_its_answer),
        cmocka_unit_test(handler_may_answer_an_earlier_call),
        cmocka_unit_test(handler_may_have_bytes_sent_while_it_runs),
        cmocka_unit_test(handler_that_resets_drops_its_own_answer),
        cmocka_unit_test(handler_cannot_feed_its_endpoint),
        cmocka_unit_test(nested_call_is_served_while_the_outer_one_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
