/* The HTTP side: requests meet routes, tokens and the desk; firmware streams in and out. */
#ifndef TANDEM_CLOUD_FRONT_H
#define TANDEM_CLOUD_FRONT_H

#include "cloud/bus/bus.h"
#include "cloud/deltas/maker.h"
#include "cloud/files/porter.h"
#include "cloud/fleet/desk.h"
#include "cloud/idmap.h"
#include "cloud/net/devices/gateway.h"
#include "cloud/net/front/console.h"
#include "cloud/net/front/metrics.h"
#include "cloud/net/front/offers.h"
#include "cloud/net/front/rates.h"
#include "cloud/net/http/http.h"
#include "cloud/oidc/provider.h"
#include "cloud/people/people.h"
#include "cloud/people/proxy.h"
#include "cloud/workers.h"

struct front {
    struct http_server *server;
    struct desk *desk;
    const struct bus *bus;
    struct gateway *gateway; /* takes WebSockets */
    bool certificates;       /* devices must show one, so the path /mqtt asks for it too */
    struct people *people;
    const struct proxies *proxies; /* that stand in front of this server */
    bool https;                    /* people come through TLS, though it may end at a proxy */
    struct metrics metrics;
    struct events *events;
    struct workers *workers;   /* that hash passwords; NULL once they have stopped */
    struct workers *known;     /* those of people who have signed in before: no crowd keeps them waiting */
    struct provider *provider; /* of sign-ins, NULL: none */
    struct workers *askers;    /* of it; so that whoever has a password does not wait for it */
    const char *folder;        /* of firmware files */
    const char *forms_folder;  /* of those that the server made */
    const struct maker *maker; /* NULL: it makes none */
    const struct offer_figures *offers;
    const struct tls *tls; /* of the doors, NULL: none */
    struct porter *porter; /* carries firmware to and from where it is kept; NULL: that is folder */
    struct event_base *base;
    struct rates rates;
    size_t sending;          /* downloads under way */
    size_t uploads;          /* under way */
    int64_t uploading;       /* bytes that they will still write */
    struct idmap downloads;  /* how many a device has asked for and not got, by its id */
    struct bound bound;      /* of connections */
    struct console *console; /* NULL: none is served */
    uint8_t ticket_key[SECRET_KEY_BYTES];
};

/* Listens at the doors with the fields above filled in (but server, desk, bus and gateway). False, and why
 * says what happened. */
bool front_start(struct front *front, struct event_base *base, const struct door doors[HTTP_DOORS], char *why,
                 size_t capacity);

#endif
