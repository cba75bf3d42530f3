/* Answers in pieces, seen by a client on a socket of its own while the server's loop runs beside it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cloud/net/http/http_connection.h"

#define LIMIT_S         20
#define CONNECTIONS_MAX 10

struct world {
    struct event_base *base;
    struct http_server *server;
    struct http_exchange *stream; /* begun and not closed */
    bool takes;                   /* bodies */
    size_t taken;
    int closed;
    bool sent;
    int client;
    char got[4096];
    size_t got_bytes;
    bool got_end;
};

static void on_request(void *ctx, struct http_exchange *exchange)
{
    struct world *w = ctx;
    if (!w->takes)
        return;
    w->stream = exchange;
    http_hold(exchange);
}

static void on_body(void *ctx, struct http_exchange *exchange, const void *data, size_t bytes)
{
    struct world *w = ctx;
    (void)exchange;
    (void)data;
    w->taken += bytes;
}

static void on_complete(void *ctx, struct http_exchange *exchange)
{
    static const char large[4 << 20];
    struct world *w = ctx;
    w->stream = exchange;
    exchange->patient = strcmp(exchange->head.path, "/patient") == 0;
    if (strcmp(exchange->head.path, "/events") != 0) {
        http_reply(exchange, 200, "text/plain", large, sizeof large);
        return;
    }
    assert_true(http_stream_begin(exchange, 200, "text/event-stream"));
}

static void on_closed(void *ctx, struct http_exchange *exchange, bool sent)
{
    struct world *w = ctx;
    assert_ptr_equal(exchange, w->stream);
    w->stream = NULL;
    w->closed++;
    w->sent = sent;
}

static const struct http_handler handler = {
    .on_request = on_request, .on_body = on_body, .on_complete = on_complete, .on_closed = on_closed};

static void turn(struct world *w, const time_t *end)
{
    assert_true(time(NULL) < *end);
    event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* Everything that comes until what was received ends with text, or with NULL the connection's end. */
static void receive(struct world *w, const char *text)
{
    time_t end = time(NULL) + LIMIT_S;
    for (;;) {
        w->got[w->got_bytes] = '\0';
        size_t want = text == NULL ? 0 : strlen(text);
        if (text == NULL ? w->got_end
                         : w->got_bytes >= want && strcmp(w->got + w->got_bytes - want, text) == 0)
            return;
        assert_false(w->got_end);
        turn(w, &end);
        ssize_t got = recv(w->client, w->got + w->got_bytes, sizeof w->got - 1 - w->got_bytes, MSG_DONTWAIT);
        w->got_end = got == 0;
        assert_true(got >= 0 || errno == EAGAIN);
        w->got_bytes += got > 0 ? (size_t)got : 0;
    }
}

static void until_closed(struct world *w)
{
    time_t end = time(NULL) + LIMIT_S;
    while (w->closed == 0)
        turn(w, &end);
}

static void ask(struct world *w, const char *request)
{
    time_t end = time(NULL) + LIMIT_S;
    assert_int_equal(send(w->client, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    while (w->stream == NULL)
        turn(w, &end);
}

static int connect_one(const struct world *w)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_port(w->server, HTTP_CLEAR)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof to), 0);
    return client;
}

