/* WebSocket (RFC 6455) under MQTT: the handshake, and frames over a bufferevent by wslay. MQTT's packets are
 * a stream in binary frames, wherever a frame begins (MQTT 5, section 6). */
#ifndef TANDEM_CLOUD_WEBSOCKET_H
#define TANDEM_CLOUD_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/bufferevent.h>

#include "cloud/net/http/http_head.h"

/* Whether the head opens a WebSocket for the subprotocol `mqtt`: 0, and accept is the answer's
 * Sec-WebSocket-Accept; or the HTTP status that refuses it: 400, or 426 for another version. */
#define WEBSOCKET_ACCEPT_MAX 32
int websocket_handshake(const struct http_head *head, char accept[WEBSOCKET_ACCEPT_MAX]);

struct websocket;

/* The server's end of an upgraded stream, which stays the caller's. */
struct websocket *websocket_new(struct bufferevent *bev);
void websocket_free(struct websocket *websocket);

/* Takes frames out of the stream's input; answers pings and a close. False once no more will come: the client
 * closed, or broke a rule. */
bool websocket_receive(struct websocket *websocket);
/* How many frames carried nothing, pings above all, since this was asked last. */
size_t websocket_idle_frames(struct websocket *websocket);
/* What the frames carried and nobody has drained yet. */
struct evbuffer *websocket_input(struct websocket *websocket);

void websocket_send(struct websocket *websocket, const void *data, size_t bytes);
/* Our goodbye, unless one was said. */
void websocket_close(struct websocket *websocket);

#endif
