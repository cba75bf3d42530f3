/* Doors: listening sockets, "ADDR:PORT" as the options give it, clear or with TLS, with errors that say what
 * to do. */
#ifndef TANDEM_CLOUD_LISTEN_H
#define TANDEM_CLOUD_LISTEN_H

#include <stddef.h>
#include <stdint.h>

#include <event2/listener.h>

#include "cloud/net/doors/tls.h"

struct door {
    const char *address; /* ADDR:PORT, [ADDR6]:PORT or :PORT (all addresses); NULL: this door stays shut */
    struct tls *tls;     /* NULL: clear */
    bool anywhere;       /* clear, and yet beyond loopback */
    /* The owner's: a connection came in; it is the owner's from now on. */
    void (*on_accept)(struct door *door, evutil_socket_t fd, const struct sockaddr *peer);
    void *owner;
    struct evconnlistener *listener;
};

/* Opens a door with an address. While the process has no descriptors left, accepting rests for a second.
 * False, and why says what happened. */
bool door_open(struct door *door, struct event_base *base, char *why, size_t capacity);
/* 0 for one that is shut. */
uint16_t door_port(const struct door *door);
void door_close(struct door *door);

/* The stream of a connection that came through this door; closes the socket when it is freed. */
struct bufferevent *door_stream(const struct door *door, struct event_base *base, evutil_socket_t fd);

/* A client's address in numbers, without its port. Returns to. */
#define LISTEN_PEER_MAX 46
const char *listen_peer(const struct sockaddr *peer, char to[LISTEN_PEER_MAX]);

#endif
