/* Connections of balancers, from the accepted socket to whom they speak for: the PROXY header is read off the
 * socket, and what comes behind it (TLS, MQTT) is left there. */
#ifndef TANDEM_CLOUD_PROXIED_H
#define TANDEM_CLOUD_PROXIED_H

#include <event2/event.h>
#include <stddef.h>

struct proxied;

/* Those that wait for their header. */
struct proxied_list {
    struct proxied *first;
    size_t count;
};

/* client: the address in the header, or the balancer's own where it names none. The socket is the callee's.
 */
typedef void proxied_done_fn(void *ctx, evutil_socket_t fd, const char *client);

/* Waits on the loop for the header of fd, 10 s at most; peer is who connected. Without a header it is closed,
 * and the log says so. */
void proxied_open(struct event_base *base, struct proxied_list *waiting, evutil_socket_t fd, const char *peer,
                  proxied_done_fn *done, void *ctx);
/* Closes all that wait. */
void proxied_close(struct proxied_list *waiting);

#endif
