/* The desk: the one thread that owns the store and the fleet. The event loop hands it jobs; it runs them in
 * order, as many as wait in one transaction, and hands them back after the commit. Those that yield are in an
 * order of their own, and come a few at a time. So the loop never waits
 * for a disk, and nobody is told of anything that a kill -9 could take back.
 *
 *     loop: desk_post(job) --> desk: job->run(fleet) ... commit --> loop: effects, then job->done(result)
 *
 * Several servers may share the store, each with a desk of its own. What a job decides is as if no other job
 * ran at the same time, on any server: where two would have decided differently had they known of each other,
 * one of them runs again. So a job
 *   - reads what it decides on from the store, never from memory of its own that another server could
 *     outdate;
 *   - may run more than once: what it did to the store is taken back in between, what it did elsewhere (a
 *     field of its own, a file) must bear repetition;
 *   - does work that comes by the clock in small pieces that any server may take: read the rows whose time
 *     has come, a few hundred at most, and write to each of them that it was done (a new due time, a
 *     state, a counter). Two servers that take the same piece then meet in a row, and the second finds the
 *     work done. No leader, no lock; a server that dies leaves rows that are due. */
#ifndef TANDEM_CLOUD_DESK_H
#define TANDEM_CLOUD_DESK_H

#include <event2/event.h>

#include "cloud/fleet/base/fleet.h"

/* run's result for a job that is to go on: it runs again once other jobs had their turn. */
#define DESK_MORE 1

struct desk;
struct desk_job {
    /* On the desk's thread, more than once if need be. Anything but STORE_OK (and DESK_MORE) takes back what
     * this job wrote, and drops its effects. */
    int (*run)(struct desk_job *job, struct fleet *fleet);
    /* On the loop, once the transaction is committed or has failed. Frees the job. */
    void (*done)(struct desk_job *job, int result);
    /* It changes nothing but the store, and fails so seldom that it may cost the whole batch: it has no step
     * of its own in the transaction, and if it fails, the batch is run again job by job. */
    bool simple;
    /* Somebody's question: however many there are, and whatever each takes, what devices say is not kept
     * waiting by more than a few of them. */
    bool yields;
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

/* store_state of the store: whether jobs get done. */
int desk_state(const struct desk *desk);

/* How many jobs were posted and are not done. */
size_t desk_waiting(const struct desk *desk);

/* Runs what was posted to its end, joins the thread, and delivers what it finished. */
void desk_stop(struct desk *desk);

#endif
