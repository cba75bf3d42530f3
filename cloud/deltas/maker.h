/* The maker: has forms made that devices wait for, one at a time, each in a process of its own (worker.h). It
 * lives on the loop and never blocks it: the desk says what is wanted, the porter fetches files and keeps the
 * new one, a process makes it.
 *
 *     IDLE --wanted--> ASKING --taken--> FETCHING --> WORKING --> KEEPING --> ENTERING --> IDLE
 *      ^                 | nothing           |           |           |           ^
 *      '-----------------'                   '-----------'-----------'--failed---'
 */
#ifndef TANDEM_CLOUD_MAKER_H
#define TANDEM_CLOUD_MAKER_H

#include <event2/event.h>

#include "cloud/deltas/worker.h"
#include "cloud/files/porter.h"
#include "cloud/fleet/desk.h"

struct maker_settings {
    const char *firmware_folder;
    const char *folder; /* of forms */
    int64_t memory_mib;
    int64_t seconds; /* of CPU; on the clock three times as many */
};

/* Since the start. */
struct maker_figures {
    uint64_t made[WORKER_RESULTS_COUNT];
    int64_t took_ms;
};

struct maker;

/* At start: the folder for forms, without what a server that ended left there. False, and errno. */
bool maker_open_folder(const char *folder);

/* porter may be NULL. fleet is touched on the desk only; its forms.wanted is looked at here. */
struct maker *maker_start(struct event_base *base, struct desk *desk, struct fleet *fleet,
                          struct porter *porter, const struct maker_settings *settings);
const struct maker_figures *maker_figures(const struct maker *maker);
/* Ends what is being made; another server, or the next start, takes it. Before desk_stop and porter_stop. */
void maker_stop(struct maker *maker);
/* After them. */
void maker_free(struct maker *maker);

#endif
