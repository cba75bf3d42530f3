/* tandem-ncp: the network co-processor as a Linux daemon. */
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ncpd/bridge.h"
#include "ncpd/log.h"
#include "ncpd/token.h"

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    (void)what;
    log_info("signal %d: ending", (int)number);
    event_base_loopbreak(ctx);
}

static void run(const struct options *options, struct store *store)
{
    struct event_base *base = event_base_new();
    struct event *on_term = evsignal_new(base, SIGTERM, on_signal, base);
    struct event *on_int = evsignal_new(base, SIGINT, on_signal, base);
    struct bridge *bridge = bridge_new(base, options, store);

    event_add(on_term, NULL);
    event_add(on_int, NULL);
    event_base_dispatch(base);
    bridge_free(bridge);
    event_free(on_term);
    event_free(on_int);
    event_base_free(base);
}

int main(int argc, char **argv)
{
    struct options options;
    struct store store;
    char token[TOKEN_MAX + 1];
    int status = options_parse(&options, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (!token_read(token, options.token_file) || !store_open(&store, options.data_dir)) {
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    srandom((unsigned)getpid() ^ (unsigned)time(NULL));
    log_info("tandem-ncp " TANDEM_VERSION ": uart %s, cloud %s:%u", options.uart, options.cloud_host,
             options.cloud_port);
    run(&options, &store);
    store_close(&store);
    return EXIT_SUCCESS;
}
