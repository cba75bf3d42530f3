/* Which addresses are of the open internet: where a webhook may go by default, so that nobody makes the
 * server reach what only the server can reach. */
#ifndef TANDEM_CLOUD_ADDRESS_H
#define TANDEM_CLOUD_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* False for loopback, private, link-local, shared, multicast and reserved addresses (IANA's special-purpose
 * registries), also where IPv6 wraps them, and for what is neither IPv4 nor IPv6. */
bool address_is_public(const struct sockaddr *address);

#endif
