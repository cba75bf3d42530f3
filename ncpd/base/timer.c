#include "ncpd/base/timer.h"

#include <event2/event.h>

void timer_start(struct event *timer, uint64_t ms)
{
    struct timeval delay = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

    evtimer_add(timer, &delay);
}
