#include "cloud/fleet/desk.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cloud/fleet/clock.h"
#include "cloud/fleet/due.h"
#include "cloud/fleet/node.h"
#include "cloud/log.h"
#include "cloud/text.h"

#define TICK_MS        250
#define TRIES_MAX      30 /* of a job that other servers are in the way of */
#define STEP_ASIDE_MAX 6  /* 2^6 ms at most between them */
#define YIELDING_MS    20 /* after which no further job that yields begins in a batch */
#define YIELDING_MAX   64 /* of them in a batch */
#define LEFT_OUT       2  /* result of one that did not begin */

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
    int64_t yielding_ms;  /* the thread's: what jobs that yield took of this batch */
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

static void free_effects(struct effect *effects)
{
    while (effects != NULL) {
        struct effect *next = effects->next;
        free(effects);
        effects = next;
    }
}

/* The effects of a job were collected newest first. */
static struct effect *in_order(struct effect *effects)
{
    struct effect *ordered = NULL;
    while (effects != NULL) {
        struct effect *next = effects->next;
        effects->next = ordered;
        ordered = effects;
        effects = next;
    }
    return ordered;
}

static bool is_fine(int result)
{
    return result == STORE_OK || result == DESK_MORE;
}

static int64_t monotonic_ms(struct timespec *now)
{
    clock_gettime(CLOCK_MONOTONIC, now);
    return (int64_t)now->tv_sec * 1000 + now->tv_nsec / 1000000;
}

static void run_job(struct desk *desk, struct desk_job *job, bool step)
{
    struct fleet *fleet = desk->fleet;
    fleet->effects = NULL;
    fleet->now = text_now_ms();
    job->effects = NULL;
    job->result = step ? store_step_begin(fleet->store) : STORE_OK;
    if (job->result == STORE_OK) {
        job->result = job->run(job, fleet);
        int ended = step ? store_step_end(fleet->store, is_fine(job->result)) : STORE_OK;
        if (ended != STORE_OK)
            job->result = ended;
    }
    job->effects = in_order(fleet->effects);
    fleet->effects = NULL;
    if (!is_fine(job->result)) {
        free_effects(job->effects);
        job->effects = NULL;
    }
}

/* Runs jobs up to end in one transaction. STORE_AGAIN: nothing happened, and they may run again. */
static int try_jobs(struct desk *desk, struct desk_job *jobs, const struct desk_job *end)
{
    struct store *store = desk->fleet->store;
    bool alone = jobs->next == end; /* then a step keeps its failure its own */
    int result = store_begin(store);
    if (result != STORE_OK)
        return result;
    for (struct desk_job *job = jobs; job != end; job = job->next) {
        bool step = alone || !job->simple;
        struct timespec now;
        if (job->yields && desk->yielding_ms > YIELDING_MS) {
            job->result = LEFT_OUT;
            job->effects = NULL;
            continue;
        }
        int64_t before = job->yields ? monotonic_ms(&now) : 0;
        run_job(desk, job, step);
        desk->yielding_ms += job->yields ? monotonic_ms(&now) - before : 0;
        if (job->result == STORE_AGAIN || (job->result != STORE_OK && !step)) {
            store_rollback(store);
            return STORE_AGAIN;
        }
    }
    return store_commit(store);
}

/* Their transaction is lost: nothing of it happened. */
static void drop_effects(struct desk_job *jobs, const struct desk_job *end)
{
    for (struct desk_job *job = jobs; job != end; job = job->next) {
        free_effects(job->effects);
        job->effects = NULL;
    }
}

/* Jobs that failed by themselves keep their own result. */
static void fail_jobs(struct desk_job *jobs, const struct desk_job *end, int result)
{
    for (struct desk_job *job = jobs; job != end; job = job->next) {
        if (is_fine(job->result) || job->result == STORE_AGAIN)
            job->result = result;
    }
}

/* A moment that grows, and that two servers do not share. */
static void step_aside(int tries)
{
    uint16_t random;
    secret_random(&random, sizeof random);
    unsigned int most_ms = tries < STEP_ASIDE_MAX ? 1u << tries : 1u << STEP_ASIDE_MAX;
    poll(NULL, 0, (int)(random % (most_ms + 1)));
}

/* Other servers were in the way: one by one, so that each meets as few of them as it can. */
static void run_alone(struct desk *desk, struct desk_job *job)
{
    int result = STORE_AGAIN;
    for (int tries = 0; tries < TRIES_MAX && result == STORE_AGAIN; tries++) {
        step_aside(tries);
        result = try_jobs(desk, job, job->next);
        if (result != STORE_OK)
            drop_effects(job, job->next);
    }
    if (result != STORE_OK)
        fail_jobs(job, job->next, result);
}

static void run_batch(struct desk *desk, struct desk_job *jobs)
{
    int result = try_jobs(desk, jobs, NULL);
    if (result == STORE_OK)
        return;
    drop_effects(jobs, NULL);
    if (result != STORE_AGAIN)
        fail_jobs(jobs, NULL, result);
    for (struct desk_job *job = jobs; result == STORE_AGAIN && job != NULL; job = job->next)
        run_alone(desk, job);
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
        if (jobs->result == LEFT_OUT) {
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
    struct timespec now;
    int result = clock_tick(fleet, monotonic_ms(&now));
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
    desk->yielding_ms = 0;
    run_batch(desk, jobs);
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
    run_batch(desk, job);
    if (desk->fleet->taken_out && job->result == STORE_OK)
        exit(1);
    if (job->result != STORE_OK && job->result != desk->ticked) /* not anew at each tick of a long night */
        log_line(LOG_LEVEL_ERROR, "tick-failed", "reason=\"%s\"", store_result_text(job->result));
    desk->ticked = job->result;
    hand_back(desk, job);
}

static void *desk_main(void *argument)
{
    struct desk *desk = argument;
    struct timespec now;
    int64_t next_tick = monotonic_ms(&now);
    for (bool stop = false; !stop;) {
        if (desk->fleet->busy)
            next_tick = 0; /* other jobs come in between, and then it goes on */
        struct timespec until = {next_tick / 1000, next_tick % 1000 * 1000000};
        struct desk_job *jobs = wait_for_jobs(desk, &until, &stop);
        run_jobs(desk, jobs);
        if (!stop && monotonic_ms(&now) >= next_tick) {
            tick(desk);
            next_tick = monotonic_ms(&now) + TICK_MS;
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
        free_effects(jobs->effects);
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
