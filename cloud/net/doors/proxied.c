/* The header comes in one piece with balancers in the field, but need not: it is looked at (MSG_PEEK) until
 * it is whole, again after a moment while it is not, and only then taken off the socket. */
#include "cloud/net/doors/proxied.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cloud/log.h"
#include "cloud/net/doors/proxy_header.h"

#define LIMIT_S   10
#define AGAIN_MS  20
#define TRIES_MAX (LIMIT_S * 1000 / AGAIN_MS)

struct proxied {
    struct proxied_list *waiting; /* where it is in */
    struct proxied *next, *previous;
    struct event *readable;
    struct event *again;
    evutil_socket_t fd;
    int tries;
    char peer[PROXY_HEADER_CLIENT];
    proxied_done_fn *done;
    void *ctx;
};

/* Off the list; the socket is for the caller. */
static evutil_socket_t release(struct proxied *one)
{
    evutil_socket_t fd = one->fd;
    if (one->next != NULL)
        one->next->previous = one->previous;
    if (one->previous != NULL)
        one->previous->next = one->next;
    else
        one->waiting->first = one->next;
    one->waiting->count--;
    event_free(one->readable);
    event_free(one->again);
    free(one);
    return fd;
}

static void refuse(struct proxied *one)
{
    log_line(LOG_LEVEL_WARNING, "proxy-refused",
             "address=%s hint=\"--mqtt-proxy names it, so its connections must begin with a PROXY header "
             "(haproxy: send-proxy-v2)\"",
             one->peer);
    close(release(one));
}

static void look(struct proxied *one)
{
    static const struct timeval pause = {.tv_usec = AGAIN_MS * 1000};
    uint8_t bytes[PROXY_HEADER_MAX];
    char client[PROXY_HEADER_CLIENT];
    ssize_t count = recv(one->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (count <= 0) { /* as a balancer's check does */
        close(release(one));
        return;
    }
    int length = proxy_header_read(bytes, (size_t)count, client);
    if (length == PROXY_HEADER_MORE && ++one->tries < TRIES_MAX) {
        evtimer_add(one->again, &pause);
        return;
    }
    if (length <= 0 || recv(one->fd, bytes, (size_t)length, MSG_DONTWAIT) != length) {
        refuse(one);
        return;
    }
    if (client[0] == '\0')
        memcpy(client, one->peer, sizeof client);
    proxied_done_fn *done = one->done;
    void *ctx = one->ctx;
    done(ctx, release(one), client);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    if ((what & EV_TIMEOUT) != 0)
        refuse(ctx);
    else
        look(ctx);
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    look(ctx);
}

void proxied_open(struct event_base *base, struct proxied_list *waiting, evutil_socket_t fd, const char *peer,
                  proxied_done_fn *done, void *ctx)
{
    static const struct timeval limit = {.tv_sec = LIMIT_S};
    struct proxied *one = calloc(1, sizeof *one);
    if (one == NULL)
        abort();
    *one = (struct proxied){.next = waiting->first, .waiting = waiting, .fd = fd, .done = done, .ctx = ctx};
    snprintf(one->peer, sizeof one->peer, "%s", peer);
    one->readable = event_new(base, fd, EV_READ, on_readable, one);
    one->again = evtimer_new(base, on_again, one);
    if (one->readable == NULL || one->again == NULL || event_add(one->readable, &limit) != 0)
        abort();
    if (waiting->first != NULL)
        waiting->first->previous = one;
    waiting->first = one;
    waiting->count++;
}

void proxied_close(struct proxied_list *waiting)
{
    while (waiting->first != NULL)
        close(release(waiting->first));
}
