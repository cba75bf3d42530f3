#include "cloud/fleet/batch.h"

#include <poll.h>
#include <stdlib.h>

#include "cloud/text.h"

#define TRIES_MAX      30 /* of a job that other servers are in the way of */
#define STEP_ASIDE_MAX 6  /* 2^6 ms at most between them */
#define YIELDING_MS    20 /* after which no further job that yields begins */

struct batch {
    struct fleet *fleet;
    int64_t yielding_ms; /* what jobs that yield took */
};

void batch_free_effects(struct effect *effects)
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

static void run_job(struct fleet *fleet, struct desk_job *job, bool step)
{
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
        batch_free_effects(job->effects);
        job->effects = NULL;
    }
}

/* Runs jobs up to end in one transaction. STORE_AGAIN: nothing happened, and they may run again. */
static int try_jobs(struct batch *batch, struct desk_job *jobs, const struct desk_job *end)
{
    struct store *store = batch->fleet->store;
    bool alone = jobs->next == end; /* then a step keeps its failure its own */
    int result = store_begin(store);
    if (result != STORE_OK)
        return result;
    for (struct desk_job *job = jobs; job != end; job = job->next) {
        bool step = alone || !job->simple;
        if (job->yields && batch->yielding_ms > YIELDING_MS) {
            job->result = BATCH_LEFT_OUT;
            job->effects = NULL;
            continue;
        }
        int64_t before = job->yields ? text_steady_ms() : 0;
        run_job(batch->fleet, job, step);
        batch->yielding_ms += job->yields ? text_steady_ms() - before : 0;
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
        batch_free_effects(job->effects);
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
static void run_alone(struct batch *batch, struct desk_job *job)
{
    int result = STORE_AGAIN;
    for (int tries = 0; tries < TRIES_MAX && result == STORE_AGAIN; tries++) {
        step_aside(tries);
        result = try_jobs(batch, job, job->next);
        if (result != STORE_OK)
            drop_effects(job, job->next);
    }
    if (result != STORE_OK)
        fail_jobs(job, job->next, result);
}

void batch_run(struct fleet *fleet, struct desk_job *jobs)
{
    struct batch batch = {.fleet = fleet};
    int result = try_jobs(&batch, jobs, NULL);
    if (result == STORE_OK)
        return;
    drop_effects(jobs, NULL);
    if (result != STORE_AGAIN)
        fail_jobs(jobs, NULL, result);
    for (struct desk_job *job = jobs; result == STORE_AGAIN && job != NULL; job = job->next)
        run_alone(&batch, job);
}
