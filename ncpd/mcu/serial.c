/* States of a line:
 *
 *     closed --open--> open --end of file, error--> closed --250 ms--> open ...
 *
 * While open, a change of the rate waits until the kernel's queue is empty; nothing is pulled meanwhile. */
#include "ncpd/mcu/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <event2/event.h>

#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/base/tty.h"

enum {
    BUFFER_BYTES = 4096,
    REOPEN_MS = 250,
    DRAIN_MS = 1,
    DRAINS_MAX = 3000, /* some 3 s: a line that takes longer is dead */
    STUCK_S = 10,      /* without room for a byte */
    QUIET_S = 30       /* without a byte; an MCU that lives was pinged before */
};

struct serial {
    struct event_base *base;
    struct serial_handler handler;
    const struct mcu_config *mcu;
    char name[CONFIG_TEXT];   /* of a pattern, the one that was found */
    char device[CONFIG_TEXT]; /* that is open: what the name led to */
    int error;                /* why it is closed; said once, not every second */
    int fd;                   /* -1 while closed */
    uint32_t baud;
    bool switching; /* to baud, once the queue is empty */
    int drains;     /* times that it was looked at for that */
    struct event *read_event;
    struct event *write_event;
    struct event *timer; /* to reopen, or to look at the queue again */
    uint8_t out[BUFFER_BYTES];
    size_t out_length;
    size_t out_sent;
};

static void wait_ms(struct serial *serial, long ms)
{
    struct timeval delay = {ms / 1000, ms % 1000 * 1000};

    evtimer_add(serial->timer, &delay);
}

/* --- Opening and closing --- */

/* -1 with errno set. */
static int open_device(const struct serial *serial, const char *path)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !tty_set(fd, serial->baud)) {
        int error = errno == EWOULDBLOCK ? EBUSY : errno;

        close(fd);
        errno = error;
        return -1;
    }
    tcflush(fd, TCIOFLUSH);
    return fd;
}

/* Names are links that udev sets: which device is open stands in the log and in the status. */
static void remember_device(struct serial *serial)
{
    char *device = realpath(serial->name, NULL);

    snprintf(serial->device, sizeof serial->device, "%s", device != NULL ? device : serial->name);
    free(device);
}

/* The first device of the pattern that opens: an adapter may come back under another name. */
static int open_tty(struct serial *serial)
{
    glob_t found;
    int fd = -1;
    int error = ENOENT;

    if (glob(serial->mcu->uart, 0, NULL, &found) != 0) {
        errno = ENOENT;
        return -1;
    }
    for (size_t i = 0; i < found.gl_pathc && fd < 0; i++) {
        fd = open_device(serial, found.gl_pathv[i]);
        error = fd < 0 ? errno : error;
        snprintf(serial->name, sizeof serial->name, "%s", found.gl_pathv[i]);
    }
    remember_device(serial);
    globfree(&found);
    errno = error;
    return fd;
}

static int open_socket(struct serial *serial)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(serial->mcu->uart) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, serial->mcu->uart, strlen(serial->mcu->uart) + 1);
    snprintf(serial->name, sizeof serial->name, "%s", serial->mcu->uart);
    remember_device(serial);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* What happened, and what to do. */
static const char *error_text(int error)
{
    switch (error) {
    case ENOTTY:
    case EISDIR:
        return "is no serial line; name one as Uart";
    case EPERM: /* of the service's device policy, not of the file's mode */
        return "this service may not open such a device; add a DeviceAllow= to its unit";
    case EACCES:
        return "Permission denied; give it to this user (a rule of udev, or the group dialout)";
    case ERANGE:
        return "does not do the rate that it was set to; name another one as InitialBaud";
    case EBUSY:
        return "another program has it; end that one";
    default:
        return strerror(error);
    }
}

static void close_line(struct serial *serial, const char *why)
{
    log_warning(serial->mcu->name, "uart %s: %s; opening it again", serial->name, why);
    event_free(serial->read_event);
    event_free(serial->write_event);
    close(serial->fd);
    serial->fd = -1;
    serial->switching = false;
    wait_ms(serial, REOPEN_MS);
}

/* --- Sending --- */

/* False if the line was lost. */
static bool send_out(struct serial *serial)
{
    static const struct timeval stuck = {STUCK_S, 0};

    while (serial->out_sent < serial->out_length) {
        ssize_t count =
            write(serial->fd, serial->out + serial->out_sent, serial->out_length - serial->out_sent);

        if (count > 0) {
            serial->out_sent += (size_t)count;
        } else if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            event_add(serial->write_event, &stuck);
            return true;
        } else {
            close_line(serial, strerror(errno));
            return false;
        }
    }
    serial->out_length = serial->out_sent = 0;
    return true;
}