static int set_up(void **state)
{
    static const struct bound bound = {.name = "http", .max = CONNECTIONS_MAX};
    struct world *w = calloc(1, sizeof *w);
    char why[200];
    w->base = event_base_new();
    const struct door doors[HTTP_DOORS] = {[HTTP_CLEAR] = {.address = "127.0.0.1:0"}};
    w->server = http_start(w->base, doors, bound, &handler, w, why, sizeof why);
    assert_non_null(w->server);
    w->client = connect_one(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    close(w->client);
    if (w->server != NULL)
        http_stop(w->server);
    event_base_free(w->base);
    free(w);
    return 0;
}

static void stream_reaches_the_client_piece_by_piece(void **state)
{
    struct world *w = *state;
    ask(w, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(w, "\r\n\r\n");
    assert_non_null(strstr(w->got, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(w->got, "Transfer-Encoding: chunked\r\n"));
    assert_null(strstr(w->got, "Content-Length"));
    http_stream_send(w->stream, "data: 1\n\n", 9);
    receive(w, "9\r\ndata: 1\n\n\r\n");
    http_stream_send(w->stream, "data: 22\n\n", 10);
    receive(w, "a\r\ndata: 22\n\n\r\n");
    http_stream_end(w->stream);
    receive(w, "0\r\n\r\n");
    until_closed(w);
    assert_true(w->sent);
}

static void client_of_version_1_0_gets_the_bare_bytes(void **state)
{
    struct world *w = *state;
    ask(w, "GET /events HTTP/1.0\r\n\r\n");
    http_stream_send(w->stream, "data: 1\n\n", 9);
    http_stream_end(w->stream);
    receive(w, NULL);
    assert_non_null(strstr(w->got, "\r\n\r\ndata: 1\n\n"));
    assert_null(strstr(w->got, "chunked"));
    assert_true(w->sent);
}

static void client_that_leaves_closes_the_stream(void **state)
{
    struct world *w = *state;
    ask(w, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(w->client, SHUT_RDWR);
    until_closed(w);
    assert_false(w->sent);
}

static void client_that_does_not_read_is_dropped(void **state)
{
    static const char piece[1024];
    struct world *w = *state;
    time_t end = time(NULL) + LIMIT_S;
    ask(w, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    while (w->closed == 0) {
        for (int i = 0; i < 64; i++)
            http_stream_send(w->stream, piece, sizeof piece);
        turn(w, &end);
    }
    assert_false(w->sent);
}

/* Whoever reads a byte a minute would hold a connection for days. */
static void whole_answer_has_a_deadline_by_its_size(void **state)
{
    struct world *w = *state;
    struct timeval when;
    struct timeval now;
    ask(w, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    struct event *deadline = w->stream->connection->deadline;
    assert_true(evtimer_pending(deadline, &when));
    gettimeofday(&now, NULL);
    int64_t limit_s = 60 + (4 << 20) / 4096;
    assert_in_range(when.tv_sec - now.tv_sec, limit_s - LIMIT_S, limit_s + 1);
    event_active(deadline, EV_TIMEOUT, 0);
    until_closed(w);
    assert_false(w->sent);
}

static int64_t seconds_left(const struct event *deadline)
{
    struct timeval when;
    struct timeval now;
    assert_true(evtimer_pending(deadline, &when));
    gettimeofday(&now, NULL);
    return when.tv_sec - now.tv_sec;
}

/* 64 MiB at the pace that is asked for take hours. */
static void body_of_which_nothing_comes_is_not_waited_for_that_long(void **state)
{
    struct world *w = *state;
    w->takes = true;
    ask(w, "POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 67108864\r\n\r\n");
    assert_true(http_resume(w->stream));
    struct event *deadline = w->stream->connection->deadline;
    assert_in_range(seconds_left(deadline), 60 - LIMIT_S, 61);
    time_t end = time(NULL) + LIMIT_S;
    assert_int_equal(send(w->client, "x", 1, MSG_NOSIGNAL), 1);
    while (w->taken == 0)
        turn(w, &end);
    assert_in_range(seconds_left(deadline), 60 - LIMIT_S, 61);
    event_active(deadline, EV_TIMEOUT, 0);
    receive(w, "}\n");
    assert_non_null(strstr(w->got, " 408 "));
}

static void answer_to_a_patient_handler_has_none(void **state)
{
    struct world *w = *state;
    ask(w, "GET /patient HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_false(evtimer_pending(w->stream->connection->deadline, NULL));
    http_stop(w->server);
    w->server = NULL;
    assert_int_equal(w->closed, 1);
}

/* More than the server holds: those that ask for nothing, and the first at that, make room. */
static void connections_that_ask_for_nothing_make_room(void **state)
{
    struct world *w = *state;
    int idle[2 * CONNECTIONS_MAX];
    for (size_t i = 0; i < 2 * CONNECTIONS_MAX; i++)
        idle[i] = connect_one(w);
    int first = w->client;
    w->client = connect_one(w);
    ask(w, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(w, "\r\n\r\n");
    assert_non_null(strstr(w->got, " 200 OK\r\n"));
    char byte;
    assert_int_equal(recv(first, &byte, 1, 0), 0);
    assert_int_equal(recv(idle[2 * CONNECTIONS_MAX - 1], &byte, 1, MSG_DONTWAIT), -1);
    close(first);
    for (size_t i = 0; i < 2 * CONNECTIONS_MAX; i++)
        close(idle[i]);
}

static void head_request_gets_the_head_alone(void **state)
{
    struct world *w = *state;
    ask(w, "HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n");
    http_stream_send(w->stream, "data: 1\n\n", 9);
    http_stream_end(w->stream);
    receive(w, NULL);
    assert_string_equal(w->got + w->got_bytes - 4, "\r\n\r\n");
    assert_null(strstr(w->got, "data"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stream_reaches_the_client_piece_by_piece, set_up, tear_down),
        cmocka_unit_test_setup_teardown(client_of_version_1_0_gets_the_bare_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(client_that_leaves_closes_the_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(client_that_does_not_read_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whole_answer_has_a_deadline_by_its_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(body_of_which_nothing_comes_is_not_waited_for_that_long, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(answer_to_a_patient_handler_has_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connections_that_ask_for_nothing_make_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(head_request_gets_the_head_alone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
