/* What the service manager is told, by the datagrams of sd_notify: ready, alive, stopping. Without a manager,
 * nothing. */
#ifndef NCPD_NOTIFY_H
#define NCPD_NOTIFY_H

struct event_base;
struct notify;

/* Says READY, and from then on WATCHDOG at half of the manager's limit, from the loop: a loop that hangs is
 * noticed. Never NULL. */
struct notify *notify_new(struct event_base *base);

/* Says STOPPING. */
void notify_free(struct notify *notify);

#endif
