/* The connection to the cloud (docs/PROTOCOL.md, section 7): MQTT by libmosquitto on the event loop.
 *
 * It is wanted while the MCU is initialised; while it is wanted it is made again and again. */
#ifndef NCPD_CLOUD_LINK_H
#define NCPD_CLOUD_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "ncpd/cloud/report.h"
#include "ncpd/config/config.h"

struct event_base;
struct cloud_link;

struct cloud_link_handler {
    /* Connected and subscribed, or not any more. */
    void (*changed)(void *ctx, bool connected);
    /* A message below downlink/; topic is what follows. */
    void (*message)(void *ctx, const char *topic, const void *payload, size_t bytes);
    void *ctx;
};

/* mcu, reports and handler's ctx stay the caller's. reports is NULL for a cloud that takes none. */
struct cloud_link *cloud_link_new(struct event_base *base, const struct mcu_config *mcu,
                                  struct report_queue *reports, const struct cloud_link_handler *handler);
void cloud_link_free(struct cloud_link *link);

/* Connects as this device (anew, if connected already), and tells info (JSON for info/mcu) on every
 * connection, after the reports that wait. */
void cloud_link_start(struct cloud_link *link, const char *info);

/* Disconnects, once the reports that wait are acknowledged or 2 s are over. */
void cloud_link_stop(struct cloud_link *link);

/* There may be a report to publish. */
void cloud_link_kick(struct cloud_link *link);

/* Publishes at this QoS. False, and it is dropped, while there is no connection, or one that does not keep
 * up.
 */
bool cloud_link_publish(struct cloud_link *link, const char *topic, const void *payload, size_t bytes,
                        int qos);

/* The cloud asked to connect to another host instead: mqtt[s]://HOST[:PORT], or HOST:PORT as this connection.
 * False if it is neither, or would give TLS up. */
bool cloud_link_redirect(struct cloud_link *link, const char *where);

/* For the status. */
struct cloud_link_status {
    const char *host; /* that it is, or wants to be, connected to */
    uint16_t port;
    bool tls;
    bool connected;
    uint32_t connections; /* so far */
    uint32_t dropped;     /* messages that were not published */
};
void cloud_link_status(const struct cloud_link *link, struct cloud_link_status *status);

#endif
