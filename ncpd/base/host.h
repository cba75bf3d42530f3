/* What the Linux machine knows: its addresses, a clock that does not jump. */
#ifndef NCPD_HOST_H
#define NCPD_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds of a clock that only goes forward. */
uint64_t host_clock_ms(void);

/* MAC address of the first wired, or wireless, interface; NULL if there is none. Static storage. */
const char *host_mac(bool ethernet);

#endif
