/* Downloads that share a rate, in bytes per second: those of one shipment. */
#ifndef TANDEM_CLOUD_RATES_H
#define TANDEM_CLOUD_RATES_H

#include <event2/bufferevent.h>

#include "cloud/idmap.h"

/* All zero is empty. */
struct rates {
    struct idmap map; /* shipment -> its rate */
};

/* The group that a download of this shipment belongs to, at a rate that may have changed; NULL for one
 * without a limit. A burst may be larger than a second's share; the rate holds in the long run. */
struct bufferevent_rate_limit_group *rates_group(struct rates *rates, struct event_base *base,
                                                 int64_t shipment, int64_t bytes_per_second);
/* Once no bufferevent is in any group. */
void rates_free(struct rates *rates);

#endif
