/* The calls of docs/PROTOCOL.md, section 3, that core/ncp leaves to the machine around it: data, time,
 * addresses, configuration, hardware, factory tests. docs/NCP.md says of each what it does here.
 *
 * One row of a table is one call; hasUID reads the same table. */
#ifndef NCPD_CALLS_H
#define NCPD_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "ncpd/cloud/cloud_link.h"
#include "ncpd/config/config.h"
#include "ncpd/machine/gpio_button.h"
#include "ncpd/machine/hook.h"
#include "ncpd/machine/led.h"
#include "ncpd/mcu/datastreams.h"
#include "ncpd/mcu/factory.h"
#include "ncpd/mcu/local_time.h"
#include "tandem/ncp.h"

enum { VENDOR_MAX = 32 };

/* What the calls work on; all of it stays the caller's. */
struct calls {
    const struct mcu_config *mcu;
    const struct tdm_ncp_device *device; /* who the MCU said it is */
    struct datastreams *streams;
    struct local_time *local;
    struct cloud_link *cloud;
    struct hook *hook;
    struct factory *factory;
    struct led *led;
    struct gpio_button *button;
    bool factory_reset;          /* asked for: the owner does it, once the call is served */
    char vendor[VENDOR_MAX + 1]; /* setVendorPrefix */
    char hotspot[160];           /* what getHotspotName answered last */
    uint16_t config_timeout_s;
    uint8_t config_skip_limit;
};

/* As ops->serve and ops->serves of include/tandem/ncp.h. */
int calls_serve(struct calls *calls, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                struct tdm_writer *results);
bool calls_serves(const struct calls *calls, uint16_t uid);

#endif
