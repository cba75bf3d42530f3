/* Timers of the event loop, in milliseconds. */
#ifndef NCPD_TIMER_H
#define NCPD_TIMER_H

#include <stdint.h>

struct event;

/* Starts it, or starts it anew. */
void timer_start(struct event *timer, uint64_t ms);

#endif
