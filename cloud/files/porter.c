#include "cloud/files/porter.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cloud/log.h"

/* First in, first out. */
struct queue {
    struct porter_job *first;
    struct porter_job **end;
};

struct porter {
    struct files *files;
    struct event *wake;
    int wake_fd;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t lock; /* of both queues */
    pthread_cond_t posted;
    struct queue waiting;
    struct queue finished;
};

static void queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_put(struct queue *queue, struct porter_job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

static struct porter_job *queue_take(struct queue *queue)
{
    struct porter_job *job = queue->first;
    if (job == NULL)
        return NULL;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    return job;
}

static enum files_result carry(struct porter *porter, const struct porter_job *job)
{
    if (atomic_load(&porter->stop))
        return FILES_FAILED;
    switch (job->task) {
    case PORTER_PUT:
        return files_put(porter->files, job->name, job->path, &porter->stop);
    case PORTER_FETCH:
        if (access(job->path, R_OK) == 0)
            return FILES_OK;
        return files_get(porter->files, job->name, job->path, &porter->stop);
    case PORTER_REMOVE:
        return files_remove(porter->files, job->name, &porter->stop);
    }
    return FILES_FAILED;
}

static struct porter_job *wait_for_job(struct porter *porter)
{
    pthread_mutex_lock(&porter->lock);
    while (porter->waiting.first == NULL && !atomic_load(&porter->stop))
        pthread_cond_wait(&porter->posted, &porter->lock);
    struct porter_job *job = queue_take(&porter->waiting);
    pthread_mutex_unlock(&porter->lock);
    return job;
}

static void hand_back(struct porter *porter, struct porter_job *job)
{
    uint64_t one = 1;
    pthread_mutex_lock(&porter->lock);
    queue_put(&porter->finished, job);
    pthread_mutex_unlock(&porter->lock);
    if (write(porter->wake_fd, &one, sizeof one) < 0) {
        /* The counter is full: the loop has been woken already. */
    }
}

static void *porter_main(void *argument)
{
    struct porter *porter = argument;
    for (struct porter_job *job; (job = wait_for_job(porter)) != NULL;) {
        job->result = carry(porter, job);
        hand_back(porter, job);
    }
    return NULL;
}

static void deliver(struct porter *porter)
{
    for (;;) {
        pthread_mutex_lock(&porter->lock);
        struct porter_job *job = queue_take(&porter->finished);
        pthread_mutex_unlock(&porter->lock);
        if (job == NULL)
            return;
        job->done(job, job->result);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    uint64_t count;
    if (read((int)fd, &count, sizeof count) > 0)
        deliver(ctx);
}

struct porter *porter_start(struct event_base *base, struct files *files)
{
    struct porter *porter = calloc(1, sizeof *porter);
    if (porter == NULL)
        abort();
    porter->files = files;
    atomic_init(&porter->stop, false);
    queue_init(&porter->waiting);
    queue_init(&porter->finished);
    pthread_mutex_init(&porter->lock, NULL);
    pthread_cond_init(&porter->posted, NULL);
    porter->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    porter->wake = event_new(base, porter->wake_fd, EV_READ | EV_PERSIST, on_wake, porter);
    if (porter->wake_fd < 0 || porter->wake == NULL || event_add(porter->wake, NULL) != 0 ||
        pthread_create(&porter->thread, NULL, porter_main, porter) != 0) {
        log_line(LOG_LEVEL_ERROR, "porter-failed", "what=start");
        exit(1);
    }
    return porter;
}

void porter_post(struct porter *porter, struct porter_job *job)
{
    pthread_mutex_lock(&porter->lock);
    queue_put(&porter->waiting, job);
    pthread_cond_signal(&porter->posted);
    pthread_mutex_unlock(&porter->lock);
}

void porter_stop(struct porter *porter)
{
    if (porter == NULL)
        return;
    pthread_mutex_lock(&porter->lock);
    atomic_store(&porter->stop, true);
    pthread_cond_signal(&porter->posted);
    pthread_mutex_unlock(&porter->lock);
    pthread_join(porter->thread, NULL);
    deliver(porter);
    event_free(porter->wake);
    close(porter->wake_fd);
    pthread_cond_destroy(&porter->posted);
    pthread_mutex_destroy(&porter->lock);
    free(porter);
}
