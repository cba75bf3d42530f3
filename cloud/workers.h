/* A few threads for what takes long and touches neither the loop's things nor the desk's: hashing passwords,
 * asking other servers, carrying files.
 *
 *     loop: workers_post(work) --> a worker: work->run ... --> loop: work->done
 */
#ifndef TANDEM_CLOUD_WORKERS_H
#define TANDEM_CLOUD_WORKERS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct workers;
struct work {
    void (*run)(struct work *work);  /* on a worker */
    void (*done)(struct work *work); /* on the loop; frees the work */
    struct work *next;               /* the workers' */
};

/* As many threads, and as much work that may wait for one. Ends the program if the system has no threads to
 * give.
 */
struct workers *workers_start(struct event_base *base, size_t threads, size_t waiting_max);
/* From the loop's thread only. False if too much waits already: nothing happens then. */
bool workers_post(struct workers *workers, struct work *work);
/* Runs what was posted to its end, joins the threads, and delivers what they finished. */
void workers_stop(struct workers *workers);

#endif
