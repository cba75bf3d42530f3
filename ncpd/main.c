/* tandem-ncp: the network co-processor as a Linux daemon. */
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ncpd/base/host.h"
#include "ncpd/base/log.h"
#include "ncpd/base/timer.h"
#include "ncpd/bridge.h"
#include "ncpd/config/options.h"
#include "ncpd/machine/notify.h"
#include "ncpd/status.h"

enum { GOODBYE_LIMIT_MS = 500, GOODBYE_STEP_MS = 10 };

struct program {
    struct event_base *base;
    struct bridge *bridges[CONFIG_MCUS];
    size_t count; /* that serve */
    struct event *goodbye;
    uint64_t leave_ms;
};

/* --- The end --- */

/* Leaves once every MCU was told, or the time for that is over. */
static void on_goodbye(evutil_socket_t fd, short what, void *ctx)
{
    struct program *program = ctx;
    bool told = true;

    (void)fd;
    (void)what;
    for (size_t i = 0; i < program->count; i++)
        told = bridge_say_goodbye(program->bridges[i]) && told;
    if (told || host_clock_ms() >= program->leave_ms)
        event_base_loopbreak(program->base);
    else
        timer_start(program->goodbye, GOODBYE_STEP_MS);
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    struct program *program = ctx;

    (void)what;
    log_info(NULL, "signal %d: ending", (int)number);
    program->leave_ms = host_clock_ms() + GOODBYE_LIMIT_MS;
    timer_start(program->goodbye, 0);
}

/* --- All of it --- */

static json_t *list_mcus(void *ctx)
{
    const struct program *program = ctx;
    json_t *list = json_array();

    for (size_t i = 0; i < program->count; i++)
        json_array_append_new(list, bridge_status(program->bridges[i]));
    return list;
}

/* False if one of them cannot be served. */
static bool start_mcus(struct program *program, const struct config *config)
{
    while (program->count < config->mcu_count) {
        struct bridge *bridge = bridge_new(program->base, &config->mcus[program->count]);

        if (bridge == NULL)
            return false;
        program->bridges[program->count++] = bridge;
    }
    return true;
}

static bool serve(struct program *program, const struct config *config)
{
    struct status *status = NULL;
    struct notify *notify;

    if (!start_mcus(program, config))
        return false;
    if (config->status_socket[0] != '\0') {
        status = status_new(program->base, config->status_socket, list_mcus, program);
        if (status == NULL)
            return false;
    }
    notify = notify_new(program->base);
    event_base_dispatch(program->base);
    notify_free(notify);
    status_free(status);
    return true;
}

static bool run(const struct config *config)
{
    struct program program = {.base = event_base_new()};
    struct event *on_term = evsignal_new(program.base, SIGTERM, on_signal, &program);
    struct event *on_int = evsignal_new(program.base, SIGINT, on_signal, &program);
    bool good;

    program.goodbye = evtimer_new(program.base, on_goodbye, &program);
    event_add(on_term, NULL);
    event_add(on_int, NULL);
    log_watch(status_note);
    good = serve(&program, config);
    for (size_t i = 0; i < program.count; i++)
        bridge_free(program.bridges[i]);
    event_free(program.goodbye);
    event_free(on_term);
    event_free(on_int);
    event_base_free(program.base);
    return good;
}

int main(int argc, char **argv)
{
    struct config config;
    int status = options_parse(&config, argc, argv);

    if (status >= 0) {
        config_free(&config);
        return status;
    }
    signal(SIGPIPE, SIG_IGN);
    srandom((unsigned)getpid() ^ (unsigned)time(NULL));
    status = run(&config) ? EXIT_SUCCESS : EXIT_FAILURE;
    config_free(&config);
    return status;
}
