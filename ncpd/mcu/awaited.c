#include "ncpd/mcu/awaited.h"

#include <event2/event.h>
#include <stdlib.h>

#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/base/timer.h"

enum { PATIENCE_S = 10 }; /* an MCU that starts verifies its image first, which takes up to 3 s */

struct awaited {
    const struct mcu_config *mcu;
    const struct tdm_ncp *ncp;
    struct event *timer;
    struct tdm_ncp_counters before; /* at the start of the wait */
};

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    const struct awaited *awaited = ctx;
    const char *name = awaited->mcu->name;
    struct tdm_ncp_counters now;

    (void)fd;
    (void)what;
    tdm_ncp_counters(awaited->ncp, &now);
    if (now.frames_in != awaited->before.frames_in)
        log_warning(name,
                    "the MCU sends frames, and has not called initialize for %d s; it does so when its "
                    "firmware starts: restart it, or look at its log",
                    PATIENCE_S);
    else if (now.bytes_in != awaited->before.bytes_in)
        log_warning(name,
                    "%u bytes came from the MCU in %d s, and no whole frame; does it start at %u baud, "
                    "8N1? If not, give its rate as InitialBaud",
                    (unsigned)(now.bytes_in - awaited->before.bytes_in), PATIENCE_S,
                    (unsigned)awaited->mcu->uart_baud);
    else
        log_warning(name,
                    "nothing came from the MCU in %d s; has it power, does its firmware run, are RX and TX "
                    "crossed, and is this its UART? It is waited for",
                    PATIENCE_S);
}

struct awaited *awaited_new(struct event_base *base, const struct mcu_config *mcu, const struct tdm_ncp *ncp)
{
    struct awaited *awaited = memory_zeroed(sizeof *awaited);

    awaited->mcu = mcu;
    awaited->ncp = ncp;
    awaited->timer = evtimer_new(base, on_timer, awaited);
    return awaited;
}

void awaited_free(struct awaited *awaited)
{
    event_free(awaited->timer);
    free(awaited);
}

void awaited_start(struct awaited *awaited)
{
    tdm_ncp_counters(awaited->ncp, &awaited->before);
    timer_start(awaited->timer, PATIENCE_S * 1000);
}

void awaited_stop(struct awaited *awaited)
{
    evtimer_del(awaited->timer);
}
