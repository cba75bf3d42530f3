/* What the files of the bridge share: bridge.c has the MCU's side, bridge_cloud.c the cloud's.
 *
 * Who talks to whom:
 *
 *     serial <--bytes--> core/ncp --online, offline--> cloud_link --offer--> update --file--> core/ncp
 *                         |    '-----progress, device reports-----> report ----> cloud_link
 *                         '--other calls--> calls --> datastreams --> cloud_link --> datastreams --> core/ncp
 *
 * core/ncp must not be called from inside its own operations; whatever these lead to goes through the loop.
 */
#ifndef NCPD_BRIDGE_PARTS_H
#define NCPD_BRIDGE_PARTS_H

#include <event2/event.h>

#include "ncpd/bridge.h"
#include "ncpd/cloud/cloud_link.h"
#include "ncpd/cloud/report.h"
#include "ncpd/firmware/store.h"
#include "ncpd/firmware/update.h"
#include "ncpd/mcu/calls.h"
#include "ncpd/mcu/serial.h"
#include "tandem/ncp.h"

struct bridge {
    const struct mcu_config *mcu;
    struct store store;
    struct tdm_ncp_config config;
    struct tdm_ncp ncp;
    struct serial *serial;
    struct awaited *awaited;
    struct cloud_link *cloud;
    struct update *update;
    struct report_queue reports;
    struct datastreams streams;
    struct local_time local;
    struct calls calls;
    struct hook *hook;
    struct factory *factory;
    struct led *led;
    struct gpio_button *button;
    bool leaving;           /* the program ends */
    bool reboots_host;      /* ncp.reboot asked for it */
    struct event *poll;     /* core/ncp's timers */
    struct event *check_in; /* go on line */
};

/* Tells the cloud who this is, and connects. */
void bridge__check_in(struct bridge *bridge);

/* What cloud_link says, as its handler. */
void bridge__cloud_changed(void *ctx, bool connected);
void bridge__cloud_message(void *ctx, const char *topic, const void *payload, size_t bytes);

/* What the MCU calls becomes a message at once, or is dropped. */
void bridge__publish(void *ctx, const char *topic, const void *payload, size_t bytes);

#endif
