/* Listening sockets: "ADDR:PORT" as the options give it, with an error that says what to do. */
#ifndef TANDEM_CLOUD_LISTEN_H
#define TANDEM_CLOUD_LISTEN_H

#include <stddef.h>
#include <stdint.h>

#include <event2/listener.h>

/* address is ADDR:PORT, [ADDR6]:PORT or :PORT (all addresses). On failure NULL, and why says what happened.
 * While the process has no descriptors left, accepting rests for a second. */
struct evconnlistener *listen_start(struct event_base *base, const char *address, evconnlistener_cb on_accept,
                                    void *ctx, char *why, size_t capacity);
uint16_t listen_port(struct evconnlistener *listener);

#define LISTEN_PEER_MAX 48
/* The address of who connected, as people write it, without the port. Returns to. */
const char *listen_peer(const struct sockaddr *peer, char to[LISTEN_PEER_MAX]);

#endif
