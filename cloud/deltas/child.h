/* The worker (worker.h) as a child process: started without the server's environment, which holds keys, ended
 * when it takes too long, and heard of on the loop. */
#ifndef TANDEM_CLOUD_CHILD_H
#define TANDEM_CLOUD_CHILD_H

#include <event2/event.h>
#include <sys/types.h>

#include "cloud/deltas/worker.h"

struct child_order {
    const char *package;
    const char *base; /* NULL: none, compress it */
    const char *to;
    int64_t memory_mib;
    int64_t seconds;       /* of CPU */
    int64_t clock_seconds; /* on the clock */
};

/* READY: output says what it made. */
typedef void child_ended_fn(void *ctx, enum worker_result result, const struct worker_output *output,
                            int64_t took_ms);

struct child {
    pid_t pid;
    int output; /* the end that we read */
    struct event *end;
    int64_t started_ms;
    bool late;
    child_ended_fn *ended;
    void *ctx;
};

/* False after a line in the log: there is none. Otherwise ended is called once, unless child_kill comes
 * first. */
bool child_start(struct child *child, struct event_base *base, const struct child_order *order,
                 child_ended_fn *ended, void *ctx);
void child_kill(struct child *child);

#endif
