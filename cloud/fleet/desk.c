#include "cloud/fleet/desk.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cloud/fleet/batch.h"
#include "cloud/fleet/clock.h"
#include "cloud/fleet/due.h"
#include "cloud/fleet/node.h"
#include "cloud/log.h"
#include "cloud/text.h"

#define TICK_MS      250
#define YIELDING_MAX 64 /* jobs that yield in a batch */

/* First in, first out. */
struct queue {
    struct desk_job *first;
    struct desk_job **end;
};

struct desk {
    struct fleet *fleet;
    desk_effect_fn *on_effect;
    void *ctx;
    struct event *wake; /* the loop's: finished jobs wait */
    size_t jobs;        /* the loop's: posted and not done */
    int ticked;         /* the thread's: what came of the last tick */
    int wake_fd;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t posted;
    struct queue waiting;
    struct queue yielding;
    struct queue finished;
    bool stopping;
};

static void queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_put(struct queue *queue, struct desk_job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

/* Takes everything out of from. */
static struct desk_job *queue_take_all(struct queue *from)
{
    struct desk_job *jobs = from->first;
    queue_init(from);
    return jobs;
}

static void queue_move(struct queue *to, struct queue *from, size_t count)
{
    for (; from->first != NULL && count > 0; count--) {
        struct desk_job *job = from->first;
        from->first = job->next;
        if (from->first == NULL)
            queue_init(from);
        queue_put(to, job);
    }
}

static struct queue *queue_of(struct desk *desk, const struct desk_job *job)
{
    return job->yields ? &desk->yielding : &desk->waiting;
}

static void hand_back(struct desk *desk, struct desk_job *jobs)
{
    uint64_t one = 1;
    struct queue left_out;
    queue_init(&left_out);
    pthread_mutex_lock(&desk->lock);
    while (jobs != NULL) {
        struct desk_job *next = jobs->next;
        if (jobs->result == BATCH_LEFT_OUT) {
            jobs->result = STORE_OK;
            queue_put(&left_out, jobs);
        } else {
            queue_put(jobs->result == DESK_MORE ? queue_of(desk, jobs) : &desk->finished, jobs);
        }
        jobs = next;
    }
    queue_move(&left_out, &desk->yielding, SIZE_MAX); /* those are next */
    queue_move(&desk->yielding, &left_out, SIZE_MAX);
    pthread_mutex_unlock(&desk->lock);
    if (write(desk->wake_fd, &one, sizeof one) < 0) {
        /* The counter is full: the loop has been woken already. */
    }
}

/* The fleet's own clock is a job like any other. */
static int tick_run(struct desk_job *job, struct fleet *fleet)
{
    (void)job;
    int result = clock_tick(fleet, text_steady_ms());
    if (result == STORE_OK)
        result = node_tick(fleet);
    return result == STORE_OK && !fleet->taken_out ? due_tick(fleet) : result;
}

static void tick_done(struct desk_job *job, int result)
{
    (void)result;
    free(job);
}

/* Waits for jobs, until time at most. NULL if there are none; *stop when the thread is to end. */
static struct desk_job *wait_for_jobs(struct desk *desk, const struct timespec *until, bool *stop)
{
    pthread_mutex_lock(&desk->lock);
    int result = 0;
    while (desk->waiting.first == NULL && desk->yielding.first == NULL && !desk->stopping && result == 0)
        result = pthread_cond_timedwait(&desk->posted, &desk->lock, until);
    queue_move(&desk->waiting, &desk->yielding, YIELDING_MAX);
    struct desk_job *jobs = queue_take_all(&desk->waiting);
    *stop = desk->stopping && jobs == NULL;
    pthread_mutex_unlock(&desk->lock);
    return jobs;
}

static void run_jobs(struct desk *desk, struct desk_job *jobs)
{
    if (jobs == NULL)
        return;
    batch_run(desk->fleet, jobs);
    hand_back(desk, jobs);
}

/* In a transaction of its own: it looks at what every server writes, and the jobs are not to pay for that. No
 * job may follow one that found this server taken out. */
static void tick(struct desk *desk)
{
    struct desk_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    job->run = tick_run;
    job->done = tick_done;
    batch_run(desk->fleet, job);
    if (desk->fleet->taken_out && job->result == STORE_OK)
        exit(1);
    if (job->result == STORE_OK)
        node_ticked(desk->fleet);
    if (job->result != STORE_OK && job->result != desk->ticked) /* not anew at each tick of a long night */
        log_line(LOG_LEVEL_ERROR, "tick-failed", "reason=\"%s\"", store_result_text(job->result));
    desk->ticked = job->result;
    hand_back(desk, job);
}

static void *desk_main(void *argument)
{
    struct desk *desk = argument;
    int64_t next_tick = text_steady_ms();
    for (bool stop = false; !stop;) {
        if (desk->fleet->busy)
            next_tick = 0; /* other jobs come in between, and then it goes on */
        struct timespec until = {next_tick / 1000, next_tick % 1000 * 1000000};
        struct desk_job *jobs = wait_for_jobs(desk, &until, &stop);
        run_jobs(desk, jobs);
        if (!stop && text_steady_ms() >= next_tick) {
            tick(desk);
            next_tick = text_steady_ms() + TICK_MS;
        }
    }
    return NULL;
}

static void deliver(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    struct desk_job *jobs = queue_take_all(&desk->finished);
    pthread_mutex_unlock(&desk->lock);
    while (jobs != NULL) {
        struct desk_job *next = jobs->next;
        for (const struct effect *effect = jobs->effects; effect != NULL; effect = effect->next)
            desk->on_effect(desk->ctx, effect);
        batch_free_effects(jobs->effects);
        desk->jobs -= jobs->run != tick_run;
        jobs->done(jobs, jobs->result);
        jobs = next;
    }
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    uint64_t count;
    if (read((int)fd, &count, sizeof count) < 0)
        return;
    deliver(ctx);
}

struct desk *desk_start(struct event_base *base, struct fleet *fleet, desk_effect_fn *on_effect, void *ctx)
{
    struct desk *desk = calloc(1, sizeof *desk);
    pthread_condattr_t attributes;
    if (desk == NULL)
        return NULL;
    *desk = (struct desk){.fleet = fleet, .on_effect = on_effect, .ctx = ctx};
    queue_init(&desk->waiting);
    queue_init(&desk->yielding);
    queue_init(&desk->finished);
    pthread_mutex_init(&desk->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&desk->posted, &attributes);
    pthread_condattr_destroy(&attributes);
    desk->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    desk->wake = event_new(base, desk->wake_fd, EV_READ | EV_PERSIST, on_wake, desk);
    if (desk->wake_fd < 0 || desk->wake == NULL || event_add(desk->wake, NULL) != 0 ||
        pthread_create(&desk->thread, NULL, desk_main, desk) != 0) {
        log_line(LOG_LEVEL_ERROR, "desk-failed", "what=start");
        exit(1);
    }
    return desk;
}

void desk_post(struct desk *desk, struct desk_job *job)
{
    desk->jobs++;
    pthread_mutex_lock(&desk->lock);
    queue_put(queue_of(desk, job), job);
    pthread_cond_signal(&desk->posted);
    pthread_mutex_unlock(&desk->lock);
}

int desk_state(const struct desk *desk)
{
    return store_state(desk->fleet->store);
}

size_t desk_waiting(const struct desk *desk)
{
    return desk->jobs;
}

void desk_stop(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    desk->stopping = true;
    pthread_cond_signal(&desk->posted);
    pthread_mutex_unlock(&desk->lock);
    pthread_join(desk->thread, NULL);
    deliver(desk);
    while (desk->waiting.first != NULL || desk->yielding.first != NULL) {
        /* What came of that: an offer that found its connection closed. */
        queue_move(&desk->waiting, &desk->yielding, SIZE_MAX);
        run_jobs(desk, queue_take_all(&desk->waiting));
        deliver(desk);
    }
    event_free(desk->wake);
    close(desk->wake_fd);
    pthread_cond_destroy(&desk->posted);
    pthread_mutex_destroy(&desk->lock);
    free(desk);
}
