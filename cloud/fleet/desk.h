/* The desk: the one thread that owns the store and the fleet. The event loop hands it jobs; it runs them in
 * order, as many as wait in one transaction, and hands them back after the commit. So the loop never waits
 * for a disk, and nobody is told of anything that a kill -9 could take back.
 *
 *     loop: desk_post(job) --> desk: job->run(fleet) ... commit --> loop: effects, then job->done(result)
 */
#ifndef TANDEM_CLOUD_DESK_H
#define TANDEM_CLOUD_DESK_H

#include <event2/event.h>

#include "cloud/fleet/fleet.h"

struct desk;
struct desk_job {
    /* On the desk's thread. Anything but STORE_OK takes back what this job wrote, and drops its effects. */
    int (*run)(struct desk_job *job, struct fleet *fleet);
    /* On the loop, once the transaction is committed or has failed. Frees the job. */
    void (*done)(struct desk_job *job, int result);
    /* The desk's: */
    struct desk_job *next;
    struct effect *effects;
    int result;
};

/* Carries out an effect on the loop. */
typedef void desk_effect_fn(void *ctx, const struct effect *effect);

/* Starts the thread. fleet is the desk's alone until desk_stop. Ends the program if the system has no thread
 * to give. */
struct desk *desk_start(struct event_base *base, struct fleet *fleet, desk_effect_fn *on_effect, void *ctx);

/* Hands a job over; from the loop's thread only. */
void desk_post(struct desk *desk, struct desk_job *job);

/* Runs what was posted to its end, joins the thread, and delivers what it finished. */
void desk_stop(struct desk *desk);

#endif
