#include "cloud/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "cloud/log.h"

#define BACKLOG 1024

static void on_rested(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    evconnlistener_enable(ctx);
}

static void on_error(struct evconnlistener *listener, void *ctx)
{
    (void)ctx;
    struct timeval second = {.tv_sec = 1};
    log_line(LOG_LEVEL_ERROR, "accept-failed", "error=\"%s\" hint=\"raise the limit of open files\"",
             strerror(EVUTIL_SOCKET_ERROR()));
    evconnlistener_disable(listener);
    event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, on_rested, listener, &second);
}

/* Splits at the last colon; brackets around an IPv6 address go. */
static bool split(const char *address, char host[256], const char **port)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon[1] == '\0')
        return false;
    size_t bytes = (size_t)(colon - address);
    *port = colon + 1;
    if (bytes >= 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        bytes -= 2;
    }
    if (bytes >= 256)
        return false;
    memcpy(host, address, bytes);
    host[bytes] = '\0';
    return true;
}

static struct evconnlistener *bind_first(struct event_base *base, const struct addrinfo *info,
                                         evconnlistener_cb on_accept, void *ctx)
{
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    struct evconnlistener *listener = NULL;
    for (; info != NULL && listener == NULL; info = info->ai_next)
        listener = evconnlistener_new_bind(base, on_accept, ctx, flags, BACKLOG, info->ai_addr,
                                           (int)info->ai_addrlen);
    return listener;
}

struct evconnlistener *listen_start(struct event_base *base, const char *address, evconnlistener_cb on_accept,
                                    void *ctx, char *why, size_t capacity)
{
    char host[256];
    const char *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (!split(address, host, &port)) {
        snprintf(why, capacity, "%s is not ADDR:PORT, for example 0.0.0.0:1883", address);
        return NULL;
    }
    int error = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &found);
    if (error != 0) {
        snprintf(why, capacity, "%s: %s", address, gai_strerror(error));
        return NULL;
    }
    struct evconnlistener *listener = bind_first(base, found, on_accept, ctx);
    if (listener == NULL)
        snprintf(why, capacity, "cannot listen at %s: %s%s", address, strerror(errno),
                 errno == EADDRINUSE ? "; stop the program that uses the port, or choose another" : "");
    else
        evconnlistener_set_error_cb(listener, on_error);
    freeaddrinfo(found);
    return listener;
}

uint16_t listen_port(struct evconnlistener *listener)
{
    struct sockaddr_storage bound;
    socklen_t bytes = sizeof bound;
    if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&bound, &bytes) != 0)
        return 0;
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
}

const char *listen_peer(const struct sockaddr *peer, char to[LISTEN_PEER_MAX])
{
    const struct in6_addr *six = &((const struct sockaddr_in6 *)peer)->sin6_addr;
    const void *four = NULL;
    if (peer->sa_family == AF_INET)
        four = &((const struct sockaddr_in *)peer)->sin_addr;
    else if (IN6_IS_ADDR_V4MAPPED(six))
        four = six->s6_addr + 12;
    if (inet_ntop(four != NULL ? AF_INET : AF_INET6, four != NULL ? four : six, to, LISTEN_PEER_MAX) == NULL)
        snprintf(to, LISTEN_PEER_MAX, "unknown");
    return to;
}
