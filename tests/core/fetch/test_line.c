/* What comes over the line while it fetches. */
#include "bench.h"

#include <string.h>

static void ask_around(struct fixture *f)
{
    static const uint8_t known[] = {0x41, 0x04}, unknown[] = {0x45, 0x04}, state[] = {5};

    (void)ncp_stub_invoke(&f->ncp, 0x0181, NULL, 0);
    (void)ncp_stub_invoke(&f->ncp, 0x0183, known, 2);
    (void)ncp_stub_invoke(&f->ncp, 0x0183, unknown, 2);
    (void)ncp_stub_invoke(&f->ncp, 0x0777, NULL, 0);
    (void)ncp_stub_invoke(&f->ncp, 0x0183, known, 1); /* too short, too long */
    (void)ncp_stub_invoke(&f->ncp, 0x0444, known, 1);
    ncp_stub_oneway(&f->ncp, 0x0411, state, sizeof state);
    ncp_stub_oneway(&f->ncp, 0x0777, NULL, 0);
}

/* A status without results is told by 0xEE. */
static void hear_answers(struct fixture *f)
{
    static const uint8_t statuses[] = {0, 0, 0, 0x13, 0x15, 0x15, 0};
    static const uint8_t expected[] = {0xEE, 1, 0, 0xEE, 0xEE, 0xEE, 1 /* of the first chunk */};

    if (bench.at == 0) {
        ask_around(f);
    } else if (bench.at == bench.chunk) {
        assert_memory_equal(f->ncp.answer_values + 1, expected, sizeof expected); /* behind the offer's */
        assert_memory_equal(f->ncp.answer_statuses + 1, statuses, sizeof statuses);
    }
}

static void it_answers_what_it_knows_and_what_it_does_not(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.on_chunk = hear_answers;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    bench_assert_pending(f);
}

/* Sends a chunk that is not waited for. */
static void send_aside(struct fixture *f, uint32_t offset, const uint8_t *data, uint16_t bytes)
{
    uint8_t args[600];
    size_t n = bench_put_u32(args, offset);

    args[n++] = (uint8_t)bytes;
    args[n++] = (uint8_t)(bytes >> 8);
    memcpy(args + n, data, bytes);
    n += bytes;
    n += bench_put_u32(args + n, package_crc32(data, bytes));
    (void)ncp_stub_invoke(&f->ncp, 0x0442, args, n);
}

/* Before the third chunk: the second one again, and what is not that nor the third, because its offset, its
 * length or its data are others. */
static void repeat_the_one_before(struct fixture *f)
{
    uint32_t before = bench.at - bench.chunk;
    const uint8_t *data = f->package.bytes + before;

    if (bench.at != 2 * (uint32_t)bench.chunk)
        return;
    send_aside(f, before, data, bench.chunk);
    send_aside(f, before + 1, data, bench.chunk);
    send_aside(f, before, data, bench.chunk - 1);
    send_aside(f, before, data + 1, bench.chunk);
    send_aside(f, bench.at, data, 0);
}

static void hear_of_repeats(struct fixture *f)
{
    static const uint8_t expected[] = {1, 1, /* two chunks, behind the offer */ 1, 0, 0, 0, 0, 1};

    repeat_the_one_before(f);
    if (bench.at == 3 * (uint32_t)bench.chunk)
        assert_memory_equal(f->ncp.answer_values + 1, expected, sizeof expected);
}

static void a_chunk_that_comes_again_is_taken_as_written(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.on_chunk = hear_of_repeats;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(bench.refusals, 0);
    bench_assert_pending(f);
}

/* A frame with a wrong CRC, one without a start, ends without a frame, and a frame without a payload, while
 * the call that came last is still in the buffer. Then a good one, whose last two bytes come again. */
