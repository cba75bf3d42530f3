/* What many devices say in the same words is parsed once: a product's devices check in with the same bytes
 * until they run another firmware. */
#ifndef TANDEM_CLOUD_SAYINGS_H
#define TANDEM_CLOUD_SAYINGS_H

#include "cloud/fleet/devices/report.h"

#define SAYINGS_PLACES 8   /* the oldest makes room */
#define SAYINGS_BYTES  256 /* a longer one is parsed each time */

/* All zero is empty. */
struct sayings {
    struct saying {
        size_t bytes; /* 0: free */
        uint8_t said[SAYINGS_BYTES];
        struct check_in check_in;
    } places[SAYINGS_PLACES];
    unsigned next;
};

/* report_parse_check_in, or what it made of the same bytes before. */
bool sayings_check_in(struct sayings *sayings, const void *data, size_t bytes, struct check_in *check_in);

#endif
