/* A connection's life:
 *
 *   HEAD --head--> BODY --all of it--> ANSWER --http_reply--> SENDING --sent, keep-alive--> HEAD
 *     |              |                                           |
 *     | garbage,     | http_reply                                | sent, no keep-alive, or unread body
 *     | silence      v                                           v
 *     '-----------> SENDING                                    LINGER --EOF or 2 s--> closed
 *
 *   HEAD --head, http_hold--> HELD --http_resume--> BODY
 *   ANSWER --http_stream_begin--> STREAM --http_stream_end--> SENDING; the client gone, or behind --> closed
 *
 * LINGER: the answer is out, our side is shut, and what the client still sends is dropped, so that the client
 * gets to read the answer before a reset. A client that goes away early leaves a connection in HELD or ANSWER
 * without a socket, until its answer is given.
 *
 * Every state but these two has a deadline, or in SENDING a limit without progress. */
#include "cloud/net/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "cloud/net/http_status.h"
#include "cloud/net/listen.h"

#define HEAD_LIMIT_S     10
#define IDLE_LIMIT_S     60
#define SEND_LIMIT_S     60 /* without progress */
#define LINGER_LIMIT_S   2
#define BODY_LIMIT_S     60 /* and its size at this pace: */
#define BODY_BYTES_PER_S 4096
#define READ_AHEAD       (64 * 1024)
#define STREAM_SILENCE_S 15 /* until a comment */
#define CROWDED_RETRY_S  30

enum state { HEAD, HELD, BODY, ANSWER, STREAM, SENDING, LINGER, HANDED_OVER };

struct http_connection {
    struct http_server *server;
    struct http_connection *next;
    struct http_connection **link; /* what points at this one */
    struct bufferevent *bev;       /* NULL once the client is gone */
    struct event *deadline;
    enum state state;
    struct http_exchange *exchange; /* of the request under way */
    struct evbuffer *headers;       /* of its answer */
    int64_t body_left;
    bool secure;
    bool body_wanted;
    bool keep_alive;
    char peer[LISTEN_PEER_MAX];
    bool events;  /* STREAM: of text/event-stream */
    bool dropped; /* STREAM: too far behind */
    bool shared;  /* in a rate group, for this answer */
};

struct http_server {
    struct event_base *base;
    struct door doors[HTTP_DOORS];
    const struct http_handler *handler;
    void *ctx;
    struct http_connection *connections;
    size_t count;
    struct bound bound;
};

static void serve(struct http_connection *c);

static void set_deadline(struct http_connection *c, int64_t seconds)
{
    struct timeval after = {.tv_sec = seconds};
    evtimer_add(c->deadline, &after);
}

static void end_exchange(struct http_connection *c, bool sent)
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

/* Frees the connection. */
static void destroy(struct http_connection *c)
{
    end_exchange(c, false);
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
        destroy(c);
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
    set_deadline(c, LINGER_LIMIT_S);
}

