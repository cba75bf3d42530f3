/* Messages between the servers that share a store: quick, small, and allowed to be lost. Whatever must not be
 * lost is in the store; a message only says it sooner.
 *
 * Without a URL there are no other servers, and nothing is sent. With nats://HOST:PORT (or tls://, and
 * USER:PASSWORD@ in front of the host) they meet at a NATS server; one that is away is connected to again for
 * ever. */
#ifndef TANDEM_CLOUD_BUS_H
#define TANDEM_CLOUD_BUS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_MESSAGE_MAX 4096
#define BUS_EVERYBODY   0 /* every server but the sender */

struct bus;

/* A message for this server, on the loop's thread; data NULL: some may have been missed. Whoever reaches the
 * NATS server can send one: it is to be judged like any other input. */
typedef void bus_message_fn(void *ctx, const uint8_t *data, size_t bytes);

/* Opens the bus as server node; url NULL: in this process alone. Returns NULL if the URL or the system can't
 * give one, and why says what is wrong; a NATS server that does not answer is no failure. */
struct bus *bus_open(const char *url, int64_t node, struct event_base *base, bus_message_fn *on_message,
                     void *ctx, char *why, size_t capacity);
/* To a server, or BUS_EVERYBODY. Returns at once; false if it will certainly not arrive. */
bool bus_send(struct bus *bus, int64_t node, const uint8_t *data, size_t bytes);
/* Messages can be sent and received now. */
bool bus_is_up(const struct bus *bus);
void bus_close(struct bus *bus);

#endif
