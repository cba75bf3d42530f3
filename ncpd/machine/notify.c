#include "ncpd/machine/notify.h"

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ncpd/base/memory.h"
#include "ncpd/base/timer.h"

struct notify {
    struct event *timer;
    uint64_t every_ms; /* 0: no watchdog */
};

/* NOTIFY_SOCKET is a path, or an abstract name with @ for its NUL. */
static void say(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = path != NULL ? strlen(path) : 0;
    int fd;

    if (length < 2 || length >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, length);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
        close(fd);
    }
}

/* WATCHDOG_USEC counts for the process of WATCHDOG_PID alone. */
static uint64_t watchdog_ms(void)
{
    const char *limit = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");

    if (limit == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    return strtoull(limit, NULL, 10) / 1000;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct notify *notify = ctx;

    (void)fd;
    (void)what;
    say("WATCHDOG=1");
    timer_start(notify->timer, notify->every_ms);
}

struct notify *notify_new(struct event_base *base)
{
    struct notify *notify = memory_zeroed(sizeof *notify);

    notify->timer = evtimer_new(base, on_timer, notify);
    notify->every_ms = watchdog_ms() / 2;
    if (notify->every_ms > 0)
        timer_start(notify->timer, 0);
    say("READY=1");
    return notify;
}

void notify_free(struct notify *notify)
{
    say("STOPPING=1");
    event_free(notify->timer);
    free(notify);
}
