/* The station: calls both ways without a transmit queue. The golden frames are those of docs/PROTOCOL.md,
 * section 2. */
#include "tandem/station.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct world {
    struct tdm_station st;
    uint8_t rx[64];
    struct tdm_request a, b;
    /* what ended */
    unsigned done;
    int error;
    bool answer;
    /* what was served */
    unsigned served;
    uint16_t uid, msg_id;
    int outcome; /* what serving returns */
};

static int serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args)
{
    struct world *w = ctx;

    (void)args;
    w->served++;
    w->uid = uid;
    w->msg_id = msg_id;
    return w->outcome;
}

static void done(void *ctx, int error, struct tdm_reader *results)
{
    struct world *w = ctx;

    w->done++;
    w->error = error;
    w->answer = tdm_get_bool(results) && tdm_reader_done(results);
}

static void put_product(const void *ctx, struct tdm_writer *args)
{
    (void)ctx;
    tdm_put_string(args, "TMPL0vFkFmJM7");
    tdm_put_string(args, "QPower");
}

static void put_pin(const void *ctx, struct tdm_writer *args)
{
    (void)ctx;
    tdm_put_u16(args, 5);
    tdm_put_binary(args, "on", 2);
}

static const struct tdm_question ping = {TDM_UID_NCP_PING, 100, NULL, done};
static const struct tdm_question initialize = {TDM_UID_INITIALIZE, 5000, put_product, done};
static const struct tdm_question pin = {TDM_UID_VIRTUAL_WRITE, 0, put_pin, done};

static void start(struct world *w)
{
    memset(w, 0, sizeof *w);
    tdm_station_init(&w->st, w->rx, sizeof w->rx, serve, w);
}

/* The next request has this message id. */
static void start_at(struct world *w, uint16_t msg_id)
{
    start(w);
    w->st.next_msg_id = msg_id - 1;
}

static void ask(struct world *w, struct tdm_request *request, const struct tdm_question *question)
{
    tdm_station_ask(&w->st, request, question, w, 0);
}

static void give(struct world *w, const char *wire, size_t count)
{
    tdm_station_receive(&w->st, (const uint8_t *)wire, count);
}

/* All that was to be sent is exactly these bytes, also if they are taken room at a time. */
static void expect(struct world *w, const char *wire, size_t count, size_t room)
{
    uint8_t out[256];
    size_t got = 0, now;

    while ((now = tdm_station_pull(&w->st, out + got, room)) > 0)
        got += now;
    assert_int_equal(got, count);
    assert_memory_equal(out, wire, count);
    assert_true(tdm_station_idle(&w->st));
}

#define GIVE(w, literal)   give(w, literal, sizeof(literal) - 1)
#define EXPECT(w, literal) expect(w, literal, sizeof(literal) - 1, 64)

#define PING_2   "\xaa\xbc\x67\x01\x01\x02\x00\x70\xbb"
#define RESULT_2 "\xaa\x12\xa5\x02\x00\x00\x91\xbb"
#define INITIALIZE_6                                                                                         \
    "\xaa\xbc\x67\x01\x03\x06\x00\x54\x4d\x50\x4c\x30\x76\x46\x6b\x46\x6d\x4a\x4d\x37\x00"                   \
    "\x51\x50\x6f\x77\x65\x72\x00\x68\xbb"
#define RESULT_6 "\xaa\x12\xa5\x06\x00\x00\x01\xa1\xbb"

/* mcu.ping and mcu.reboot of the other side, each with message id 2 */
#define MCU_PING "\xaa\xbc\x67\x81\x01\x02\x00\x41\xbb"

static void golden_ping_is_sent_and_its_result_taken(void **state)
{
    struct world w;

    (void)state;
    start_at(&w, 2);
    ask(&w, &w.a, &ping);
    assert_false(tdm_station_idle(&w.st));
    EXPECT(&w, PING_2);
    assert_int_equal(w.a.state, TDM_REQUEST_SENT);
    GIVE(&w, RESULT_2);
    assert_int_equal(w.done, 1);
    assert_int_equal(w.error, TDM_OK);
    assert_int_equal(w.a.state, TDM_REQUEST_IDLE);
}

static void golden_initialize_goes_out_whole_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t room = 1; room < 40; room++) {
        struct world w;

        start_at(&w, 6);
        ask(&w, &w.a, &initialize);
        expect(&w, INITIALIZE_6, sizeof INITIALIZE_6 - 1, room);
        GIVE(&w, RESULT_6);
        assert_int_equal(w.done, 1);
        assert_true(w.answer);
    }
}

