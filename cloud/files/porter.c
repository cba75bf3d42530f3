#include "cloud/files/porter.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

struct porter {
    struct files *files;
    struct workers *worker; /* one: files are carried one after the other */
    atomic_bool stop;
};

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

static void run(struct work *work)
{
    struct porter_job *job = (struct porter_job *)work;
    job->result = carry(job->porter, job);
}

static void done(struct work *work)
{
    struct porter_job *job = (struct porter_job *)work;
    job->done(job, job->result);
}

struct porter *porter_start(struct event_base *base, struct files *files)
{
    struct porter *porter = calloc(1, sizeof *porter);
    if (porter == NULL)
        abort();
    porter->files = files;
    atomic_init(&porter->stop, false);
    porter->worker = workers_start(base, 1, SIZE_MAX);
    return porter;
}

void porter_post(struct porter *porter, struct porter_job *job)
{
    job->work = (struct work){.run = run, .done = done};
    job->porter = porter;
    (void)workers_post(porter->worker, &job->work);
}

void porter_stop(struct porter *porter)
{
    if (porter == NULL)
        return;
    atomic_store(&porter->stop, true);
    workers_stop(porter->worker);
    free(porter);
}
