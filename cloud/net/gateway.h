/* The device endpoint: MQTT connections on the event loop, over cloud/mqtt's session. A message becomes a job
 * for the desk; what the fleet decides comes back as effects. */
#ifndef TANDEM_CLOUD_GATEWAY_H
#define TANDEM_CLOUD_GATEWAY_H

#include <event2/event.h>

#include "cloud/fleet/desk.h"
#include "cloud/net/bound.h"
#include "cloud/net/tokens.h"

struct gateway;

/* Listens at address. bound: of connections. tokens are the devices', kept by the caller, changed by effects.
 * http_port is where devices download, at the address that they reached us at. On failure NULL, and why says
 * what happened. */
struct gateway *gateway_start(struct event_base *base, const char *address, struct bound bound,
                              struct tokens *tokens, uint16_t http_port, char *why, size_t capacity);
uint16_t gateway_port(const struct gateway *gateway);

/* The desk that takes the jobs; before the loop runs. */
void gateway_attach(struct gateway *gateway, struct desk *desk);

/* Carries out what the fleet decided (desk_effect_fn; ctx is the gateway). */
void gateway_effect(void *ctx, const struct effect *effect);

/* Stops listening and says goodbye to every device. True if a goodbye is still to be flushed: let the loop
 * run on for a moment. */
bool gateway_close(struct gateway *gateway);
/* Frees what is left, once the desk has stopped. */
void gateway_free(struct gateway *gateway);

#endif
