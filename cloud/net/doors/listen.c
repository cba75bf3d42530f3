#include "cloud/net/doors/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The system would take 99999 for 34463. */
static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && text[digits] == '\0' && strtol(text, NULL, 10) <= UINT16_MAX;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return (ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                          int peer_bytes, void *ctx)
{
    (void)listener;
    (void)peer_bytes;
    struct door *door = ctx;
    int at_once = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    door->on_accept(door, fd, peer);
}

static struct evconnlistener *bind_first(struct door *door, struct event_base *base,
                                         const struct addrinfo *info)
{
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    struct evconnlistener *listener = NULL;
    for (; info != NULL && listener == NULL; info = info->ai_next)
        listener = evconnlistener_new_bind(base, on_connection, door, flags, BACKLOG, info->ai_addr,
                                           (int)info->ai_addrlen);
    return listener;
}

/* Tokens and firmware would be readable on the way. */
static bool is_allowed(const struct door *door, const struct addrinfo *info)
{
    for (; info != NULL; info = info->ai_next) {
        if (door->tls == NULL && !door->anywhere && !is_loopback(info->ai_addr))
            return false;
    }
    return true;
}

static const char *hint(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; stop the program that uses the port, or choose another";
    case EADDRNOTAVAIL:
        return "; this machine has no such address";
    case EACCES:
        return "; ports below 1024 take root, or the capability CAP_NET_BIND_SERVICE";
    default:
        return "";
    }
}

static bool bind_door(struct door *door, struct event_base *base, const struct addrinfo *info, char *why,
                      size_t capacity)
{
    if (!is_allowed(door, info)) {
        snprintf(
            why, capacity,
            "%s is clear and reachable from other machines; use --https and --mqtts, or, on a network that "
            "you trust, add --allow-clear",
            door->address);
        return false;
    }
    door->listener = bind_first(door, base, info);
    if (door->listener == NULL) {
        snprintf(why, capacity, "cannot listen at %s: %s%s", door->address, strerror(errno), hint(errno));
        return false;
    }
    evconnlistener_set_error_cb(door->listener, on_error);
    return true;
}

bool door_open(struct door *door, struct event_base *base, char *why, size_t capacity)
{
    char host[256];
    const char *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (door->address == NULL)
        return true;
    if (!split(door->address, host, &port) || !is_port(port)) {
        snprintf(why, capacity, "%s is not ADDR:PORT, for example 0.0.0.0:8883", door->address);
        return false;
    }
    int error = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &found);
    if (error != 0) {
        snprintf(why, capacity, "cannot listen at %s: %s; give an address of this machine", door->address,
                 gai_strerror(error));
        return false;
    }
    bool bound = bind_door(door, base, found, why, capacity);
    freeaddrinfo(found);
    return bound;
}

uint16_t door_port(const struct door *door)
{
    struct sockaddr_storage bound;
    socklen_t bytes = sizeof bound;
    if (door->listener == NULL ||
        getsockname(evconnlistener_get_fd(door->listener), (struct sockaddr *)&bound, &bytes) != 0)
        return 0;
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
}

void door_close(struct door *door)
{
    if (door->listener != NULL)
        evconnlistener_free(door->listener);
    door->listener = NULL;
}

struct bufferevent *door_stream(const struct door *door, struct event_base *base, evutil_socket_t fd)
{
    int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    struct bufferevent *bev = door->tls == NULL ? bufferevent_socket_new(base, fd, options)
                                                : tls_accept(door->tls, base, fd, options);
    if (bev == NULL)
        abort();
    return bev;
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
