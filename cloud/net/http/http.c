#include "cloud/net/http/http_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "cloud/net/doors/listen.h"
#include "cloud/net/http/http_status.h"

#define HEAD_LIMIT_S    10
#define IDLE_LIMIT_S    60
#define SEND_LIMIT_S    60 /* without progress */
#define LINGER_LIMIT_S  2
#define READ_AHEAD      (64 * 1024)
#define CROWDED_RETRY_S 30

struct http_server {
    struct event_base *base;
    struct door doors[HTTP_DOORS];
    const struct http_handler *handler;
    void *ctx;
    struct http_connection *connections;
    size_t count;
    uint64_t turns;
    struct bound bound;
};

static void serve(struct http_connection *c);

void http__set_deadline(struct http_connection *c, int64_t seconds)
{
    struct timeval after = {.tv_sec = seconds};
    evtimer_add(c->deadline, &after);
}

void http__end_exchange(struct http_connection *c, bool sent)
{
    struct http_exchange *exchange = c->exchange;
    if (exchange == NULL)
        return;
    c->exchange = NULL;
    if (c->shared && c->bev != NULL)
        bufferevent_remove_from_rate_limit_group(c->bev);
    c->shared = false;
    c->server->handler->on_closed(c->server->ctx, exchange, sent);
    free(exchange);
    evbuffer_drain(c->headers, evbuffer_get_length(c->headers));
}

void http__destroy(struct http_connection *c)
{
    http__end_exchange(c, false);
    if (c->bev != NULL)
        bufferevent_free(c->bev);
    event_free(c->deadline);
    evbuffer_free(c->headers);
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    c->server->count--;
    free(c);
}

/* The client is gone or out of time. An exchange that awaits its answer stays until then. */
static void drop(struct http_connection *c)
{
    if (c->state != ANSWER && c->state != HELD) {
        http__destroy(c);
        return;
    }
    bufferevent_free(c->bev);
    c->bev = NULL;
    evtimer_del(c->deadline);
}

static void linger(struct http_connection *c)
{
    c->state = LINGER;
    tls_goodbye(c->bev);
    shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    bufferevent_enable(c->bev, EV_READ);
    http__set_deadline(c, LINGER_LIMIT_S);
}

static void await_head(struct http_connection *c, int64_t seconds)
{
    c->state = HEAD;
    c->turn = ++c->server->turns;
    http__set_deadline(c, seconds);
}

void http__sent(struct http_connection *c)
{
    bool clean = c->keep_alive && c->body_left == 0;
    http__end_exchange(c, true);
    if (!clean) {
        linger(c);
        return;
    }
    await_head(c, IDLE_LIMIT_S);
    bufferevent_enable(c->bev, EV_READ);
    serve(c);
}

static struct http_exchange *exchange_new(struct http_connection *c)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        abort();
    exchange->connection = c;
    exchange->peer = c->peer;
    exchange->secure = c->secure;
    exchange->certified = c->secure && tls_client_verified(c->bev);
    return exchange;
}

static const char *advice(int status)
{
    switch (status) {
    case 400:
        return "this is no request of HTTP: each line ends in CR LF, and one is Host";
    case 503:
        return "too many connections; try again later";
    case 408:
        return "the body came too slowly; send it again";
    case 411:
        return "send the body with a Content-Length, not in chunks";
    case 413:
        return "this request takes no body";
    default:
        return "this is no request that the server understands; docs/API.md lists what there is";
    }
}

/* A refusal of the server itself, before or without a handler. */
static void refuse(struct http_connection *c, int status)
{
    char body[240];
    int bytes = snprintf(body, sizeof body, "{\"status\": %d, \"title\": \"%s\", \"detail\": \"%s\"}\n",
                         status, http_reason(status), advice(status));
    if (c->exchange == NULL) {
        c->exchange = exchange_new(c);
        c->keep_alive = false;
    }
    if (status == 503)
        http_retry_after(c->exchange, CROWDED_RETRY_S);
    http_reply(c->exchange, status, "application/problem+json", body, (size_t)bytes);
}

