/* What carries MQTT: here a clear socket, whose other end is ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "cloud/net/devices/stream.h"

struct peer {
    struct event_base *base;
    struct event *event;
    struct stream stream;
    int fd;
    char taken[100];
    size_t take_max, moves;
};

/* As much as it may, and no more. */
static size_t on_take(void *ctx, const uint8_t *bytes, size_t count)
{
    struct peer *peer = ctx;
    size_t take = count < peer->take_max ? count : peer->take_max;
    strncat(peer->taken, (const char *)bytes, take);
    peer->take_max -= take;
    return take;
}

static void on_moved(void *ctx)
{
    struct peer *peer = ctx;
    peer->moves++;
}

static int setup(void **state)
{
    static const struct stream_ops ops = {on_take, on_moved};
    int ends[2];
    struct peer *peer = calloc(1, sizeof *peer);
    assert_non_null(peer);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    peer->base = event_base_new();
    peer->event = calloc(1, event_get_struct_event_size());
    assert_true(peer->base != NULL && peer->event != NULL);
    peer->fd = ends[0];
    peer->take_max = SIZE_MAX;
    stream_open(&peer->stream, peer->base, peer->event, &(struct stream_source){.fd = ends[1]}, &ops, peer);
    *state = peer;
    return 0;
}

static int teardown(void **state)
{
    struct peer *peer = *state;
    stream_free(&peer->stream);
    event_base_free(peer->base);
    close(peer->fd);
    free(peer->event);
    free(peer);
    return 0;
}

static void say(const struct peer *peer, const char *text)
{
    assert_int_equal(write(peer->fd, text, strlen(text)), strlen(text));
}

/* Everything that is ready now. */
static void turn(const struct peer *peer)
{
    assert_true(event_base_loop(peer->base, EVLOOP_NONBLOCK) >= 0);
}

static void what_comes_is_offered_at_once(void **state)
{
    struct peer *peer = *state;
    say(peer, "one");
    turn(peer);
    assert_string_equal(peer->taken, "one");
    assert_int_equal(peer->moves, 1);
    turn(peer);
    assert_int_equal(peer->moves, 1);
}

static void what_is_not_taken_comes_again_with_more_behind_it(void **state)
{
    struct peer *peer = *state;
    peer->take_max = 2;
    say(peer, "abcd");
    turn(peer);
    assert_string_equal(peer->taken, "ab");
    say(peer, "ef");
    turn(peer);
    assert_string_equal(peer->taken, "ab");
    peer->take_max = 3;
    assert_true(stream_receive(&peer->stream));
    assert_string_equal(peer->taken, "abcde");
    peer->take_max = SIZE_MAX;
    assert_true(stream_receive(&peer->stream));
    assert_string_equal(peer->taken, "abcdef");
    say(peer, "g");
    turn(peer);
    assert_string_equal(peer->taken, "abcdefg");
}

static void a_stream_that_is_not_read_leaves_it_in_the_socket(void **state)
{
    struct peer *peer = *state;
    stream_read(&peer->stream, false);
    say(peer, "later");
    turn(peer);
    assert_int_equal(peer->moves, 0);
    stream_read(&peer->stream, true);
    turn(peer);
    assert_string_equal(peer->taken, "later");
}

static void what_came_before_a_close_is_taken(void **state)
{
    struct peer *peer = *state;
    peer->take_max = 1;
    say(peer, "bye");
    assert_int_equal(shutdown(peer->fd, SHUT_WR), 0);
    turn(peer);
    turn(peer);
    assert_true(peer->stream.closed);
    size_t moves = peer->moves;
    turn(peer);
    assert_int_equal(peer->moves, moves); /* a close is told once */
    peer->take_max = SIZE_MAX;
    assert_false(stream_receive(&peer->stream));
    assert_string_equal(peer->taken, "bye");
}

/* Reads all that is there; each byte must be the number of its place. */
static size_t drain(const struct peer *peer, size_t from)
{
    uint8_t bytes[4096];
    size_t count = 0;
    for (ssize_t got; (got = read(peer->fd, bytes, sizeof bytes)) > 0; count += (size_t)got)
        for (ssize_t i = 0; i < got; i++)
            assert_int_equal(bytes[i], (uint8_t)(from + count + (size_t)i));
    return count;
}

static void what_the_socket_does_not_take_waits_in_order(void **state)
{
    enum { PIECE = 1000, ALL = 2000 * PIECE };
    struct peer *peer = *state;
    uint8_t piece[PIECE];
    size_t got = 0;
    for (size_t sent = 0; sent < ALL; sent += PIECE) {
        for (size_t i = 0; i < PIECE; i++)
            piece[i] = (uint8_t)(sent + i);
        stream_send(&peer->stream, piece, PIECE);
    }
    assert_true(stream_unsent(&peer->stream) > 0);
    for (int turns = 0; got < ALL && turns < ALL; turns++) {
        got += drain(peer, got);
        turn(peer);
    }
    assert_int_equal(got, ALL);
    assert_int_equal(stream_unsent(&peer->stream), 0);
    size_t moves = peer->moves;
    turn(peer);
    assert_int_equal(peer->moves, moves); /* that it could write is of no interest any more */
}

static void a_broken_socket_is_closed_by_what_waits(void **state)
{
    static const uint8_t zeros[4096];
    struct peer *peer = *state;
    stream_read(&peer->stream, false);
    while (stream_unsent(&peer->stream) == 0)
        stream_send(&peer->stream, zeros, sizeof zeros);
    close(peer->fd);
    peer->fd = -1;
    turn(peer);
    assert_true(peer->stream.closed);
    assert_int_equal(peer->moves, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_comes_is_offered_at_once),
        CASE(what_is_not_taken_comes_again_with_more_behind_it),
        CASE(a_stream_that_is_not_read_leaves_it_in_the_socket),
        CASE(what_came_before_a_close_is_taken),
        CASE(what_the_socket_does_not_take_waits_in_order),
        CASE(a_broken_socket_is_closed_by_what_waits),
    };
    signal(SIGPIPE, SIG_IGN); /* as the server does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
