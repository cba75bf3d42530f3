/* Calls of ours: the queue, message ids, results, deadlines, cancelling, reset. Frames not computed here come
 * from docs/PROTOCOL.md, or from the CRC of an independent implementation. */
#include "tests/core/rpc/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PING_1   "\xaa\xbc\x67\x01\x01\x01\x00\x4f\xbb"
#define PING_2   "\xaa\xbc\x67\x01\x01\x02\x00\x70\xbb"
#define RESULT_2 "\xaa\x12\xa5\x02\x00\x00\x91\xbb"
#define SYNC_ALL "\xaa\xf3\x1c\x12\x03\x15\xbb" /* ONEWAY 0312 */

static void golden_ping_is_sent_and_its_result_taken(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.ep.next_msg_id = 2;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    EXPECT(&p, PING_2);
    GIVE(&p, RESULT_2, 5);
    assert_int_equal(p.done, 1);
    assert_int_equal(p.error, TDM_OK);
    assert_false(p.calls[0].in_flight);
}

static void golden_initialize_is_sent_and_its_result_read(void **state)
{
    struct tdm_writer args;
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.ep.next_msg_id = 6;
    assert_int_equal(tdm_endpoint_open(&p.ep, TDM_UID_INITIALIZE, false, &args), TDM_OK);
    tdm_put_string(&args, "TMPL0vFkFmJM7");
    tdm_put_string(&args, "QPower");
    assert_int_equal(tdm_endpoint_commit(&p.ep, &args, &p.calls[0], 5000, peer_done, &p, 0), TDM_OK);
    EXPECT(&p, "\xaa\xbc\x67\x01\x03\x06\x00\x54\x4d\x50\x4c\x30\x76\x46\x6b\x46\x6d\x4a\x4d\x37\x00"
               "\x51\x50\x6f\x77\x65\x72\x00\x68\xbb");
    GIVE(&p, "\xaa\x12\xa5\x06\x00\x00\x01\xa1\xbb", 5);
    assert_int_equal(p.error, TDM_OK);
    assert_true(p.answer);
}

static void oneway_is_sent_without_a_message_id(void **state)
{
    struct tdm_writer args;
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    assert_int_equal(tdm_endpoint_open(&p.ep, TDM_UID_SYNC_ALL, true, &args), TDM_OK);
    assert_int_equal(tdm_endpoint_commit(&p.ep, &args, NULL, 0, NULL, NULL, 0), TDM_OK);
    EXPECT(&p, SYNC_ALL);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 0), UINT32_MAX);
}

static void bytes_may_be_pulled_one_at_a_time(void **state)
{
    uint8_t wire[sizeof PING_1 - 1];
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    for (size_t i = 0; i < sizeof wire; i++) {
        assert_false(tdm_endpoint_idle(&p.ep));
        assert_int_equal(tdm_endpoint_pull(&p.ep, &wire[i], 1), 1);
    }
    assert_true(tdm_endpoint_idle(&p.ep));
    assert_memory_equal(wire, PING_1, sizeof wire);
}

static void two_sides_call_each_other_at_the_same_time(void **state)
{
    struct peer a, b;

    (void)state;
    peer_start(&a, peer_says_true);
    peer_start(&b, peer_says_true);
    for (unsigned i = 0; i < PEER_CALLS; i++) {
        assert_int_equal(peer_call(&a, i, TDM_UID_NCP_REBOOT, 100, 0), TDM_OK);
        assert_int_equal(peer_call(&b, i, TDM_UID_MCU_REBOOT, 100, 0), TDM_OK);
    }
    peer_exchange(&a, &b, 1);
    assert_int_equal(a.done, PEER_CALLS);
    assert_int_equal(b.done, PEER_CALLS);
    assert_true(a.answer && b.answer);
}

