/* Answers: whole, from a file, as a stream, or by handing the stream over. */
#include "cloud/net/http/http_connection.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "cloud/net/http/http_status.h"

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

/* RFC 9110, 6.6.1: a server with a clock says what time it is; some devices have it from there. */
static void write_date(struct evbuffer *out)
{
    char date[32];
    struct tm utc;
    time_t now = time(NULL);
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    evbuffer_add_printf(out, "Date: %s\r\n", date);
}

/* Status line and headers. False if the client is gone; the exchange is then too. */
static bool start_reply(struct http_exchange *exchange, int status, const char *type, int64_t length)
{
    struct http_connection *c = exchange->connection;
    if (c->bev == NULL) {
        http__destroy(c);
        return false;
    }
    if (c->body_left > 0)
        c->keep_alive = false;
    struct evbuffer *out = bufferevent_get_output(c->bev);
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
    write_date(out);
    if (type != NULL)
        evbuffer_add_printf(out, "Content-Type: %s\r\n", type);
    write_length(c, out, status, length);
    if (!c->keep_alive)
        evbuffer_add_printf(out, "Connection: close\r\n");
    evbuffer_add_buffer(out, c->headers);
    evbuffer_add_printf(out, "\r\n");
    c->state = SENDING;
    if (exchange->patient || length == LENGTH_UNKNOWN)
        evtimer_del(c->deadline);
    else
        http__set_deadline(c, HTTP_WHOLE_LIMIT_S + length / HTTP_BYTES_PER_S);
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
    http__end_exchange(c, true);
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
    http__set_deadline(c, HTTP_STREAM_SILENCE_S);
    return true;
}

/* A client that is too far behind is dropped by the loop: here the caller still holds the exchange. */
void http_stream_send(struct http_exchange *exchange, const void *data, size_t bytes)
{
    struct http_connection *c = exchange->connection;
    struct evbuffer *out = bufferevent_get_output(c->bev);
    if (bytes == 0 || c->dropped || exchange->head.method == HTTP_HEAD)
        return;
    http__set_deadline(c, HTTP_STREAM_SILENCE_S);
    if (evbuffer_get_length(out) + bytes > HTTP_STREAM_BEHIND) {
        c->dropped = true;
        http__set_deadline(c, 0);
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
    http__set_deadline(c, HTTP_WHOLE_LIMIT_S);
    bufferevent_disable(c->bev, EV_READ);
    if (exchange->head.version_1_1 && exchange->head.method != HTTP_HEAD)
        evbuffer_add_printf(out, "0\r\n\r\n");
    if (evbuffer_get_length(out) == 0)
        http__sent(c);
}
