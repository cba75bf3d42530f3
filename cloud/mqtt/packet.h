/* MQTT packets, both versions: what a server receives, decoded; what it sends, encoded.
 *
 * Decoders read a whole packet's body, copy nothing (slices point into the body), and return a reason code of
 * MQTT 5 (0: well-formed), also for 3.1.1, where it only says why the connection is closed. Every length is
 * checked, every text is valid UTF-8 without NUL. */
#ifndef TANDEM_CLOUD_MQTT_PACKET_H
#define TANDEM_CLOUD_MQTT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a packet: not terminated. */
struct mqtt_slice {
    const uint8_t *data;
    size_t length;
};

#endif
