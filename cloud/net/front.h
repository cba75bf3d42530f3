/* The HTTP side: requests meet routes, tokens and the desk; firmware streams in and out. */
#ifndef TANDEM_CLOUD_FRONT_H
#define TANDEM_CLOUD_FRONT_H

#include "cloud/fleet/desk.h"
#include "cloud/net/console.h"
#include "cloud/net/http.h"
#include "cloud/net/tokens.h"

struct front {
    struct http_server *server;
    struct desk *desk;
    struct tokens *tokens;   /* of people and programs */
    const char *folder;      /* of firmware files */
    struct bound bound;      /* of connections */
    struct console *console; /* NULL: none is served */
    uint8_t ticket_key[SECRET_KEY_BYTES];
};

/* Listens at address with the fields above filled in (but server). False, and why says what happened. */
bool front_start(struct front *front, struct event_base *base, const char *address, char *why,
                 size_t capacity);

#endif
