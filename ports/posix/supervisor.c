/* One child process is one power cycle of the processor:
 *
 *            RESTART_MS passed                    exit, crash, SIGKILL
 *     off --------------------------> running --------------------------> off, with the cause that the
 *                                        |                                 ^  end tells
 *                                        | watchdog not fed in time        |
 *                                        '--> killed ----------------------'
 *
 * exit status DEVICE_EXIT_RESET + cause    that cause (board_reset)
 * killed by the watchdog                   watchdog
 * SIGKILL from anywhere else               power
 * any other signal or status               fault
 */
#include "ports/posix/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* A processor takes a moment to start; this one too, so that one that resets at once does not spin. */
#define RESTART_MS 20u

struct supervisor {
    struct device *device;
    struct wire *wire;
    void (*program)(void);
    int signals;
    sigset_t outside_mask; /* as it was before the supervisor */
    pid_t processor;       /* 0: off */
    uint64_t start_at_ms;  /* while off */
    bool watchdog_bit;     /* the watchdog killed it */
    bool ends;
};

static const char *const cause_names[] = {
    [TDM_RESET_POWER] = "power", [TDM_RESET_SOFT] = "soft",       [TDM_RESET_WATCHDOG] = "watchdog",
    [TDM_RESET_FAULT] = "fault", [TDM_RESET_NO_LINK] = "no-link",
};

static void become_processor(struct supervisor *s, pid_t parent)
{
    struct rlimit no_core = {0, 0};

    /* The board's power is the supervisor's life. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(EXIT_FAILURE);
    setrlimit(RLIMIT_CORE, &no_core); /* a simulated crash leaves no core file */
    close(s->signals);
    close(s->wire->listener);
    close(s->wire->board);
    if (s->wire->client >= 0)
        close(s->wire->client);
    sigprocmask(SIG_SETMASK, &s->outside_mask, NULL);
    device_attach(s->device);
    s->program();
    _exit(EXIT_FAILURE);
}

static void start(struct supervisor *s)
{
    pid_t parent = getpid();

    wire_reset(s->wire);
    atomic_store(&s->device->watchdog->period_ms, 0);
    s->watchdog_bit = false;
    s->device->boots = s->device->cause == TDM_RESET_POWER ? 1 : s->device->boots + 1;
    s->processor = fork();
    if (s->processor == 0)
        become_processor(s, parent);
    if (s->processor < 0) {
        device_log(s->device, "tandem-device: cannot start the processor: %s", strerror(errno));
        s->processor = 0;
        s->start_at_ms = device_clock_ms() + 1000;
    }
}

static enum tdm_reset_cause cause_of(const struct supervisor *s, int status)
{
    if (s->watchdog_bit)
        return TDM_RESET_WATCHDOG;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return TDM_RESET_POWER;
    if (WIFEXITED(status) && WEXITSTATUS(status) >= DEVICE_EXIT_RESET &&
        WEXITSTATUS(status) <= DEVICE_EXIT_RESET + TDM_RESET_NO_LINK)
        return (enum tdm_reset_cause)(WEXITSTATUS(status) - DEVICE_EXIT_RESET);
    return TDM_RESET_FAULT;
}

static void collect(struct supervisor *s)
{
    int status;

    if (s->processor == 0 || waitpid(s->processor, &status, WNOHANG) != s->processor)
        return;
    s->processor = 0;
    s->start_at_ms = device_clock_ms() + RESTART_MS;
    s->device->cause = cause_of(s, status);
    if (s->device->cause == TDM_RESET_FAULT && WIFSIGNALED(status))
        device_log(s->device, "tandem-device: reset: fault (%s)", strsignal(WTERMSIG(status)));
    else
        device_log(s->device, "tandem-device: reset: %s", cause_names[s->device->cause]);
}

static void handle_signal(struct supervisor *s)
{
    struct signalfd_siginfo info;

    if (read(s->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGCHLD)
        collect(s);
    else
        s->ends = true;
}

/* Milliseconds until the watchdog bites, -1 if it does not run. */
static int64_t watchdog_left_ms(const struct supervisor *s, uint64_t now_ms)
{
    uint32_t period_ms = atomic_load(&s->device->watchdog->period_ms);
    uint64_t fed_ms = atomic_load(&s->device->watchdog->fed_ms);

    if (period_ms == 0)
        return -1;
    return fed_ms + period_ms > now_ms ? (int64_t)(fed_ms + period_ms - now_ms) : 0;
}

/* What is due now, and how long to wait for the next. The watchdog may be started or fed at any moment
 * without a sign to us, so it is looked at ten times a second at least. */
static int run_timers(struct supervisor *s)
{
    uint64_t now_ms = device_clock_ms();
    int64_t left_ms;

    if (s->processor == 0 && now_ms >= s->start_at_ms)
        start(s);
    if (s->processor == 0)
        return (int)(s->start_at_ms > now_ms ? s->start_at_ms - now_ms : 1);
    left_ms = watchdog_left_ms(s, now_ms);
    if (left_ms == 0) {
        s->watchdog_bit = true;
        kill(s->processor, SIGKILL);
    }
    return left_ms > 0 && left_ms < 100 ? (int)left_ms : 100;
}

static int watch_signals(struct supervisor *s)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &mask, &s->outside_mask) != 0)
        return -1;
    s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals < 0 ? -1 : 0;
}

static void switch_off(struct supervisor *s)
{
    if (s->processor != 0) {
        kill(s->processor, SIGKILL);
        waitpid(s->processor, NULL, 0);
    }
    close(s->signals);
}

int supervisor_run(struct device *device, struct wire *wire, void (*program)(void))
{
    struct supervisor s = {.device = device, .wire = wire, .program = program};

    if (watch_signals(&s) != 0) {
        fprintf(stderr, "tandem-device: cannot wait for signals: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    while (!s.ends) {
        struct pollfd polls[1 + WIRE_POLLS] = {{.fd = s.signals, .events = POLLIN}};
        int timeout_ms = run_timers(&s);

        wire_poll_for(wire, polls + 1);
        if (poll(polls, 1 + WIRE_POLLS, timeout_ms) < 0)
            continue;
        if (polls[0].revents & POLLIN)
            handle_signal(&s);
        wire_serve(wire, polls + 1);
    }
    switch_off(&s);
    return EXIT_SUCCESS;
}
