/* Server-sent events: what changes goes to everybody of the organization who watches. The newest are kept, so
 * that a client that comes back goes on where it was; one that was away too long is told to look anew. The
 * event loop's own. */
#ifndef TANDEM_CLOUD_EVENTS_H
#define TANDEM_CLOUD_EVENTS_H

#include <stdatomic.h>

#include "cloud/api/api.h"
#include "cloud/fleet/desk.h"
#include "cloud/net/http/http.h"

#define EVENTS_CLIENTS_MAX 256
#define EVENTS_EACH_MAX    32 /* of one person */

struct events;

/* *watched becomes true with the first client. */
struct events *events_start(struct event_base *base, _Atomic bool *watched);
/* Before the desk is used. */
void events_attach(struct events *events, struct desk *desk);
void events_free(struct events *events);

/* Answers the exchange with a stream for the call's caller, whose right to it is looked at again now and
 * then. last: where the client was, "" nowhere. False if there are too many already: nothing was answered. */
bool events_open(struct events *events, struct http_exchange *exchange, const struct api_call *call,
                 const char *last);
/* Its client is gone. Harmless for an exchange that is no stream. */
void events_closed(struct events *events, const struct http_exchange *exchange);
/* An EFFECT_NOTICE. */
void events_notice(struct events *events, const struct effect *effect);

/* Some of other servers did not come: whoever watches is to look anew. */
void events_missed(struct events *events);

size_t events_clients(const struct events *events);

#endif
