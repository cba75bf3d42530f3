#include "ncpd/status.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ncpd/base/host.h"
#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"

enum { NOTES = 16, NOTE_BYTES = 240, SEND_LIMIT_S = 5, BACKLOG = 4 };

struct status {
    struct evconnlistener *listener;
    struct sockaddr_un address;
    status_mcus_fn *mcus;
    void *ctx;
    uint64_t started_ms;
};

/* The log's: one for the program, as the log is. */
static struct note {
    time_t at;
    char mcu[40];
    char text[NOTE_BYTES];
} notes[NOTES];
static unsigned noted; /* so far */

void status_note(const char *mcu, const char *text)
{
    struct note *note = &notes[noted++ % NOTES];

    note->at = time(NULL);
    snprintf(note->mcu, sizeof note->mcu, "%s", mcu != NULL ? mcu : "");
    snprintf(note->text, sizeof note->text, "%s", text);
}

/* Newest first. */
static json_t *list_notes(void)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < noted && i < NOTES; i++) {
        const struct note *note = &notes[(noted - 1 - i) % NOTES];
        json_t *text = json_string(note->text);

        json_array_append_new(list, json_pack("{s:I, s:s, s:o}", "at", (json_int_t)note->at, "mcu", note->mcu,
                                              "text", text != NULL ? text : json_string("?")));
    }
    return list;
}

static char *make_answer(const struct status *status)
{
    json_t *answer = json_pack("{s:s, s:i, s:I, s:o, s:o}", "version", TANDEM_VERSION, "pid", (int)getpid(),
                               "up_s", (json_int_t)((host_clock_ms() - status->started_ms) / 1000), "mcus",
                               status->mcus(status->ctx), "notes", list_notes());
    char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;

    json_decref(answer);
    return text;
}

static void on_event(struct bufferevent *peer, short what, void *ctx)
{
    (void)what;
    (void)ctx;
    bufferevent_free(peer);
}

static void on_sent(struct bufferevent *peer, void *ctx)
{
    (void)ctx;
    bufferevent_free(peer);
}

static void on_connect(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int length,
                       void *ctx)
{
    static const struct timeval limit = {SEND_LIMIT_S, 0};
    struct bufferevent *peer =
        bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    char *text = make_answer(ctx);

    (void)from;
    (void)length;
    if (peer == NULL || text == NULL) {
        evutil_closesocket(fd);
    } else {
        bufferevent_setcb(peer, NULL, on_sent, on_event, NULL);
        bufferevent_set_timeouts(peer, NULL, &limit);
        bufferevent_write(peer, text, strlen(text));
        bufferevent_write(peer, "\n", 1);
        bufferevent_enable(peer, EV_WRITE);
    }
    free(text);
}

/* One that nobody listens at is a leftover; one that answers is another program's. */
static bool clear_path(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool taken = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;

    close(fd);
    if (taken)
        errno = EADDRINUSE;
    return !taken && (unlink(address->sun_path) == 0 || errno == ENOENT);
}

struct status *status_new(struct event_base *base, const char *path, status_mcus_fn *mcus, void *ctx)
{
    struct status *status = memory_zeroed(sizeof *status);

    status->mcus = mcus;
    status->ctx = ctx;
    status->started_ms = host_clock_ms();
    status->address.sun_family = AF_UNIX;
    snprintf(status->address.sun_path, sizeof status->address.sun_path, "%s", path);
    if (clear_path(&status->address)) {
        mode_t mask = umask(0117);

        status->listener =
            evconnlistener_new_bind(base, on_connect, status, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                                    BACKLOG, (struct sockaddr *)&status->address, sizeof status->address);
        umask(mask);
    }
    if (status->listener == NULL) {
        log_error(NULL, "status socket %s: %s; give another StatusSocket, or end the program that has it",
                  path, strerror(errno));
        free(status);
        return NULL;
    }
    return status;
}

void status_free(struct status *status)
{
    if (status != NULL) {
        evconnlistener_free(status->listener);
        (void)unlink(status->address.sun_path);
        free(status);
    }
}
