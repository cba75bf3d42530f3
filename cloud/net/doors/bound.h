/* How many connections there may be at a time. The files that the process may open are shared out, so that a
 * flood at one door leaves the other open, and files for the database and firmware. */
#ifndef TANDEM_CLOUD_BOUND_H
#define TANDEM_CLOUD_BOUND_H

#include <stdbool.h>
#include <stddef.h>

struct bound {
    const char *name; /* for the log */
    size_t max;
    bool full; /* said already */
};

/* What is left of files after the server's own goes to HTTP, two files per connection (the socket and what is
 * sent or kept), a quarter of all at most and 2048 connections, and the rest to MQTT. */
void bound_share(size_t files, struct bound *http, struct bound *mqtt);

/* Whether one more fits beside count; the first that does not is said in the log. */
bool bound_admits(struct bound *bound, size_t count);

#endif
