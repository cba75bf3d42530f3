/* An HTTP/1.1 server on libevent's bufferevents. It exists, beside libevent's own evhttp, because that one
 * gathers every body in memory before anybody may look at the head: here the head is judged first (who asks,
 * may they, how much), and a firmware body streams to its place.
 *
 * One struct http_exchange per request:
 *
 *     on_request: http_hold, and later http_resume (then on_body per piece, then on_complete) or http_reply;
 *                 or http_reply right away, which refuses what may still be coming; or neither: on_complete
 *                 at once, where there is no body, else it is refused
 *     on_complete: http_reply, http_reply_file or http_stream_begin, at once or later
 *     on_closed: always the last call; the exchange is gone afterwards
 *
 * If the client goes away while an answer is awaited, on_closed still comes only after http_reply: whoever
 * owes the answer holds a valid exchange until it gave it. A stream is owed no longer once it has begun: it
 * may be closed at any time. */
#ifndef TANDEM_CLOUD_HTTP_H
#define TANDEM_CLOUD_HTTP_H

#include <event2/event.h>

#include "cloud/net/doors/bound.h"
#include "cloud/net/doors/listen.h"
#include "cloud/net/http/http_head.h"

struct http_exchange {
    struct http_head head;
    void *user;       /* the handler's */
    const char *peer; /* the client's address, without its port */
    bool secure;      /* it came through TLS */
    bool certified;   /* and with a client certificate that was verified */
    bool patient;     /* the handler's: the answer may take as long as some of it is taken each minute */
    struct http_connection *connection;
};

struct http_handler {
    void (*on_request)(void *ctx, struct http_exchange *exchange);
    /* A piece of a body that was wanted; may http_reply, which ends it. */
    void (*on_body)(void *ctx, struct http_exchange *exchange, const void *data, size_t bytes);
    void (*on_complete)(void *ctx, struct http_exchange *exchange);
    /* sent: the whole answer left for the client. */
    void (*on_closed)(void *ctx, struct http_exchange *exchange, bool sent);
};

struct http_server;

/* Which doors a server has: clear, TLS. */
enum { HTTP_CLEAR, HTTP_TLS, HTTP_DOORS };

/* While 7 of 8 connections are in use, one on which nothing is asked makes room for a new one. Where there is
 * none, requests are answered by 503 and closed, so that there is always room to say so.
 *
 * Listens at the doors (address, tls and anywhere are filled in; port 0 picks one). bound: of connections. On
 * failure NULL, and why says what happened. */
struct http_server *http_start(struct event_base *base, const struct door doors[HTTP_DOORS],
                               struct bound bound, const struct http_handler *handler, void *ctx, char *why,
                               size_t capacity);
/* The port of a door, 0 if it is shut. */
uint16_t http_port(const struct http_server *server, int door);
/* Stops listening, closes every connection and frees the server. No exchange may owe an answer any more. */
void http_stop(struct http_server *server);

/* In on_request only: nothing of the body is read until http_resume, or http_reply. */
void http_hold(struct http_exchange *exchange);
/* Takes the body; tells a client that waits for it (100 Continue). False if the client is gone; the exchange
 * is then too. */
bool http_resume(struct http_exchange *exchange);

#define HTTP_HEADER_MAX 2048
/* Adds a header to the answer; control characters in value become spaces, and what does not fit is cut. */
void http_header(struct http_exchange *exchange, const char *name, const char *value);
/* For an answer 503: when to come back, one to two times these seconds, so that not all come at once. */
void http_retry_after(struct http_exchange *exchange, unsigned seconds);
/* Sends the answer; type NULL: no body. */
void http_reply(struct http_exchange *exchange, int status, const char *type, const void *body, size_t bytes);
/* Sends length bytes of an open file from offset; the descriptor is the server's from now on. For HEAD
 * nothing but the headers goes out. */
void http_reply_file(struct http_exchange *exchange, int status, const char *type, int fd, int64_t offset,
                     int64_t length);

/* In on_request only, where head.upgrade: answers 101 with the headers added so far, and hands the stream
 * over with whatever has been received behind the head. on_closed is called; the exchange is gone. */
struct bufferevent *http_upgrade(struct http_exchange *exchange, const char *protocol);

/* What this exchange sends from now on shares the group's rate. */
void http_share_rate(struct http_exchange *exchange, struct bufferevent_rate_limit_group *group);

/* An answer in pieces over a long time, such as text/event-stream: begin, send as often as there is
 * something, end. on_closed may come whenever the loop runs, from begin on: send no more after it. A client
 * that falls HTTP_STREAM_BEHIND bytes behind is dropped. An event stream that is silent gets a comment line
 * now and then, so that proxies keep it and a dead client is noticed. */
#define HTTP_STREAM_BEHIND (256 * 1024)
/* False if the client is gone; the exchange is then too. */
bool http_stream_begin(struct http_exchange *exchange, int status, const char *type);
void http_stream_send(struct http_exchange *exchange, const void *data, size_t bytes);
void http_stream_end(struct http_exchange *exchange);

#endif
