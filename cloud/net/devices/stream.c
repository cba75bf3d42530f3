#include "cloud/net/devices/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "cloud/net/devices/websocket.h"
#include "cloud/net/doors/tls.h"

#define READ_AHEAD (16 * 1024)

/* --- A clear socket --- */

static struct evbuffer *append(struct evbuffer *to, const uint8_t *bytes, size_t count)
{
    if (to == NULL)
        to = evbuffer_new();
    if (to == NULL || evbuffer_add(to, bytes, count) != 0)
        abort();
    return to;
}

/* A buffer that is empty is no buffer: a connection that waits costs less. */
static struct evbuffer *keep(struct evbuffer *buffer)
{
    if (buffer != NULL && evbuffer_get_length(buffer) > 0)
        return buffer;
    if (buffer != NULL)
        evbuffer_free(buffer);
    return NULL;
}

static void on_socket(evutil_socket_t fd, short what, void *ctx);

/* Asks the loop for what is of interest now. */
static void watch(struct stream *s)
{
    evutil_socket_t fd = event_get_fd(s->event);
    struct event_base *base = event_get_base(s->event);
    short before = event_get_events(s->event);
    short now = 0;
    if (!s->closed)
        now = (short)(EV_PERSIST | (s->reads ? EV_READ : 0) | (s->output != NULL ? EV_WRITE : 0));
    if (now == before)
        return;
    event_del(s->event);
    event_assign(s->event, base, fd, now, on_socket, s);
    if ((now & (EV_READ | EV_WRITE)) != 0 && event_add(s->event, NULL) != 0)
        abort();
}

static bool is_for_now(ssize_t result)
{
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

/* Most of what a device says is taken out of this call's own memory. */
static void read_socket(struct stream *s, evutil_socket_t fd)
{
    uint8_t bytes[READ_AHEAD];
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    if (count <= 0) {
        s->closed = s->closed || !is_for_now(count);
        return;
    }
    size_t taken = s->input == NULL ? s->ops->take(s->ctx, bytes, (size_t)count) : 0;
    if (taken < (size_t)count)
        s->input = append(s->input, bytes + taken, (size_t)count - taken);
}

static void write_socket(struct stream *s, evutil_socket_t fd)
{
    if (evbuffer_write(s->output, fd) < 0 && !is_for_now(-1))
        s->closed = true;
    s->output = keep(s->output);
}

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct stream *s = ctx;
    if ((what & EV_WRITE) != 0 && s->output != NULL)
        write_socket(s, fd);
    if ((what & EV_READ) != 0)
        read_socket(s, fd);
    watch(s);
    s->ops->moved(s->ctx);
}

/* Most messages fit into the socket at once: they need no buffer, and no turn of the loop that says the
 * socket may be written to. What is wrong with the socket, the next write finds. */
static void send_socket(struct stream *s, const uint8_t *bytes, size_t count)
{
    ssize_t sent = s->output == NULL ? send(stream_fd(s), bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    size_t gone = sent > 0 ? (size_t)sent : 0;
    if (gone == count)
        return;
    s->output = append(s->output, bytes + gone, count - gone);
    watch(s);
}

/* --- A bufferevent --- */

static void on_moved(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    struct stream *s = ctx;
    s->ops->moved(s->ctx);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct stream *s = ctx;
    if ((what & BEV_EVENT_CONNECTED) != 0) /* the TLS handshake is done */
        return;
    s->closed = true;
    on_moved(bev, ctx);
}

static struct evbuffer *input_of(const struct stream *s)
{
    if (s->websocket != NULL)
        return websocket_input(s->websocket);
    return s->bev != NULL ? bufferevent_get_input(s->bev) : s->input;
}

/* --- Either --- */

void stream_open(struct stream *s, struct event_base *base, struct event *event,
                 const struct stream_source *source, const struct stream_ops *ops, void *ctx)
{
    *s = (struct stream){.ops = ops, .ctx = ctx, .event = event, .bev = source->bev, .reads = true};
    if (source->bev == NULL) {
        event_assign(s->event, base, source->fd, 0, on_socket, s);
        watch(s);
        return;
    }
    s->websocket = source->websocket ? websocket_new(s->bev) : NULL;
    bufferevent_setcb(s->bev, on_moved, on_moved, on_event, s);
    bufferevent_setwatermark(s->bev, EV_READ, 0, READ_AHEAD);
    bufferevent_enable(s->bev, EV_READ | EV_WRITE);
}

void stream_free(struct stream *s)
{
    websocket_free(s->websocket);
    if (s->bev != NULL) {
        if (stream_unsent(s) == 0)
            tls_goodbye(s->bev);
        bufferevent_free(s->bev);
        return;
    }
    event_del(s->event);
    close(stream_fd(s));
    if (s->input != NULL)
        evbuffer_free(s->input);
    if (s->output != NULL)
        evbuffer_free(s->output);
}

evutil_socket_t stream_fd(const struct stream *s)
{
    return s->bev != NULL ? bufferevent_getfd(s->bev) : event_get_fd(s->event);
}

bool stream_receive(struct stream *s)
{
    bool open = (s->websocket == NULL || websocket_receive(s->websocket)) && !s->closed;
    struct evbuffer *input = input_of(s);
    size_t count = input != NULL ? evbuffer_get_length(input) : 0;
    if (count > 0)
        evbuffer_drain(input, s->ops->take(s->ctx, evbuffer_pullup(input, -1), count));
    s->input = keep(s->input);
    return open;
}

size_t stream_idle_frames(struct stream *s)
{
    return s->websocket != NULL ? websocket_idle_frames(s->websocket) : 0;
}

void stream_read(struct stream *s, bool wanted)
{
    s->reads = wanted;
    if (s->bev == NULL)
        watch(s);
    else if (wanted)
        bufferevent_enable(s->bev, EV_READ);
    else
        bufferevent_disable(s->bev, EV_READ);
}

void stream_send(struct stream *s, const uint8_t *bytes, size_t count)
{
    if (s->websocket != NULL)
        websocket_send(s->websocket, bytes, count);
    else if (s->bev != NULL)
        bufferevent_write(s->bev, bytes, count);
    else
        send_socket(s, bytes, count);
}

size_t stream_unsent(const struct stream *s)
{
    const struct evbuffer *output = s->bev != NULL ? bufferevent_get_output(s->bev) : s->output;
    return output != NULL ? evbuffer_get_length(output) : 0;
}

void stream_goodbye(struct stream *s)
{
    if (s->websocket != NULL)
        websocket_close(s->websocket);
}
