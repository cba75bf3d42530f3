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
    static const uint8_t expected[] = {0xEE, 1, 0, 0xEE, 0xEE, 0xEE, 1 /* of the first chunk */};

    if (bench.at == 0)
        ask_around(f);
    else if (bench.at == bench.chunk)
        assert_memory_equal(f->ncp.answer_values + 1, expected, sizeof expected); /* behind the offer's */
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

static void repeat_the_one_before(struct fixture *f)
{
    uint8_t args[600];
    uint32_t at = bench.at - bench.chunk;
    size_t n;

    if (bench.at < 2 * (uint32_t)bench.chunk)
        return;
    n = bench_put_u32(args, at);
    args[n++] = (uint8_t)bench.chunk;
    args[n++] = (uint8_t)(bench.chunk >> 8);
    memcpy(args + n, f->package.bytes + at, bench.chunk);
    n += bench.chunk;
    (void)bench_put_u32(args + n, package_crc32(f->package.bytes + at, bench.chunk));
    (void)ncp_stub_invoke(&f->ncp, 0x0442, args, n + 4);
}

static void a_chunk_that_comes_again_is_taken_as_written(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.on_chunk = repeat_the_one_before;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(bench.refusals, 0);
    bench_assert_pending(f);
}

/* The stub's answer is taken back; the chunk that follows says that it was heard. */
static void lose_the_answer(struct fixture *f)
{
    f->ncp.out_length = 0;
}

static void the_first_chunk_says_that_the_start_was_heard(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    bench_start_without_image(f);
    bench.on_start = lose_the_answer;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(bench.starts, 1);
    bench_assert_pending(f);
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
        cmocka_unit_test(the_first_chunk_says_that_the_start_was_heard),
        cmocka_unit_test(a_rate_that_the_line_does_not_carry_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