static void send_noise(struct fixture *f)
{
    static const uint8_t ends[] = {0xBB, 0xBB}, empty[] = {0xAA, 0xBB};
    struct ncp_stub *ncp = &f->ncp;
    size_t frame;

    if (bench.at == (uint32_t)bench.chunk) {
        (void)ncp_stub_invoke(ncp, 0x0181, NULL, 0);
        ncp->out[ncp->out_length - 2] ^= 0x40;
        frame = ncp->out_length;
        (void)ncp_stub_invoke(ncp, 0x0181, NULL, 0);
        ncp->out[frame] = 0x55;
        memcpy(ncp->out + ncp->out_length, ends, sizeof ends);
        ncp->out_length += sizeof ends;
        memcpy(ncp->out + ncp->out_length, empty, sizeof empty);
        ncp->out_length += sizeof empty;
        (void)ncp_stub_invoke(ncp, 0x0181, NULL, 0);
        memcpy(ncp->out + ncp->out_length, ncp->out + ncp->out_length - 2, 2);
        ncp->out_length += 2;
    } else if (bench.at == 2 * (uint32_t)bench.chunk) {
        assert_int_equal(ncp->answers, 4); /* to the offer, a ping and two chunks */
    }
}

static void noise_is_not_answered(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.on_chunk = send_noise;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    bench_assert_pending(f);
}

/* Calls of 6 bytes before the arguments, and a CRC behind them. */
static void send_long_frames(struct fixture *f)
{
    static const uint8_t args[TDM_FETCH_FRAME_BYTES];
    struct ncp_stub *ncp = &f->ncp;

    if (bench.at == (uint32_t)bench.chunk) {
        (void)ncp_stub_invoke(ncp, 0x0777, args, TDM_FETCH_FRAME_BYTES - 7);
        (void)ncp_stub_invoke(ncp, 0x0777, args, TDM_FETCH_FRAME_BYTES - 6);
        (void)ncp_stub_invoke(ncp, 0x0777, args, TDM_FETCH_FRAME_BYTES);
    } else if (bench.at == 2 * (uint32_t)bench.chunk) {
        assert_int_equal(ncp->answers, 4); /* to the offer, two chunks, and the first of these */
        assert_int_equal(ncp->answer_statuses[2], 0x13);
    }
}

static void a_frame_longer_than_the_buffer_is_dropped_whole(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.on_chunk = send_long_frames;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    bench_assert_pending(f);
}

static void finish_early(struct fixture *f)
{
    if (bench.at == 2 * (uint32_t)bench.chunk)
        (void)ncp_stub_invoke(&f->ncp, 0x0443, NULL, 0);
}

static void a_finish_before_the_end_ends_it(void **state)
{
    struct fixture *f = &fixture;
    uint8_t reason;

    (void)state;
    bench_start_with_image(f);
    bench.on_chunk = finish_early;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_CHUNK);
    assert_int_equal(f->ncp.last_value, 0);
    bench_assert_untouched(f);
}

static void send_one_after_the_end(struct fixture *f)
{
    if (bench.refusals == 0)
        return;
    bench.on_idle = NULL;
    send_aside(f, bench.at, f->package.bytes + bench.at, bench.chunk);
}

/* Nor does it wake what waits for the next offer. */
static void a_chunk_after_the_end_is_refused(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    f->package.bytes[package_signature(&f->package)] ^= 1;
    bench.on_idle = send_one_after_the_end;
    assert_false(bench_runs_for(f, 20000, &bench_nothing));
    assert_int_equal(bench.refusals, 1);
    assert_null(bench.on_idle);
    assert_int_not_equal(f->ncp.last_answer_id, bench.call_id);
    assert_int_equal(f->ncp.last_value, 0);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0345), 1);
}

static void let_an_answer_be_lost(struct fixture *f)
{
    f->ncp.start_losses = 1;
    bench.on_idle = NULL;
}

static void the_first_chunk_says_that_the_start_was_heard(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.on_idle = let_an_answer_be_lost;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(f->ncp.start_losses, 0);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 1);
    assert_int_equal(bench.refusals, 0);
    bench_assert_pending(f);
}

static void send_one_of_before(struct fixture *f)
{
    (void)f;
    if (bench.starts == 1)
        bench.at = bench.chunk;
}

static void another_chunk_says_nothing(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.on_idle = let_an_answer_be_lost;
    bench.on_start = send_one_of_before;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(bench.starts, 2);
    assert_int_equal(bench.refusals, 0);
    bench_assert_pending(f);
}

/* --- While nothing is offered --- */

static void start_idle(struct fixture *f, void (*on_idle)(struct fixture *f))
{
    bench_start_without_image(f);
    bench.offers = 0;
    bench.on_idle = on_idle;
}