/* Beyond them there is room for refusals. */
static size_t served_max(const struct http_server *server)
{
    return server->bound.max - server->bound.max / 8;
}

static bool is_crowded(const struct http_server *server)
{
    return server->count > served_max(server);
}

static void complete(struct http_connection *c)
{
    c->state = ANSWER;
    evtimer_del(c->deadline);
    bufferevent_disable(c->bev, EV_READ);
    c->server->handler->on_complete(c->server->ctx, c->exchange);
}

static int64_t clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* More of it within a minute, and all of it in time. */
static void await_body(struct http_connection *c)
{
    int64_t left = c->body_ends_s - clock_s();
    if (left > HTTP_WHOLE_LIMIT_S)
        left = HTTP_WHOLE_LIMIT_S;
    http__set_deadline(c, left > 0 ? left : 0);
}

static void begin_body(struct http_connection *c)
{
    c->body_ends_s = clock_s() + HTTP_WHOLE_LIMIT_S + c->body_left / HTTP_BYTES_PER_S;
    await_body(c);
}

/* The connection may be gone afterwards. */
static void begin(struct http_connection *c)
{
    const struct http_head *head = &c->exchange->head;
    c->keep_alive = head->keep_alive;
    c->body_left = head->content_length;
    c->state = BODY;
    begin_body(c);
    if (head->chunked || is_crowded(c->server)) {
        c->keep_alive = false;
        refuse(c, head->chunked ? 411 : 503);
        return;
    }
    c->server->handler->on_request(c->server->ctx, c->exchange);
    if (c->state == HANDED_OVER)
        http__destroy(c);
    else if (c->state == BODY && c->body_left > 0)
        refuse(c, 413);
    else if (c->state == BODY)
        complete(c);
}

static void read_body(struct http_connection *c, struct evbuffer *input)
{
    while (c->state == BODY && evbuffer_get_length(input) > 0) {
        size_t bytes = evbuffer_get_contiguous_space(input);
        if ((int64_t)bytes > c->body_left)
            bytes = (size_t)c->body_left;
        const void *data = evbuffer_pullup(input, (ev_ssize_t)bytes);
        c->body_left -= (int64_t)bytes;
        c->server->handler->on_body(c->server->ctx, c->exchange, data, bytes);
        evbuffer_drain(input, bytes);
        if (c->state == BODY && c->body_left == 0)
            complete(c);
        else if (c->state == BODY)
            await_body(c);
    }
}

/* The connection may be gone afterwards. */
static void read_head(struct http_connection *c, struct evbuffer *input)
{
    size_t bytes = evbuffer_get_length(input);
    if (bytes > HTTP_HEAD_MAX)
        bytes = HTTP_HEAD_MAX;
    if (bytes == 0)
        return;
    const char *data = (const char *)evbuffer_pullup(input, (ev_ssize_t)bytes);
    if (data == NULL)
        abort();
    struct http_exchange *exchange = exchange_new(c);
    int length = http_head_parse(&exchange->head, data, bytes);
    if (length <= 0) {
        free(exchange);
        if (length < 0)
            refuse(c, -length);
        return;
    }
    evbuffer_drain(input, (size_t)length);
    c->exchange = exchange;
    begin(c);
}

/* Moves as far as what was received allows. */
static void serve(struct http_connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    if (c->state == HEAD)
        read_head(c, input);
    else if (c->state == BODY)
        read_body(c, input);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    struct http_connection *c = ctx;
    struct evbuffer *input = bufferevent_get_input(bev);
    if (c->state == LINGER || c->state == STREAM)
        evbuffer_drain(input, evbuffer_get_length(input));
    else
        serve(c);
}

