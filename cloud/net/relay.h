/* What the fleet wants done is done by the server that has the device: here, or, told over the bus, on
 * another. */
#ifndef TANDEM_CLOUD_RELAY_H
#define TANDEM_CLOUD_RELAY_H

#include "cloud/bus/bus.h"
#include "cloud/net/devices/gateway.h"
#include "cloud/net/front/events.h"
#include "cloud/net/front/offers.h"

struct relay {
    struct bus *bus;
    struct gateway *gateway;
    struct events *events;
    int64_t node; /* this server */
    struct offer_figures offers;
};

/* desk_effect_fn; ctx is the relay. */
void relay_effect(void *ctx, const struct effect *effect);
/* bus_message_fn: what another server's fleet wants of this one. */
void relay_message(void *ctx, const uint8_t *data, size_t bytes);

/* An effect as bytes, at most BUS_MESSAGE_MAX of them; returns how many. All integers are little-endian:
 *
 *     "TDE2", u8 kind, u8 qos, i64 device, i64 shipment, i64 organization, i64 node, u64 connection, 32 bytes
 * of token hash, u16 length of topic, topic, u16 length of text, text */
size_t relay_write(const struct effect *effect, uint8_t to[BUS_MESSAGE_MAX]);
/* False if the bytes are no effect. The effect's text is in text; topic and text end with a NUL that is not
 * counted. */
bool relay_read(struct effect *effect, char text[FLEET_OFFER_MAX + 1], const uint8_t *data, size_t bytes);

#endif
