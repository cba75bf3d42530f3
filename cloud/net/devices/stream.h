/* What carries a device's MQTT, both ways: a clear socket, read and written without anything between; TLS, by
 * libevent's bufferevent; or the frames of a WebSocket on either. What came and was not taken waits, as does
 * what the socket does not take. Calls of ops come from the event loop alone, never from a call of stream_.
 */
#ifndef TANDEM_CLOUD_STREAM_H
#define TANDEM_CLOUD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/bufferevent.h>

struct stream_ops {
    /* Returns how many bytes it took off the front; the rest comes again, with more behind it. */
    size_t (*take)(void *ctx, const uint8_t *bytes, size_t count);
    /* Something came, went out or closed; may free the stream. */
    void (*moved)(void *ctx);
};

/* Where it comes from: an accepted socket, or a bufferevent, which becomes the stream's. */
struct stream_source {
    evutil_socket_t fd;
    struct bufferevent *bev; /* NULL: fd, clear */
    bool websocket;          /* frames on bev */
};

struct stream {
    const struct stream_ops *ops;
    void *ctx;
    struct bufferevent *bev;
    struct websocket *websocket;
    /* A clear socket's: */
    struct event *event;
    struct evbuffer *input, *output; /* NULL: nothing waits */

    bool reads;
    bool closed; /* nothing more comes, nothing more goes */
};

/* It reads from the start. ops, ctx and event, room for one of libevent's, stay the caller's. */
void stream_open(struct stream *s, struct event_base *base, struct event *event,
                 const struct stream_source *source, const struct stream_ops *ops, void *ctx);
/* Closes it; over TLS with a goodbye, if all was sent. */
void stream_free(struct stream *s);

evutil_socket_t stream_fd(const struct stream *s);

/* Offers to ops->take what waits; this call alone calls it back. False: nothing comes any more. */
bool stream_receive(struct stream *s);
/* Whether the socket is read. */
void stream_read(struct stream *s, bool wanted);

/* How many frames of a WebSocket carried nothing, since this was asked last. */
size_t stream_idle_frames(struct stream *s);

void stream_send(struct stream *s, const uint8_t *bytes, size_t count);
/* How much waits to be sent. */
size_t stream_unsent(const struct stream *s);
/* Says that nothing more will be sent, where frames can say it. */
void stream_goodbye(struct stream *s);

#endif
