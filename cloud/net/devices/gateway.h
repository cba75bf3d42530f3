/* The device endpoint: MQTT connections on the event loop, over cloud/mqtt's session. A message becomes a job
 * for the desk; what the fleet decides comes back as effects. */
#ifndef TANDEM_CLOUD_GATEWAY_H
#define TANDEM_CLOUD_GATEWAY_H

#include <event2/event.h>

#include "cloud/fleet/desk.h"
#include "cloud/net/devices/tokens.h"
#include "cloud/net/doors/bound.h"
#include "cloud/net/doors/listen.h"
#include "cloud/people/proxy.h"

struct gateway;

/* Which doors a gateway has: clear, TLS. WebSockets come in through the HTTP server's. */
enum { GATEWAY_CLEAR, GATEWAY_TLS, GATEWAY_DOORS };

/* Where devices download, at the address that they reached us at: ports of our HTTP server, 0 for none. */
struct gateway_downloads {
    uint16_t http;
    uint16_t https;
};

/* Listens at the doors (address, tls and anywhere are filled in). bound: of connections. balancers: whose
 * connections begin with a PROXY header, kept by the caller. tokens are the devices', kept by the caller,
 * changed by effects. On failure NULL, and why says what happened. */
struct gateway *gateway_start(struct event_base *base, const struct door doors[GATEWAY_DOORS],
                              struct bound bound, const struct proxies *balancers, struct tokens *tokens,
                              struct gateway_downloads downloads, char *why, size_t capacity);
/* The port of a door, 0 if it is shut. */
uint16_t gateway_port(const struct gateway *gateway, int door);

/* Whether one more connection fits; then an upgraded stream (http_upgrade) can be handed over, of a client at
 * this address. */
bool gateway_admits(struct gateway *gateway);
void gateway_take_websocket(struct gateway *gateway, struct bufferevent *bev, const char *client);

/* The desk that takes the jobs; before the loop runs. shared: other servers have the same devices. */
void gateway_attach(struct gateway *gateway, struct desk *desk, bool shared);

/* Carries out what the fleet decided (desk_effect_fn; ctx is the gateway). */
void gateway_effect(void *ctx, const struct effect *effect);

/* Stops listening and says goodbye to every device. True if a goodbye is still to be flushed: let the loop
 * run on for a moment. */
bool gateway_close(struct gateway *gateway);
/* Frees what is left, once the desk has stopped. */
void gateway_free(struct gateway *gateway);

#endif