static void results_are_matched_by_message_id_in_any_order(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    assert_int_equal(peer_call(&p, 1, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    GIVE(&p, RESULT_2, 1);
    assert_true(p.calls[0].in_flight);
    assert_false(p.calls[1].in_flight);
    GIVE(&p, RESULT_2, 2); /* nobody waits for it any more */
    assert_int_equal(p.done, 1);
}

static void error_status_ends_a_call_without_results(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.ep.next_msg_id = 2;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    GIVE(&p, "\xaa\x12\xa5\x02\x00\x12\x01\x84\xbb", 1); /* status 12 and, against the rules, a byte */
    assert_int_equal(p.error, TDM_E_STATUS);
    assert_int_equal(p.status, TDM_STATUS_MEMORY);
    assert_false(p.answer);
}

static void short_and_unknown_messages_are_ignored(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, peer_says_true);
    p.ep.next_msg_id = 2;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    EXPECT(&p, PING_2);
    GIVE(&p, "\xaa\x07\x15\xbb", 1);                     /* one byte */
    GIVE(&p, "\xaa\x12\xa5\x02\x00\xe9\xbb", 1);         /* RESULT without a status */
    GIVE(&p, "\xaa\xbc\x67\x01\x01\x02\x10\xbb", 1);     /* INVOKE with half an id */
    GIVE(&p, "\xaa\xf3\x1c\x12\x04\xbb", 1);             /* ONEWAY with half a uid */
    GIVE(&p, "\xaa\x34\x12\x01\x01\x02\x00\xa0\xbb", 1); /* opcode 1234 */
    assert_int_equal(p.served, 0);
    assert_int_equal(p.done, 0);
    assert_int_equal(p.ep.line.frames, 5);
    EXPECT(&p, "");
}

static void silence_ends_a_call_at_its_deadline_across_a_clock_wrap(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0xFFFFFFF0), TDM_OK);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 0xFFFFFFF0), 100);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 0x53), 1);
    assert_int_equal(p.done, 0);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 0x54), UINT32_MAX);
    assert_int_equal(p.done, 1);
    assert_int_equal(p.error, TDM_E_TIMEOUT);
}

static void a_call_made_again_takes_the_answer_to_its_first_send(void **state)
{
    struct tdm_writer args;
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.ep.next_msg_id = 2;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    EXPECT(&p, PING_2);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 100), UINT32_MAX);
    assert_int_equal(p.error, TDM_E_TIMEOUT);
    assert_int_equal(tdm_endpoint_open_again(&p.ep, TDM_UID_NCP_PING, &p.calls[0], &args), TDM_OK);
    assert_int_equal(tdm_endpoint_commit(&p.ep, &args, &p.calls[0], 100, peer_done, &p, 100), TDM_OK);
    EXPECT(&p, PING_2);
    GIVE(&p, RESULT_2, 150);
    assert_int_equal(p.done, 2);
    assert_int_equal(p.error, TDM_OK);
    GIVE(&p, RESULT_2, 160); /* the answer to the second one: nobody waits for it any more */
    assert_int_equal(p.done, 2);
}

static void a_call_never_made_before_gets_an_id_of_its_own(void **state)
{
    struct tdm_writer args;
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    assert_int_equal(tdm_endpoint_open_again(&p.ep, TDM_UID_NCP_PING, &p.calls[0], &args), TDM_OK);
    assert_int_equal(tdm_endpoint_commit(&p.ep, &args, &p.calls[0], 100, peer_done, &p, 0), TDM_OK);
    EXPECT(&p, PING_1);
}

static void poll_tells_the_nearest_deadline(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 300, 0), TDM_OK);
    assert_int_equal(peer_call(&p, 1, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 40), 60);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 100), 200);
    assert_int_equal(p.done, 1);
}