/* True once the rate is changed, or does not need to be. */
static bool finish_switch(struct serial *serial)
{
    int queued = 0;

    if (!serial->switching)
        return true;
    if (!serial->mcu->uart_is_socket && ioctl(serial->fd, TIOCOUTQ, &queued) == 0 && queued > 0 &&
        serial->drains++ < DRAINS_MAX) {
        wait_ms(serial, DRAIN_MS);
        return false;
    }
    if (serial->drains > DRAINS_MAX) {
        log_warning(serial->mcu->name, "uart %s: does not send what it was given; dropping it", serial->name);
        tcflush(serial->fd, TCOFLUSH);
    }
    serial->switching = false;
    if (!serial->mcu->uart_is_socket && !tty_set(serial->fd, serial->baud)) {
        close_line(serial, error_text(errno));
        return false;
    }
    log_debug(serial->mcu->name, "uart %s: %u baud", serial->name, serial->baud);
    return true;
}

void serial_kick(struct serial *serial)
{
    while (serial->fd >= 0 && serial->out_length == 0 && finish_switch(serial)) {
        serial->out_length = serial->handler.pull(serial->handler.ctx, serial->out, sizeof serial->out);
        if ((serial->out_length == 0 && !serial->switching) || !send_out(serial))
            return;
    }
}

void serial_set_baud(struct serial *serial, uint32_t baud)
{
    serial->switching = serial->fd >= 0 && (baud != serial->baud || serial->switching);
    serial->baud = baud;
    serial->drains = 0;
}

/* Bytes that are on their way would be sent at the rate that is tried: then the system's word has to do. */
bool serial_takes_baud(struct serial *serial, uint32_t baud)
{
    int queued = 0;

    if (serial->fd < 0 || serial->mcu->uart_is_socket || serial->out_length > 0 || baud == serial->baud ||
        ioctl(serial->fd, TIOCOUTQ, &queued) != 0 || queued > 0)
        return tty_knows_baud(baud);
    return tty_takes_baud(serial->fd, baud, serial->baud);
}

/* --- Events --- */

/* False if the name leads to another device now: udev's rules were changed, or the adapter's name given to
 * another. */
static bool still_leads_here(const struct serial *serial)
{
    struct stat named;
    struct stat opened;

    return serial->mcu->uart_is_socket || stat(serial->name, &named) != 0 ||
           fstat(serial->fd, &opened) != 0 || named.st_rdev == opened.st_rdev;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct serial *serial = ctx;
    uint8_t bytes[BUFFER_BYTES];
    ssize_t count;

    if (what & EV_TIMEOUT) {
        if (!still_leads_here(serial))
            close_line(serial, "leads to another device now");
        return;
    }
    count = read(fd, bytes, sizeof bytes);
    if (count > 0)
        serial->handler.receive(serial->handler.ctx, bytes, (size_t)count);
    else if (count == 0)
        close_line(serial, "the other side is gone");
    else if (errno != EAGAIN && errno != EINTR)
        close_line(serial, strerror(errno));
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct serial *serial = ctx;

    (void)fd;
    if (what & EV_TIMEOUT)
        close_line(serial, "takes no byte any more");
    else if (send_out(serial))
        serial_kick(serial);
}

static void missing(struct serial *serial, int error)
{
    if (serial->error != error)
        log_warning(serial->mcu->name, "uart %s: %s; trying again until it opens", serial->mcu->uart,
                    error_text(error));
    serial->error = error;
    wait_ms(serial, REOPEN_MS);
}

static void opened(struct serial *serial)
{
    static const struct timeval quiet = {QUIET_S, 0};
    bool led = strcmp(serial->name, serial->device) != 0;

    log_info(serial->mcu->name, "uart %s: open%s%s%s", serial->name, led ? " (" : "",
             led ? serial->device : "", led ? ")" : "");
    serial->error = 0;
    serial->out_length = serial->out_sent = 0;
    serial->read_event = event_new(serial->base, serial->fd, EV_READ | EV_PERSIST, on_readable, serial);
    serial->write_event = event_new(serial->base, serial->fd, EV_WRITE, on_writable, serial);
    event_add(serial->read_event, &quiet);
    serial->handler.opened(serial->handler.ctx);
}

static void try_open(struct serial *serial)
{
    serial->fd = serial->mcu->uart_is_socket ? open_socket(serial) : open_tty(serial);
    if (serial->fd < 0)
        missing(serial, errno);
    else
        opened(serial);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct serial *serial = ctx;

    (void)fd;
    (void)what;
    if (serial->fd < 0)
        try_open(serial);
    else
        serial_kick(serial);
}

struct serial *serial_new(struct event_base *base, const struct mcu_config *mcu,
                          const struct serial_handler *handler)
{
    struct serial *serial = memory_zeroed(sizeof *serial);

    serial->base = base;
    serial->handler = *handler;
    serial->mcu = mcu;
    serial->baud = mcu->uart_baud;
    serial->fd = -1;
    serial->timer = evtimer_new(base, on_timer, serial);
    wait_ms(serial, 0);
    return serial;
}

const char *serial_error(const struct serial *serial)
{
    return serial->fd < 0 && serial->error != 0 ? error_text(serial->error) : "";
}

bool serial_idle(const struct serial *serial)
{
    return serial->out_length == 0;
}

const char *serial_device(const struct serial *serial)
{
    return serial->fd >= 0 ? serial->device : NULL;
}

void serial_free(struct serial *serial)
{
    if (serial->fd >= 0) {
        event_free(serial->read_event);
        event_free(serial->write_event);
        close(serial->fd);
    }
    event_free(serial->timer);
    free(serial);
}
