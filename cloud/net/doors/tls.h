/* TLS for listeners: OpenSSL under libevent's bufferevents. A certificate can be replaced while the server
 * runs: who is connected keeps the old one to the end of the connection. */
#ifndef TANDEM_CLOUD_TLS_H
#define TANDEM_CLOUD_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/bufferevent.h>

struct tls_files {
    const char *certificate; /* PEM, the chain behind it */
    const char *key;         /* PEM, not encrypted */
    const char *client_ca;   /* PEM: who signs the clients' certificates; NULL: clients need none */
};

/* What a client without a certificate of client_ca may do. One with a wrong one is always refused. */
enum tls_clients { TLS_CLIENTS_MAY, TLS_CLIENTS_MUST };

struct tls;

/* On failure NULL, and why says what happened. files is kept by the caller. */
struct tls *tls_load(const struct tls_files *files, enum tls_clients clients, char *why, size_t capacity);
void tls_free(struct tls *tls);

/* Reads the files again. False, and everything stays as it was. */
bool tls_reload(struct tls *tls, char *why, size_t capacity);

/* When the certificate ends, in seconds since 1970. */
int64_t tls_expires(const struct tls *tls);

/* The server's end of an accepted socket; the handshake goes on by itself. NULL without memory. */
struct bufferevent *tls_accept(struct tls *tls, struct event_base *base, evutil_socket_t fd, int options);

/* Of any bufferevent; for those without TLS, and for none at all: false, "", nothing. */
bool tls_secures(struct bufferevent *bev);
bool tls_client_verified(struct bufferevent *bev);
/* The name under which the client looked for us, if it is one: letters, digits, dots and hyphens. */
const char *tls_server_name(struct bufferevent *bev);
/* Says goodbye, so that the client knows that nothing was cut off. Once all that was sent is flushed. */
void tls_goodbye(struct bufferevent *bev);

#endif
