/* How many devices are connected, by node and organization: counted in memory while a transaction lasts, and
 * written before it commits, since thousands of devices may come in one, all to the same row. Each node that
 * tells of one, as the one that it came to or the one that it left, writes rows of its own: devices that move
 * between nodes by the thousand would have their transactions in each other's way. Private to cloud/store;
 * store_crowd_count of node.h is its way in. */
#ifndef TANDEM_CLOUD_CROWD_H
#define TANDEM_CLOUD_CROWD_H

#include "cloud/store/store.h"

#define CROWD_PLACES 8 /* when they are full, they are written early */

struct crowd {
    size_t count;
    struct crowd_place {
        int64_t node, teller, organization, by;
    } places[CROWD_PLACES];
};

/* Writes what was counted. */
TDM_MUST_USE int crowd__write(struct store *store);

#endif
