/* tandem-ncp: the network co-processor as a Linux daemon. */
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ncpd/bridge.h"
#include "ncpd/log.h"
#include "ncpd/options.h"

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    (void)what;
    log_info(NULL, "signal %d: ending", (int)number);
    event_base_loopbreak(ctx);
}

/* False if one of them cannot be served. */
static bool start_all(struct event_base *base, const struct config *config,
                      struct bridge *bridges[CONFIG_MCUS])
{
    for (size_t i = 0; i < config->mcu_count; i++) {
        bridges[i] = bridge_new(base, &config->mcus[i]);
        if (bridges[i] == NULL) {
            return false;
        }
    }
    return true;
}

static bool run(const struct config *config)
{
    struct event_base *base = event_base_new();
    struct event *on_term = evsignal_new(base, SIGTERM, on_signal, base);
    struct event *on_int = evsignal_new(base, SIGINT, on_signal, base);
    struct bridge *bridges[CONFIG_MCUS] = {0};
    bool good;

    event_add(on_term, NULL);
    event_add(on_int, NULL);
    good = start_all(base, config, bridges);
    if (good) {
        event_base_dispatch(base);
    }
    for (size_t i = 0; i < config->mcu_count && bridges[i] != NULL; i++) {
        bridge_free(bridges[i]);
    }
    event_free(on_term);
    event_free(on_int);
    event_base_free(base);
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
