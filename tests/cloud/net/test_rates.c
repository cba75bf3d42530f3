/* A rate that streams share: never more than the burst and the rate's share of the time that passed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "cloud/net/front/rates.h"

#define PER_S   100000
#define STREAMS 3
#define RUN_MS  500

struct world {
    struct event_base *base;
    struct rates rates;
    struct bufferevent *streams[STREAMS];
    int ends[STREAMS];
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int set_up(void **state)
{
    static char data[PER_S];
    struct world *w = calloc(1, sizeof *w);
    w->base = event_base_new();
    for (int i = 0; i < STREAMS; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        w->streams[i] = bufferevent_socket_new(w->base, pair[0], BEV_OPT_CLOSE_ON_FREE);
        w->ends[i] = pair[1];
        bufferevent_enable(w->streams[i], EV_WRITE);
        bufferevent_write(w->streams[i], data, sizeof data);
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < STREAMS; i++) {
        bufferevent_remove_from_rate_limit_group(w->streams[i]);
        bufferevent_free(w->streams[i]);
        close(w->ends[i]);
    }
    rates_free(&w->rates);
    event_base_free(w->base);
    free(w);
    return 0;
}

/* What arrives while the loop runs, until that many milliseconds have passed and at least bytes have arrived.
 */
static int64_t receive(struct world *w, int64_t ms, int64_t bytes)
{
    char piece[4096];
    int64_t got = 0;
    int64_t start = now_ms();
    while (now_ms() - start < ms || got < bytes) {
        assert_true(now_ms() - start < 20000);
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        for (int i = 0; i < STREAMS; i++) {
            for (ssize_t n; (n = recv(w->ends[i], piece, sizeof piece, 0)) > 0;)
                got += n;
        }
    }
    return got;
}

static void streams_share_the_rate(void **state)
{
    struct world *w = *state;
    int64_t start = now_ms();
    for (int i = 0; i < STREAMS; i++)
        assert_int_equal(
            bufferevent_add_to_rate_limit_group(w->streams[i], rates_group(&w->rates, w->base, 7, PER_S)), 0);
    int64_t got = receive(w, RUN_MS, PER_S / 2);
    int64_t passed = now_ms() - start;
    /* A stream that may write at all writes a share of its own at least: 64 bytes each, and a tick early. */
    assert_true(got <= PER_S + PER_S * (passed + 100) / 1000 + STREAMS * 16384);
    assert_true(got < STREAMS * PER_S);
}

static void without_a_rate_there_is_no_group(void **state)
{
    struct world *w = *state;
    assert_null(rates_group(&w->rates, w->base, 7, 0));
    receive(w, 0, STREAMS * PER_S);
}

static void rate_that_changes_is_that_of_the_same_group(void **state)
{
    struct world *w = *state;
    struct bufferevent_rate_limit_group *group = rates_group(&w->rates, w->base, 7, 1000);
    assert_ptr_equal(rates_group(&w->rates, w->base, 7, 1000), group);
    assert_ptr_not_equal(rates_group(&w->rates, w->base, 8, 1000), group);
    for (int i = 0; i < STREAMS; i++)
        assert_int_equal(bufferevent_add_to_rate_limit_group(w->streams[i], group), 0);
    assert_ptr_equal(rates_group(&w->rates, w->base, 7, INT64_MAX), group);
    receive(w, 0, STREAMS * PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams_share_the_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_rate_there_is_no_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rate_that_changes_is_that_of_the_same_group, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