static void on_sent(struct http_connection *c)
{
    bool clean = c->keep_alive && c->body_left == 0;
    end_exchange(c, true);
    if (!clean) {
        linger(c);
        return;
    }
    c->state = HEAD;
    set_deadline(c, IDLE_LIMIT_S);
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

static bool is_crowded(const struct http_server *server)
{
    return server->count > server->bound.max - server->bound.max / 8;
}

static void complete(struct http_connection *c)
{
    c->state = ANSWER;
    evtimer_del(c->deadline);
    bufferevent_disable(c->bev, EV_READ);
    c->server->handler->on_complete(c->server->ctx, c->exchange);
}

static void read_body(struct http_connection *c, struct evbuffer *input);

/* The connection may be gone afterwards. */
static void begin(struct http_connection *c, struct evbuffer *input)
{
    const struct http_head *head = &c->exchange->head;
    c->keep_alive = head->keep_alive;
    c->body_left = head->content_length;
    c->body_wanted = false;
    c->state = BODY;
    set_deadline(c, BODY_LIMIT_S + head->content_length / BODY_BYTES_PER_S);
    if (head->chunked || is_crowded(c->server)) {
        c->keep_alive = false;
        refuse(c, head->chunked ? 411 : 503);
        return;
    }
    c->server->handler->on_request(c->server->ctx, c->exchange);
    if (c->state == HANDED_OVER)
        destroy(c);
    else if (c->state == BODY && !c->body_wanted && c->body_left > 0)
        refuse(c, 413);
    else if (c->state == BODY && c->body_left == 0)
        complete(c);
    else if (c->state == BODY)
        read_body(c, input);
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
    begin(c, input);
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
        on_sent(c);
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
    set_deadline(c, STREAM_SILENCE_S);
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
    set_deadline(c, HEAD_LIMIT_S);
}

static void on_accept(struct door *door, evutil_socket_t fd, const struct sockaddr *peer)
{
    struct http_server *server = door->owner;
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
        destroy(server->connections);
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
        destroy(c);
        return false;
    }
    c->state = BODY;
    set_deadline(c, BODY_LIMIT_S + c->body_left / BODY_BYTES_PER_S);
    bufferevent_enable(c->bev, EV_READ);
    http_take_body(exchange);
    if (c->body_left == 0)
        complete(c);
    else
        read_body(c, bufferevent_get_input(c->bev));
    return true;
}