/* Arguments of this many bytes. */
static void put_so_many(const void *ctx, struct tdm_writer *args)
{
    const size_t *bytes = ctx;

    for (size_t i = 0; i < *bytes; i++)
        tdm_put_u8(args, (uint8_t)(i * 7));
}

static void a_message_of_any_length_goes_out_as_one_frame(void **state)
{
    static const struct tdm_question question = {TDM_UID_LOG_EVENT, 0, put_so_many, NULL};

    (void)state;
    for (size_t bytes = 0; bytes <= 100; bytes++) {
        uint8_t payload[128], wire[256];
        struct tdm_frame_tx tx;
        struct tdm_writer writer;
        struct world w;

        tdm_writer_init(&writer, payload, sizeof payload);
        tdm_put_u16(&writer, TDM_OPCODE_ONEWAY);
        tdm_put_u16(&writer, TDM_UID_LOG_EVENT);
        put_so_many(&bytes, &writer);
        tdm_frame_tx_init(&tx, payload, writer.length);
        start(&w);
        tdm_station_ask(&w.st, &w.a, &question, &bytes, 0);
        expect(&w, (const char *)wire, tdm_frame_tx_pull(&tx, wire, sizeof wire), 5);
    }
}

static void oneway_ends_when_it_is_out(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    ask(&w, &w.a, &pin);
    assert_int_equal(tdm_station_poll(&w.st, 1000000), UINT32_MAX);
    EXPECT(&w, "\xaa\xf3\x1c\xcc\xee\x03\x05\x00\x02\x00\x6f\x6e\xbc\xbb");
    assert_int_equal(w.done, 1);
    assert_int_equal(w.error, TDM_OK);
    assert_int_equal(w.a.state, TDM_REQUEST_IDLE);
}

static void results_are_matched_by_message_id_in_any_order(void **state)
{
    struct world w;

    (void)state;
    start_at(&w, 1);
    ask(&w, &w.a, &ping);
    ask(&w, &w.b, &ping);
    EXPECT(&w, "\xaa\xbc\x67\x01\x01\x01\x00\x4f\xbb" PING_2);
    GIVE(&w, RESULT_2);
    assert_int_equal(w.b.state, TDM_REQUEST_IDLE);
    assert_int_equal(w.a.state, TDM_REQUEST_SENT);
    GIVE(&w, RESULT_2); /* once more: nobody waits for it */
    assert_int_equal(w.done, 1);
}

static void an_error_status_ends_a_request_without_results(void **state)
{
    struct world w;

    (void)state;
    start_at(&w, 6);
    ask(&w, &w.a, &initialize);
    EXPECT(&w, INITIALIZE_6);
    GIVE(&w, "\xaa\x12\xa5\x06\x00\x13\x01\xc9\xbb"); /* with a byte that must not be read */
    assert_int_equal(w.error, TDM_E_STATUS);
    assert_int_equal(w.a.status, TDM_STATUS_UNKNOWN_UID);
    assert_false(w.answer);
}

static void silence_ends_a_request_at_its_deadline_across_a_clock_wrap(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    tdm_station_ask(&w.st, &w.a, &ping, &w, UINT32_MAX - 20);
    tdm_station_ask(&w.st, &w.b, &initialize, &w, UINT32_MAX - 20);
    assert_int_equal(tdm_station_poll(&w.st, UINT32_MAX - 10), 90);
    assert_int_equal(tdm_station_poll(&w.st, 78), 1);
    assert_int_equal(w.done, 0);
    assert_int_equal(tdm_station_poll(&w.st, 79), 4900);
    assert_int_equal(w.done, 1);
    assert_int_equal(w.error, TDM_E_TIMEOUT);
    assert_int_equal(w.b.state, TDM_REQUEST_WAITS);
}

static void a_cancelled_request_is_not_sent_and_its_result_is_skipped(void **state)
{
    struct world w;

    (void)state;
    start_at(&w, 1);
    ask(&w, &w.a, &ping);
    ask(&w, &w.b, &ping);
    tdm_station_cancel(&w.st, &w.a);
    EXPECT(&w, PING_2);
    tdm_station_cancel(&w.st, &w.b);
    GIVE(&w, RESULT_2);
    assert_int_equal(w.done, 0);
    tdm_station_cancel(&w.st, &w.b); /* twice does no harm */
    ask(&w, &w.a, &ping);
    EXPECT(&w, "\xaa\xbc\x67\x01\x01\x03\x00\x65\xbb");
}

