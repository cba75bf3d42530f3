#include "ncpd/machine/hook.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/base/timer.h"

enum { LINE_BYTES = 256, TELL_LIMIT_MS = 60000 };

struct hook {
    const struct mcu_config *mcu;
    struct event *ended; /* SIGCHLD */
    struct event *limit;
    pid_t pid; /* 0 while none runs */
    int output;
    char action[32];
    hook_done_fn *done;
    void *ctx;
};

/* Input that does not fit into a pipe is cut: it is a password at most. */
static int pipe_with(const char *input)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    if (input != NULL && write(ends[1], input, strlen(input)) < 0) {
        close(ends[0]);
        ends[0] = -1;
    }
    close(ends[1]);
    return ends[0];
}

static bool spawn(struct hook *hook, const char *argument, int input, int output)
{
    char *words[] = {(char *)hook->mcu->hook, hook->action, (char *)argument, NULL};
    char name[CONFIG_NAME_MAX + 16];
    char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", name, NULL};
    posix_spawn_file_actions_t files;
    int error;

    snprintf(name, sizeof name, "TANDEM_MCU=%s", hook->mcu->name);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    error = posix_spawn(&hook->pid, hook->mcu->hook, &files, NULL, words, environment);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) {
        log_error(hook->mcu->name, "hook %s: %s; make it a program that this user can run", hook->mcu->hook,
                  strerror(error));
        hook->pid = 0;
    }
    return error == 0;
}

static void finish(struct hook *hook, int status)
{
    char line[LINE_BYTES];
    ssize_t length = read(hook->output, line, sizeof line - 1);

    line[length > 0 ? length : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    close(hook->output);
    evtimer_del(hook->limit);
    hook->pid = 0;
    log_info(hook->mcu->name, "hook: %s ended with %d", hook->action, status);
    if (hook->done != NULL)
        hook->done(hook->ctx, status, line);
}

/* SIGCHLD is for every hook of the program: each looks for its own. */
static void on_ended(evutil_socket_t signal, short what, void *ctx)
{
    struct hook *hook = ctx;
    int status;

    (void)signal;
    (void)what;
    if (hook->pid != 0 && waitpid(hook->pid, &status, WNOHANG) == hook->pid)
        finish(hook, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void on_limit(evutil_socket_t fd, short what, void *ctx)
{
    struct hook *hook = ctx;

    (void)fd;
    (void)what;
    log_warning(hook->mcu->name, "hook: %s took too long; killed", hook->action);
    kill(hook->pid, SIGKILL);
}

bool hook_start(struct hook *hook, const char *action, const char *argument, const char *input,
                uint32_t limit_ms, hook_done_fn *done, void *ctx)
{
    int output[2];
    int given;
    bool started;

    if (hook->mcu->hook[0] == '\0' || hook->pid != 0 || pipe2(output, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    given = pipe_with(input);
    snprintf(hook->action, sizeof hook->action, "%s", action);
    started = given >= 0 && spawn(hook, argument, given, output[1]);
    close(given);
    close(output[1]);
    if (!started) {
        close(output[0]);
        return false;
    }
    hook->output = output[0];
    hook->done = done;
    hook->ctx = ctx;
    timer_start(hook->limit, limit_ms);
    return true;
}

bool hook_tell(struct hook *hook, const char *action)
{
    return hook_start(hook, action, NULL, NULL, TELL_LIMIT_MS, NULL, NULL);
}

struct hook *hook_new(struct event_base *base, const struct mcu_config *mcu)
{
    struct hook *hook = memory_zeroed(sizeof *hook);

    hook->mcu = mcu;
    hook->ended = evsignal_new(base, SIGCHLD, on_ended, hook);
    hook->limit = evtimer_new(base, on_limit, hook);
    event_add(hook->ended, NULL);
    return hook;
}

void hook_free(struct hook *hook)
{
    if (hook->pid != 0) {
        kill(hook->pid, SIGKILL);
        (void)waitpid(hook->pid, NULL, 0);
        close(hook->output);
    }
    event_free(hook->ended);
    event_free(hook->limit);
    free(hook);
}