static void on_write(struct bufferevent *bev, void *ctx)
{
    struct http_connection *c = ctx;
    if (c->state == SENDING && evbuffer_get_length(bufferevent_get_output(bev)) == 0)
        http__sent(c);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    (void)bev;
    if (what & BEV_EVENT_CONNECTED) /* the TLS handshake is done */
        return;
    drop(ctx);
}

static void comment(struct http_connection *c)
{
    if (c->events)
        http_stream_send(c->exchange, ":\n\n", 3);
    http__set_deadline(c, HTTP_STREAM_SILENCE_S);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct http_connection *c = ctx;
    if (c->state == BODY)
        refuse(c, 408);
    else if (c->state == STREAM && !c->dropped)
        comment(c);
    else
        drop(c);
}

static void open_connection(struct http_server *server, const struct door *door, evutil_socket_t fd,
                            const struct sockaddr *peer)
{
    struct http_connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->server = server;
    listen_peer(peer, c->peer);
    c->next = server->connections;
    c->link = &server->connections;
    if (c->next != NULL)
        c->next->link = &c->next;
    server->connections = c;
    server->count++;
    c->headers = evbuffer_new();
    c->deadline = evtimer_new(server->base, on_deadline, c);
    c->bev = door_stream(door, server->base, fd);
    c->secure = door->tls != NULL;
    if (c->headers == NULL || c->deadline == NULL)
        abort();
    struct timeval stuck = {.tv_sec = SEND_LIMIT_S};
    bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, READ_AHEAD);
    bufferevent_set_timeouts(c->bev, NULL, &stuck);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    await_head(c, HEAD_LIMIT_S);
}

/* Whoever opens connections and asks for nothing keeps nobody out. */
static void make_room(struct http_server *server)
{
    struct http_connection *longest = NULL;
    for (struct http_connection *c = server->connections; c != NULL; c = c->next) {
        if (c->state == HEAD && (longest == NULL || c->turn < longest->turn))
            longest = c;
    }
    if (longest != NULL)
        http__destroy(longest);
}

static void on_accept(struct door *door, evutil_socket_t fd, const struct sockaddr *peer)
{
    struct http_server *server = door->owner;
    if (server->count >= served_max(server))
        make_room(server);
    if (bound_admits(&server->bound, server->count))
        open_connection(server, door, fd, peer);
    else
        close(fd);
}

struct http_server *http_start(struct event_base *base, const struct door doors[HTTP_DOORS],
                               struct bound bound, const struct http_handler *handler, void *ctx, char *why,
                               size_t capacity)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        abort();
    *server = (struct http_server){.base = base, .handler = handler, .ctx = ctx, .bound = bound};
    for (int i = 0; i < HTTP_DOORS; i++) {
        server->doors[i] = doors[i];
        server->doors[i].on_accept = on_accept;
        server->doors[i].owner = server;
        if (!door_open(&server->doors[i], base, why, capacity)) {
            http_stop(server);
            return NULL;
        }
    }
    return server;
}

uint16_t http_port(const struct http_server *server, int door)
{
    return door_port(&server->doors[door]);
}

void http_stop(struct http_server *server)
{
    for (int i = 0; i < HTTP_DOORS; i++)
        door_close(&server->doors[i]);
    while (server->connections != NULL)
        http__destroy(server->connections);
    free(server);
}

void http_hold(struct http_exchange *exchange)
{
    struct http_connection *c = exchange->connection;
    c->state = HELD;
    evtimer_del(c->deadline);
    bufferevent_disable(c->bev, EV_READ);
}

bool http_resume(struct http_exchange *exchange)
{
    struct http_connection *c = exchange->connection;
    if (c->bev == NULL) {
        http__destroy(c);
        return false;
    }
    c->state = BODY;
    begin_body(c);
    bufferevent_enable(c->bev, EV_READ);
    if (exchange->head.expect_continue && c->body_left > 0)
        evbuffer_add_printf(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n");
    if (c->body_left == 0)
        complete(c);
    else
        read_body(c, bufferevent_get_input(c->bev));
    return true;
}
