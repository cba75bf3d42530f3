#include "cloud/deltas/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cloud/log.h"
#include "cloud/text.h"

/* What it left: its line, and its status. */
static enum worker_result read_output(const struct child *child, const siginfo_t *status,
                                      struct worker_output *output)
{
    char line[WORKER_LINE_MAX] = "";
    bool exited = status->si_code == CLD_EXITED;
    ssize_t bytes = read(child->output, line, sizeof line - 1);
    if (child->late || (!exited && status->si_status == SIGXCPU))
        return WORKER_TIME;
    if (exited && status->si_status > WORKER_READY && status->si_status < WORKER_CRASHED)
        return (enum worker_result)status->si_status;
    if (!exited || status->si_status != WORKER_READY || bytes <= 0 || !worker_line_parse(line, output))
        return WORKER_CRASHED;
    return WORKER_READY;
}

static void close_ends(struct child *child)
{
    evutil_socket_t pidfd = event_get_fd(child->end);
    event_free(child->end);
    close((int)pidfd);
    close(child->output);
}

static void on_end(evutil_socket_t pidfd, short what, void *ctx)
{
    struct child *child = ctx;
    struct worker_output output = {0};
    siginfo_t status = {0};
    if ((what & EV_TIMEOUT) != 0) {
        child->late = true;
        kill(child->pid, SIGKILL);
        event_add(child->end, NULL);
        return;
    }
    waitid(P_PIDFD, (id_t)pidfd, &status, WEXITED);
    enum worker_result result = read_output(child, &status, &output);
    int64_t took_ms = text_steady_ms() - child->started_ms;
    close_ends(child);
    child->ended(child->ctx, result, &output, took_ms);
}

static void end(const struct child *child)
{
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
}

static int spawn(struct child *child, const struct child_order *order, int output)
{
    char mib[24];
    char seconds[24];
    const char *base = order->base != NULL ? order->base : "-";
    char *const arguments[] = {"tandem-cloud",
                               WORKER_COMMAND,
                               (char *)order->package,
                               (char *)base,
                               (char *)order->to,
                               mib,
                               seconds,
                               NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    snprintf(mib, sizeof mib, "%" PRId64, order->memory_mib);
    snprintf(seconds, sizeof seconds, "%" PRId64, order->seconds);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(&child->pid, "/proc/self/exe", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* A descriptor that tells of its end, -1 after a failure. */
static int start(struct child *child, const struct child_order *order, int output)
{
    int error = spawn(child, order, output);
    int pidfd = error == 0 ? pidfd_open(child->pid, 0) : -1;
    if (pidfd >= 0)
        return pidfd;
    log_line(LOG_LEVEL_ERROR, "worker-failed", "error=\"%s\"", strerror(error != 0 ? error : errno));
    if (error == 0)
        end(child);
    return -1;
}

bool child_start(struct child *child, struct event_base *base, const struct child_order *order,
                 child_ended_fn *ended, void *ctx)
{
    struct timeval limit = {.tv_sec = order->clock_seconds};
    int ends[2];
    *child = (struct child){.ended = ended, .ctx = ctx, .started_ms = text_steady_ms()};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        log_line(LOG_LEVEL_ERROR, "worker-failed", "error=\"%s\"", strerror(errno));
        return false;
    }
    int pidfd = start(child, order, ends[1]);
    close(ends[1]);
    if (pidfd < 0) {
        close(ends[0]);
        return false;
    }
    child->output = ends[0];
    child->end = event_new(base, pidfd, EV_READ, on_end, child);
    if (child->end == NULL || event_add(child->end, &limit) != 0)
        abort();
    return true;
}

void child_kill(struct child *child)
{
    end(child);
    close_ends(child);
}