static void message_ids_skip_0_and_those_in_flight(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.ep.next_msg_id = 1;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    p.ep.next_msg_id = 0xFFFF;
    assert_int_equal(peer_call(&p, 1, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    assert_int_equal(peer_call(&p, 2, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    assert_int_equal(p.calls[1].msg_id, 0xFFFF);
    assert_int_equal(p.calls[2].msg_id, 2);
}

static void full_queue_is_an_error_and_loses_nothing(void **state)
{
    struct peer p;

    (void)state;
    peer_start_with(&p, NULL, 15); /* one ping and 7 bytes */
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    assert_int_equal(peer_call(&p, 1, TDM_UID_NCP_PING, 100, 0), TDM_E_ROOM);
    assert_false(p.calls[1].in_flight);
    EXPECT(&p, PING_1);
    assert_int_equal(peer_call(&p, 1, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    assert_int_equal(p.done, 0);
}

static void arguments_that_do_not_fit_are_an_error(void **state)
{
    struct tdm_writer args;
    struct peer p;

    (void)state;
    peer_start_with(&p, NULL, 15);
    assert_int_equal(tdm_endpoint_open(&p.ep, TDM_UID_INITIALIZE, false, &args), TDM_OK);
    tdm_put_string(&args, "TMPL0vFkFmJM7");
    assert_int_equal(tdm_endpoint_commit(&p.ep, &args, &p.calls[0], 100, peer_done, &p, 0), TDM_E_ROOM);
    EXPECT(&p, "");
    assert_int_equal(tdm_endpoint_poll(&p.ep, 200), UINT32_MAX);
}

static void wrong_use_of_open_and_commit_is_refused(void **state)
{
    struct tdm_writer args, stale;
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    assert_int_equal(tdm_endpoint_open(&p.ep, TDM_UID_SYNC_ALL, true, &args), TDM_OK);
    assert_int_equal(tdm_endpoint_commit(&p.ep, &args, &p.calls[0], 100, peer_done, &p, 0), TDM_E_ARGUMENT);
    assert_int_equal(tdm_endpoint_open(&p.ep, TDM_UID_NCP_PING, false, &args), TDM_OK);
    assert_int_equal(tdm_endpoint_commit(&p.ep, &args, NULL, 100, NULL, NULL, 0), TDM_E_ARGUMENT);
    assert_int_equal(tdm_endpoint_open(&p.ep, TDM_UID_NCP_PING, false, &stale), TDM_OK);
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_E_BUSY);
    assert_int_equal(tdm_endpoint_commit(&p.ep, &stale, &p.calls[1], 100, peer_done, &p, 0), TDM_E_STATE);
    assert_int_equal(p.calls[0].msg_id, 3);
    assert_false(p.calls[1].in_flight);
    EXPECT(&p, "\xaa\xbc\x67\x01\x01\x03\x00\x65\xbb");
}

static void cancelled_call_ends_once_and_its_result_is_skipped(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.ep.next_msg_id = 2;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    tdm_endpoint_cancel(&p.ep, &p.calls[0], 1);
    tdm_endpoint_cancel(&p.ep, &p.calls[0], 1);
    tdm_endpoint_cancel(&p.ep, &p.calls[1], 1);
    assert_int_equal(p.done, 1);
    assert_int_equal(p.error, TDM_E_CANCELLED);
    GIVE(&p, RESULT_2, 5);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 200), UINT32_MAX);
    assert_int_equal(p.done, 1);
}

static void calls_again(struct peer *p, uint32_t now_ms)
{
    if (p->done < 20)
        assert_int_equal(peer_call(p, (p->done - 1) % 2, TDM_UID_NCP_PING, 0, now_ms), TDM_OK);
}

static void calls_started_by_a_done_function_outlive_cancel_all(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.on_done = calls_again;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 0, 0), TDM_OK);
    assert_int_equal(peer_call(&p, 1, TDM_UID_NCP_PING, 0, 0), TDM_OK);
    tdm_endpoint_cancel_all(&p.ep, 0);
    assert_int_equal(p.done, 2);
    assert_true(p.calls[0].in_flight && p.calls[1].in_flight);
}

static void call_without_time_ends_once_per_poll(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.on_done = calls_again;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 0, 0), TDM_OK);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 0), 0);
    assert_int_equal(p.done, 1);
    assert_int_equal(tdm_endpoint_poll(&p.ep, 0), 0);
    assert_int_equal(p.done, 2);
}

