/* What the files of the HTTP server share: http.c receives, http_reply.c answers.
 *
 * A connection's life:
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
 * Every state but these two has a deadline; SENDING has a limit without progress, too, and that alone where
 * the handler is patient. Where connections run short, those in HEAD are closed, the one first that has been
 * there longest. */
#ifndef TANDEM_CLOUD_HTTP_CONNECTION_H
#define TANDEM_CLOUD_HTTP_CONNECTION_H

#include <event2/bufferevent.h>

#include "cloud/net/http/http.h"

#define HTTP_STREAM_SILENCE_S 15 /* until a comment */
#define HTTP_WHOLE_LIMIT_S    60 /* a body, or an answer, and its size at this pace: */
#define HTTP_BYTES_PER_S      4096

enum http_state { HEAD, HELD, BODY, ANSWER, STREAM, SENDING, LINGER, HANDED_OVER };

struct http_connection {
    struct http_server *server;
    struct http_connection *next;
    struct http_connection **link; /* what points at this one */
    struct bufferevent *bev;       /* NULL once the client is gone */
    struct event *deadline;
    enum http_state state;
    uint64_t turn;                  /* HEAD: who has waited longest */
    struct http_exchange *exchange; /* of the request under way */
    struct evbuffer *headers;       /* of its answer */
    int64_t body_left;
    int64_t body_ends_s; /* on the clock, at the pace that is asked for */
    bool secure;
    bool keep_alive;
    char peer[LISTEN_PEER_MAX];
    bool events;  /* STREAM: of text/event-stream */
    bool dropped; /* STREAM: too far behind */
    bool shared;  /* in a rate group, for this answer */
};

void http__set_deadline(struct http_connection *c, int64_t seconds);

/* Calls on_closed for the exchange under way, if there is one. */
void http__end_exchange(struct http_connection *c, bool sent);

/* The answer is out, to its last byte. */
void http__sent(struct http_connection *c);

/* Frees the connection. */
void http__destroy(struct http_connection *c);

#endif
