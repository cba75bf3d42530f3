#include "cloud/net/janitor.h"

#include <stddef.h>
#include <stdlib.h>

#include "cloud/fleet/firmware/removal.h"
#include "cloud/log.h"
#include "cloud/text.h"

#define LOOK_S 5 /* between two looks at what is due */

/* One round at a time: take --> remove --> say so --> take ... until nothing is due. */
struct janitor {
    struct desk *desk;
    struct porter *porter;
    struct event *timer;
    bool stopping;
    struct desk_job job;
    struct porter_job errand;
    struct removal removal;
};

static struct janitor *of_job(struct desk_job *job)
{
    return (struct janitor *)((char *)job - offsetof(struct janitor, job));
}

static struct janitor *of_errand(struct porter_job *errand)
{
    return (struct janitor *)((char *)errand - offsetof(struct janitor, errand));
}

static void rest(struct janitor *janitor)
{
    static const struct timeval pause = {.tv_sec = LOOK_S};
    if (!janitor->stopping)
        evtimer_add(janitor->timer, &pause);
}

static void post(struct janitor *janitor, int (*run)(struct desk_job *, struct fleet *),
                 void (*done)(struct desk_job *, int))
{
    janitor->job = (struct desk_job){.run = run, .done = done};
    desk_post(janitor->desk, &janitor->job);
}

static int run_take(struct desk_job *job, struct fleet *fleet)
{
    return removal_take(fleet, &of_job(job)->removal);
}

static int run_done(struct desk_job *job, struct fleet *fleet)
{
    return removal_done(fleet, &of_job(job)->removal);
}

static void on_taken(struct desk_job *job, int result);

/* Should this not be written, the file is removed once more, which does no harm. */
static void on_forgotten(struct desk_job *job, int result)
{
    struct janitor *janitor = of_job(job);
    if (result == STORE_OK && !janitor->stopping)
        post(janitor, run_take, on_taken);
    else
        rest(janitor);
}

static void on_removed(struct porter_job *errand, enum files_result result)
{
    struct janitor *janitor = of_errand(errand);
    if (janitor->stopping)
        return;
    if (result == FILES_OK) {
        log_line(LOG_LEVEL_INFO, "file-removed", "name=%s reason=unused", errand->name);
        post(janitor, run_done, on_forgotten);
        return;
    }
    log_line(LOG_LEVEL_WARNING, "file-not-removed", "name=%s tries=%lld hint=\"it is tried again later\"",
             errand->name, (long long)janitor->removal.tries);
    rest(janitor);
}

static void on_taken(struct desk_job *job, int result)
{
    struct janitor *janitor = of_job(job);
    if (result != STORE_OK || janitor->stopping) {
        rest(janitor);
        return;
    }
    janitor->errand = (struct porter_job){.task = PORTER_REMOVE, .done = on_removed};
    text_hex(janitor->removal.sha256, RECORD_DIGEST_BYTES, janitor->errand.name);
    porter_post(janitor->porter, &janitor->errand);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    post(ctx, run_take, on_taken);
}

struct janitor *janitor_start(struct event_base *base, struct desk *desk, struct porter *porter)
{
    struct janitor *janitor = calloc(1, sizeof *janitor);
    if (janitor == NULL)
        abort();
    janitor->desk = desk;
    janitor->porter = porter;
    janitor->timer = evtimer_new(base, on_timer, janitor);
    if (janitor->timer == NULL)
        abort();
    rest(janitor);
    return janitor;
}

void janitor_stop(struct janitor *janitor)
{
    if (janitor == NULL)
        return;
    janitor->stopping = true;
    evtimer_del(janitor->timer);
}

void janitor_free(struct janitor *janitor)
{
    if (janitor == NULL)
        return;
    event_free(janitor->timer);
    free(janitor);
}