static void cancels_all(struct peer *p, uint32_t now_ms)
{
    tdm_endpoint_cancel_all(&p->ep, now_ms);
}

static void done_function_may_cancel_the_calls_that_end_with_its_own(void **state)
{
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.on_done = cancels_all;
    for (unsigned i = 0; i < PEER_CALLS; i++)
        assert_int_equal(peer_call(&p, i, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    tdm_endpoint_poll(&p.ep, 100);
    assert_int_equal(p.done, PEER_CALLS);
    assert_null(p.ep.calls);
}

static void reset_drops_what_waits_and_ends_the_calls(void **state)
{
    uint8_t out[4];
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    p.ep.next_msg_id = 2;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    GIVE(&p, "\xaa\x12\xa5\x02", 0); /* half a result */
    tdm_endpoint_reset(&p.ep, 1);
    assert_int_equal(p.error, TDM_E_CANCELLED);
    GIVE(&p, "\x00\x00\x91\xbb", 1);
    EXPECT(&p, "");

    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    assert_int_equal(tdm_endpoint_pull(&p.ep, out, sizeof out), 4);
    tdm_endpoint_reset(&p.ep, 2); /* in the middle of a frame */
    p.ep.next_msg_id = 2;
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 2), TDM_OK);
    EXPECT(&p, "\x01\xbb" PING_2);
}

static void resync_goes_out_before_the_next_frame_and_only_once(void **state)
{
    uint8_t wire[sizeof "\x01\xbb" PING_1 - 1];
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    tdm_endpoint_resync(&p.ep);
    EXPECT(&p, "");
    assert_int_equal(peer_call(&p, 0, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    for (size_t i = 0; i < sizeof wire; i++)
        assert_int_equal(tdm_endpoint_pull(&p.ep, &wire[i], 1), 1);
    assert_memory_equal(wire, "\x01\xbb" PING_1, sizeof wire);
    assert_int_equal(peer_call(&p, 1, TDM_UID_NCP_PING, 100, 0), TDM_OK);
    EXPECT(&p, PING_2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_ping_is_sent_and_its_result_taken),
        cmocka_unit_test(golden_initialize_is_sent_and_its_result_read),
        cmocka_unit_test(oneway_is_sent_without_a_message_id),
        cmocka_unit_test(bytes_may_be_pulled_one_at_a_time),
        cmocka_unit_test(two_sides_call_each_other_at_the_same_time),
        cmocka_unit_test(results_are_matched_by_message_id_in_any_order),
        cmocka_unit_test(error_status_ends_a_call_without_results),
        cmocka_unit_test(short_and_unknown_messages_are_ignored),
        cmocka_unit_test(silence_ends_a_call_at_its_deadline_across_a_clock_wrap),
        cmocka_unit_test(a_call_made_again_takes_the_answer_to_its_first_send),
        cmocka_unit_test(a_call_never_made_before_gets_an_id_of_its_own),
        cmocka_unit_test(poll_tells_the_nearest_deadline),
        cmocka_unit_test(message_ids_skip_0_and_those_in_flight),
        cmocka_unit_test(full_queue_is_an_error_and_loses_nothing),
        cmocka_unit_test(arguments_that_do_not_fit_are_an_error),
        cmocka_unit_test(wrong_use_of_open_and_commit_is_refused),
        cmocka_unit_test(cancelled_call_ends_once_and_its_result_is_skipped),
        cmocka_unit_test(calls_started_by_a_done_function_outlive_cancel_all),
        cmocka_unit_test(call_without_time_ends_once_per_poll),
        cmocka_unit_test(done_function_may_cancel_the_calls_that_end_with_its_own),
        cmocka_unit_test(reset_drops_what_waits_and_ends_the_calls),
        cmocka_unit_test(resync_goes_out_before_the_next_frame_and_only_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