static void a_request_cancelled_half_sent_is_resynchronized(void **state)
{
    uint8_t out[5];
    struct world w;

    (void)state;
    start_at(&w, 1);
    ask(&w, &w.a, &initialize);
    ask(&w, &w.b, &ping);
    assert_int_equal(tdm_station_pull(&w.st, out, sizeof out), sizeof out);
    tdm_station_cancel(&w.st, &w.a);
    EXPECT(&w, "\x01\xbb" PING_2);
}

static void an_answer_never_cuts_into_a_request(void **state)
{
    uint8_t out[5];
    struct world w;

    (void)state;
    start_at(&w, 6);
    ask(&w, &w.a, &initialize);
    assert_int_equal(tdm_station_pull(&w.st, out, sizeof out), sizeof out);
    GIVE(&w, MCU_PING);
    assert_int_equal(w.served, 1);
    expect(&w, &(INITIALIZE_6 RESULT_2)[sizeof out], sizeof(INITIALIZE_6 RESULT_2) - 1 - sizeof out, 64);
}

static void answers_go_before_requests_that_wait(void **state)
{
    struct world w;

    (void)state;
    start_at(&w, 6);
    ask(&w, &w.a, &initialize);
    GIVE(&w, MCU_PING);
    EXPECT(&w, RESULT_2 INITIALIZE_6);
}

static void a_call_is_answered_with_a_status_or_a_bool(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    w.outcome = TDM_SERVE_TRUE;
    GIVE(&w, "\xaa\xbc\x67\x82\x01\x06\x00\xcc\x44\xbb" /* mcu.reboot, wrong CRC */);
    assert_int_equal(w.served, 0);
    GIVE(&w, MCU_PING);
    assert_int_equal(w.uid, TDM_UID_MCU_PING);
    assert_int_equal(w.msg_id, 2);
    EXPECT(&w, "\xaa\x12\xa5\x02\x00\x00\x01\xf9\xbb");
    w.outcome = TDM_SERVE_FALSE;
    GIVE(&w, MCU_PING);
    EXPECT(&w, "\xaa\x12\xa5\x02\x00\x00\x00\xfe\xbb");
    w.outcome = TDM_STATUS_UNKNOWN_UID;
    GIVE(&w, MCU_PING);
    EXPECT(&w, "\xaa\x12\xa5\x02\x00\xcc\xec\xe8\xbb");
}

static void an_answer_may_come_later(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    w.outcome = TDM_SERVE_LATER;
    GIVE(&w, MCU_PING);
    assert_true(tdm_station_idle(&w.st));
    assert_true(tdm_station_answer(&w.st, w.msg_id, TDM_STATUS_OK));
    EXPECT(&w, RESULT_2);
}

static void oneway_is_served_and_never_answered(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    w.outcome = TDM_SERVE_TRUE;
    GIVE(&w, "\xaa\xf3\x1c\xcc\xee\x03\x05\x00\x02\x00\x6f\x6e\xbc\xbb");
    assert_int_equal(w.served, 1);
    assert_int_equal(w.msg_id, 0);
    EXPECT(&w, "");
}

static void a_call_without_room_for_its_answer_is_not_served(void **state)
{
    struct world w;
    char all[TDM_STATION_ANSWERS * (sizeof RESULT_2 - 1)];

    (void)state;
    start(&w);
    for (unsigned i = 0; i < TDM_STATION_ANSWERS; i++) {
        GIVE(&w, MCU_PING);
        memcpy(all + i * (sizeof RESULT_2 - 1), RESULT_2, sizeof RESULT_2 - 1);
    }
    GIVE(&w, MCU_PING);
    assert_int_equal(w.served, TDM_STATION_ANSWERS);
    assert_false(tdm_station_answer(&w.st, 7, TDM_STATUS_OK));
    expect(&w, all, sizeof all, 64);
    GIVE(&w, MCU_PING);
    EXPECT(&w, RESULT_2);
}

