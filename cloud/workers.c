#include "cloud/workers.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cloud/log.h"

#define THREADS_MAX 16

/* First in, first out. */
struct queue {
    struct work *first;
    struct work **end;
};

struct workers {
    struct event *wake; /* the loop's: finished work waits */
    int wake_fd;
    pthread_t threads[THREADS_MAX];
    size_t thread_count;
    size_t waiting_max;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t posted;
    struct queue waiting;
    size_t waiting_count;
    struct queue finished;
    bool stopping;
};

static void queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_put(struct queue *queue, struct work *work)
{
    work->next = NULL;
    *queue->end = work;
    queue->end = &work->next;
}

static struct work *queue_take(struct queue *queue)
{
    struct work *work = queue->first;
    queue->first = work->next;
    if (queue->first == NULL)
        queue_init(queue);
    return work;
}

/* NULL when the thread is to end. */
static struct work *wait_for_work(struct workers *workers)
{
    struct work *work = NULL;
    pthread_mutex_lock(&workers->lock);
    while (workers->waiting.first == NULL && !workers->stopping)
        pthread_cond_wait(&workers->posted, &workers->lock);
    if (workers->waiting.first != NULL) {
        work = queue_take(&workers->waiting);
        workers->waiting_count--;
    }
    pthread_mutex_unlock(&workers->lock);
    return work;
}

static void *worker_main(void *argument)
{
    struct workers *workers = argument;
    uint64_t one = 1;
    for (struct work *work; (work = wait_for_work(workers)) != NULL;) {
        work->run(work);
        pthread_mutex_lock(&workers->lock);
        queue_put(&workers->finished, work);
        pthread_mutex_unlock(&workers->lock);
        if (write(workers->wake_fd, &one, sizeof one) < 0) {
            /* The counter is full: the loop has been woken already. */
        }
    }
    return NULL;
}

static void deliver(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    struct work *work = workers->finished.first;
    queue_init(&workers->finished);
    pthread_mutex_unlock(&workers->lock);
    while (work != NULL) {
        struct work *next = work->next;
        work->done(work);
        work = next;
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

struct workers *workers_start(struct event_base *base, size_t threads, size_t waiting_max)
{
    struct workers *workers = calloc(1, sizeof *workers);
    if (workers == NULL || threads > THREADS_MAX)
        abort();
    workers->waiting_max = waiting_max;
    queue_init(&workers->waiting);
    queue_init(&workers->finished);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->posted, NULL);
    workers->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    workers->wake = event_new(base, workers->wake_fd, EV_READ | EV_PERSIST, on_wake, workers);
    bool started = workers->wake_fd >= 0 && workers->wake != NULL && event_add(workers->wake, NULL) == 0;
    while (started && workers->thread_count < threads) {
        started = pthread_create(&workers->threads[workers->thread_count], NULL, worker_main, workers) == 0;
        workers->thread_count += started;
    }
    if (!started) {
        log_line(LOG_LEVEL_ERROR, "workers-failed", "what=start");
        exit(1);
    }
    return workers;
}

bool workers_post(struct workers *workers, struct work *work)
{
    pthread_mutex_lock(&workers->lock);
    bool fits = workers->waiting_count < workers->waiting_max;
    if (fits) {
        queue_put(&workers->waiting, work);
        workers->waiting_count++;
        pthread_cond_signal(&workers->posted);
    }
    pthread_mutex_unlock(&workers->lock);
    return fits;
}

void workers_stop(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->posted);
    pthread_mutex_unlock(&workers->lock);
    for (size_t i = 0; i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);
    deliver(workers);
    event_free(workers->wake);
    close(workers->wake_fd);
    pthread_cond_destroy(&workers->posted);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}