static void the_watchdog_is_fed_whenever_it_listens(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_idle(f, NULL);
    f->feeds = 0;
    assert_false(bench_runs_for(f, 5000, &bench_nothing));
    assert_true(bench.receives > 100);
    assert_true(f->feeds + 1 >= bench.receives); /* the last one does not return */
}

static void cancel_nothing(struct fixture *f)
{
    if (bench.end_ms - f->now_ms > 20000)
        return;
    bench.on_idle = NULL;
    (void)ncp_stub_invoke(&f->ncp, 0x0444, NULL, 0);
}

static void a_cancel_of_nothing_is_answered_and_changes_nothing(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_idle(f, cancel_nothing);
    assert_int_equal(bench_check_ins(f, 29000), 1);
    assert_int_equal(f->ncp.answers, 1);
    assert_int_equal(f->ncp.answer_statuses[0], 0);
    assert_int_equal(f->ncp.last_results, 0);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0345), 0);
}

static void ask_for_a_reboot(struct fixture *f)
{
    if (f->ncp.state == 5)
        (void)ncp_stub_invoke(&f->ncp, 0x0182, NULL, 0);
}

static void a_reboot_that_is_asked_for_is_answered_and_done(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_idle(f, ask_for_a_reboot);
    assert_true(bench_runs_for(f, 29000, &bench_nothing));
    assert_int_equal(f->ncp.answers, 1);
    assert_int_equal(f->ncp.last_status, 0);
    assert_int_equal(f->ncp.last_value, 1);
}

static void refuse_and_offer(struct fixture *f)
{
    f->ncp.initialize_answer = false;
    bench.offers = 1;
    bench_offer(f);
}

/* Whatever else it calls meanwhile. */
static void one_that_refuses_is_asked_again_after_a_while(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_idle(f, refuse_and_offer);
    assert_false(bench_runs_for(f, 12000, &bench_nothing));
    assert_in_range(ncp_stub_count(&f->ncp, 0x0301), 2, 3);
}

static void restart(struct fixture *f)
{
    if (bench.end_ms - f->now_ms > 20000)
        return;
    bench.on_idle = NULL;
    f->ncp.state = 10;
}

/* State 10: it was restarted. */
static void a_co_processor_that_was_restarted_is_initialised_anew(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_idle(f, restart);
    assert_int_equal(bench_check_ins(f, 29000), 2);
}

static void be_silent_for_a_while(struct fixture *f)
{
    uint32_t left_ms = bench.end_ms - f->now_ms;

    f->ncp.silent = left_ms <= 26000 && left_ms > 8000;
}

static void so_is_one_that_was_silent(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_idle(f, be_silent_for_a_while);
    assert_int_equal(bench_check_ins(f, 29000), 2);
}

static void one_that_is_there_is_left_alone(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_idle(f, NULL);
    assert_int_equal(bench_check_ins(f, 29000), 1);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0306), 2); /* a sign of life every 10 s */
}

static void a_rate_that_the_line_does_not_carry_is_given_up(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.offers = 0;
    assert_false(bench_runs_for(f, 100, &bench_nothing));
    assert_int_equal(f->baud, 460800);
    f->ncp.raise_to_max = 0;
    assert_int_equal(bench_check_ins(f, 3000), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_answers_what_it_knows_and_what_it_does_not),
        cmocka_unit_test(a_chunk_that_comes_again_is_taken_as_written),
        cmocka_unit_test(noise_is_not_answered),
        cmocka_unit_test(a_frame_longer_than_the_buffer_is_dropped_whole),
        cmocka_unit_test(a_finish_before_the_end_ends_it),
        cmocka_unit_test(a_chunk_after_the_end_is_refused),
        cmocka_unit_test(the_first_chunk_says_that_the_start_was_heard),
        cmocka_unit_test(another_chunk_says_nothing),
        cmocka_unit_test(the_watchdog_is_fed_whenever_it_listens),
        cmocka_unit_test(a_cancel_of_nothing_is_answered_and_changes_nothing),
        cmocka_unit_test(a_reboot_that_is_asked_for_is_answered_and_done),
        cmocka_unit_test(one_that_refuses_is_asked_again_after_a_while),
        cmocka_unit_test(a_co_processor_that_was_restarted_is_initialised_anew),
        cmocka_unit_test(so_is_one_that_was_silent),
        cmocka_unit_test(one_that_is_there_is_left_alone),
        cmocka_unit_test(a_rate_that_the_line_does_not_carry_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