void http_take_body(struct http_exchange *exchange)
{
    struct http_connection *c = exchange->connection;
    c->body_wanted = true;
    if (exchange->head.expect_continue && c->body_left > 0)
        evbuffer_add_printf(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n");
}

void http_header(struct http_exchange *exchange, const char *name, const char *value)
{
    char clean[HTTP_HEADER_MAX];
    size_t n = 0;
    for (; value[n] != '\0' && n + 1 < sizeof clean; n++)
        clean[n] = (unsigned char)value[n] < 0x20 || value[n] == 0x7F ? ' ' : value[n];
    clean[n] = '\0';
    evbuffer_add_printf(exchange->connection->headers, "%s: %s\r\n", name, clean);
}

#define LENGTH_UNKNOWN (-1)

static void write_length(struct http_connection *c, struct evbuffer *out, int status, int64_t length)
{
    if (length == LENGTH_UNKNOWN && c->exchange->head.version_1_1)
        evbuffer_add_printf(out, "Transfer-Encoding: chunked\r\n");
    else if (length != LENGTH_UNKNOWN && status != 204 && status != 304)
        evbuffer_add_printf(out, "Content-Length: %lld\r\n", (long long)length);
}

/* Status line and headers. False if the client is gone; the exchange is then too. */
static bool start_reply(struct http_exchange *exchange, int status, const char *type, int64_t length)
{
    struct http_connection *c = exchange->connection;
    if (c->bev == NULL) {
        destroy(c);
        return false;
    }
    if (c->body_left > 0)
        c->keep_alive = false;
    struct evbuffer *out = bufferevent_get_output(c->bev);
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
    if (type != NULL)
        evbuffer_add_printf(out, "Content-Type: %s\r\n", type);
    write_length(c, out, status, length);
    if (!c->keep_alive)
        evbuffer_add_printf(out, "Connection: close\r\n");
    evbuffer_add_buffer(out, c->headers);
    evbuffer_add_printf(out, "\r\n");
    c->state = SENDING;
    evtimer_del(c->deadline);
    bufferevent_disable(c->bev, EV_READ);
    return true;
}

void http_reply(struct http_exchange *exchange, int status, const char *type, const void *body, size_t bytes)
{
    bool with_body = exchange->head.method != HTTP_HEAD && bytes > 0;
    struct http_connection *c = exchange->connection;
    if (start_reply(exchange, status, type, (int64_t)bytes) && with_body)
        evbuffer_add(bufferevent_get_output(c->bev), body, bytes);
}

void http_reply_file(struct http_exchange *exchange, int status, const char *type, int fd, int64_t offset,
                     int64_t length)
{
    bool with_body = exchange->head.method != HTTP_HEAD && length > 0;
    struct http_connection *c = exchange->connection;
    if (!start_reply(exchange, status, type, length) || !with_body) {
        close(fd);
    } else if (evbuffer_add_file(bufferevent_get_output(c->bev), fd, offset, length) != 0) {
        c->keep_alive = false; /* the client sees an answer cut short, never the next one in its place */
        close(fd);
    }
}

void http_retry_after(struct http_exchange *exchange, unsigned seconds)
{
    char text[16];
    uint8_t random;
    evutil_secure_rng_get_bytes(&random, sizeof random);
    snprintf(text, sizeof text, "%u", seconds + seconds * random / 256);
    http_header(exchange, "Retry-After", text);
}

void http_share_rate(struct http_exchange *exchange, struct bufferevent_rate_limit_group *group)
{
    struct http_connection *c = exchange->connection;
    if (c->bev != NULL && group != NULL)
        c->shared = bufferevent_add_to_rate_limit_group(c->bev, group) == 0;
}

struct bufferevent *http_upgrade(struct http_exchange *exchange, const char *protocol)
{
    struct http_connection *c = exchange->connection;
    struct bufferevent *bev = c->bev;
    struct evbuffer *out = bufferevent_get_output(bev);
    evbuffer_add_printf(out, "HTTP/1.1 101 %s\r\nUpgrade: %s\r\nConnection: Upgrade\r\n", http_reason(101),
                        protocol);
    evbuffer_add_buffer(out, c->headers);
    evbuffer_add_printf(out, "\r\n");
    end_exchange(c, true);
    c->state = HANDED_OVER;
    c->bev = NULL;
    bufferevent_setcb(bev, NULL, NULL, NULL, NULL);
    bufferevent_set_timeouts(bev, NULL, NULL);
    return bev;
}

bool http_stream_begin(struct http_exchange *exchange, int status, const char *type)
{
    struct http_connection *c = exchange->connection;
    c->keep_alive = false;
    if (!start_reply(exchange, status, type, LENGTH_UNKNOWN))
        return false;
    c->state = STREAM;
    c->events = strcmp(type, "text/event-stream") == 0;
    c->dropped = false;
    bufferevent_enable(c->bev, EV_READ); /* to see the client go */
    set_deadline(c, STREAM_SILENCE_S);
    return true;
}

/* A client that is too far behind is dropped by the loop: here the caller still holds the exchange. */
void http_stream_send(struct http_exchange *exchange, const void *data, size_t bytes)
{
    struct http_connection *c = exchange->connection;
    struct evbuffer *out = bufferevent_get_output(c->bev);
    if (bytes == 0 || c->dropped || exchange->head.method == HTTP_HEAD)
        return;
    set_deadline(c, STREAM_SILENCE_S);
    if (evbuffer_get_length(out) + bytes > HTTP_STREAM_BEHIND) {
        c->dropped = true;
        set_deadline(c, 0);
        return;
    }
    if (exchange->head.version_1_1)
        evbuffer_add_printf(out, "%zx\r\n", bytes);
    evbuffer_add(out, data, bytes);
    if (exchange->head.version_1_1)
        evbuffer_add_printf(out, "\r\n");
}

void http_stream_end(struct http_exchange *exchange)
{
    struct http_connection *c = exchange->connection;
    struct evbuffer *out = bufferevent_get_output(c->bev);
    if (c->dropped)
        return;
    c->state = SENDING;
    evtimer_del(c->deadline);
    bufferevent_disable(c->bev, EV_READ);
    if (exchange->head.version_1_1 && exchange->head.method != HTTP_HEAD)
        evbuffer_add_printf(out, "0\r\n\r\n");
    if (evbuffer_get_length(out) == 0)
        on_sent(c);
}
