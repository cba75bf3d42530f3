/* An MQTT client as a cloud knows the device: its token, its certificates. */
#ifndef NCPD_DEVICE_CLIENT_H
#define NCPD_DEVICE_CLIENT_H

#include <mosquitto.h>

#include "ncpd/config/config.h"

/* Not connected yet; ctx is what its callbacks get. NULL after a message: no token, or no TLS with these
 * settings. */
struct mosquitto *device_client_new(const struct mcu_config *mcu, bool tls, void *ctx);

#endif
