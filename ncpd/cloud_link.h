/* The connection to the cloud (docs/PROTOCOL.md, section 7): MQTT by libmosquitto on the event loop.
 *
 * It is wanted while the MCU is initialised; while it is wanted it is made again and again. */
#ifndef NCPD_CLOUD_LINK_H
#define NCPD_CLOUD_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "ncpd/options.h"
#include "ncpd/report.h"

struct event_base;
struct cloud_link;

struct cloud_link_handler {
    /* Connected and subscribed, or not any more. */
    void (*changed)(void *ctx, bool connected);
    /* A message below downlink/; topic is what follows. */
    void (*message)(void *ctx, const char *topic, const void *payload, size_t bytes);
    void *ctx;
};

/* options, reports and handler's ctx stay the caller's. reports is NULL for a cloud that takes none. */
struct cloud_link *cloud_link_new(struct event_base *base, const struct options *options,
                                  struct report_queue *reports, const struct cloud_link_handler *handler);
void cloud_link_free(struct cloud_link *link);

/* Connects as this device (anew, if connected already), and tells info (JSON for info/mcu) on every
 * connection, after the reports that wait. */
void cloud_link_start(struct cloud_link *link, const char *info);

/* Disconnects, once the reports that wait are acknowledged or 2 s are over. */
void cloud_link_stop(struct cloud_link *link);

/* There may be a report to publish. */
void cloud_link_kick(struct cloud_link *link);

/* The cloud asked to connect to url, mqtt[s]://HOST[:PORT], instead. False if it is no such URL. */
bool cloud_link_redirect(struct cloud_link *link, const char *url);

#endif