static void short_and_unknown_messages_are_ignored(void **state)
{
    static const char payloads[][8] = {"\xbc",
                                       "\xbc\x67\x81",
                                       "\xbc\x67\x81\x01\x02",
                                       "\x12\xa5\x01\x00",
                                       "\xf3\x1c\x11",
                                       "\x55\xaa\x01\x01\x02\x00"};
    static const uint8_t lengths[] = {1, 3, 5, 4, 3, 6};
    struct world w;

    (void)state;
    start(&w);
    ask(&w, &w.a, &ping);
    for (size_t i = 0; i < sizeof lengths; i++) {
        uint8_t wire[32];
        struct tdm_frame_tx tx;

        tdm_frame_tx_init(&tx, (const uint8_t *)payloads[i], lengths[i]);
        give(&w, (const char *)wire, tdm_frame_tx_pull(&tx, wire, sizeof wire));
    }
    assert_int_equal(w.served + w.done, 0);
}

static void asks_again(void *ctx, int error, struct tdm_reader *results)
{
    static const struct tdm_question again = {TDM_UID_NCP_PING, 100, NULL, asks_again};
    struct world *w = ctx;

    done(ctx, error, results);
    tdm_station_ask(&w->st, &w->a, &again, w, 0);
}

static void reset_drops_what_waits_and_ends_the_requests(void **state)
{
    static const struct tdm_question again = {TDM_UID_NCP_PING, 100, NULL, asks_again};
    uint8_t out[5];
    struct world w;

    (void)state;
    start_at(&w, 1);
    ask(&w, &w.a, &again);
    ask(&w, &w.b, &ping);
    GIVE(&w, MCU_PING);
    assert_int_equal(tdm_station_pull(&w.st, out, sizeof out), sizeof out);
    GIVE(&w, "\xaa\xbc\x67"); /* half a frame */
    tdm_station_reset(&w.st);
    assert_int_equal(w.done, 2);
    assert_int_equal(w.error, TDM_E_CANCELLED);
    GIVE(&w, "\x81\x01\x02\x00\x41\xbb");
    assert_int_equal(w.served, 1);
    EXPECT(&w, "\x01\xbb\xaa\xbc\x67\x01\x01\x03\x00\x65\xbb"); /* what was asked meanwhile */
}

static void resync_goes_out_before_the_next_frame_and_only_once(void **state)
{
    struct world w;

    (void)state;
    start_at(&w, 2);
    tdm_station_resync(&w.st);
    EXPECT(&w, "");
    ask(&w, &w.a, &ping);
    expect(&w, "\x01\xbb" PING_2, 2 + sizeof PING_2 - 1, 1);
    GIVE(&w, MCU_PING);
    EXPECT(&w, RESULT_2);
}

static void a_request_in_flight_is_not_asked_twice(void **state)
{
    struct world w;

    (void)state;
    start_at(&w, 2);
    ask(&w, &w.a, &ping);
    ask(&w, &w.a, &initialize);
    EXPECT(&w, PING_2);
}

static void message_ids_skip_0(void **state)
{
    struct world w;

    (void)state;
    start_at(&w, UINT16_MAX);
    ask(&w, &w.a, &ping);
    ask(&w, &w.b, &ping);
    assert_int_equal(w.a.msg_id, UINT16_MAX);
    assert_int_equal(w.b.msg_id, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_ping_is_sent_and_its_result_taken),
        cmocka_unit_test(golden_initialize_goes_out_whole_in_pieces_of_any_size),
        cmocka_unit_test(a_message_of_any_length_goes_out_as_one_frame),
        cmocka_unit_test(oneway_ends_when_it_is_out),
        cmocka_unit_test(results_are_matched_by_message_id_in_any_order),
        cmocka_unit_test(an_error_status_ends_a_request_without_results),
        cmocka_unit_test(silence_ends_a_request_at_its_deadline_across_a_clock_wrap),
        cmocka_unit_test(a_cancelled_request_is_not_sent_and_its_result_is_skipped),
        cmocka_unit_test(a_request_cancelled_half_sent_is_resynchronized),
        cmocka_unit_test(an_answer_never_cuts_into_a_request),
        cmocka_unit_test(answers_go_before_requests_that_wait),
        cmocka_unit_test(a_call_is_answered_with_a_status_or_a_bool),
        cmocka_unit_test(an_answer_may_come_later),
        cmocka_unit_test(oneway_is_served_and_never_answered),
        cmocka_unit_test(a_call_without_room_for_its_answer_is_not_served),
        cmocka_unit_test(short_and_unknown_messages_are_ignored),
        cmocka_unit_test(reset_drops_what_waits_and_ends_the_requests),
        cmocka_unit_test(resync_goes_out_before_the_next_frame_and_only_once),
        cmocka_unit_test(a_request_in_flight_is_not_asked_twice),
        cmocka_unit_test(message_ids_skip_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
