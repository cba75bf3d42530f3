#include "ports/posix/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int refuse(const struct wire *wire, const char *what)
{
    fprintf(stderr, "tandem-device: UART socket '%s': %s\n", wire->path, what);
    return -1;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof *address) == 0;

    if (probe >= 0)
        close(probe);
    return connected;
}

/* Removes a socket that a device which was killed left behind, and nothing else. */
static int clear_path(const struct wire *wire, const struct sockaddr_un *address)
{
    struct stat status;

    if (lstat(wire->path, &status) != 0)
        return errno == ENOENT ? 0 : refuse(wire, strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return refuse(wire, "a file of that name exists and is not a socket; give another path");
    if (somebody_listens(address))
        return refuse(wire, "another program listens there; end it, or give another path");
    return unlink(wire->path) == 0 ? 0 : refuse(wire, strerror(errno));
}

static int listen_at_path(struct wire *wire)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(wire->path) >= sizeof address.sun_path)
        return refuse(wire, "the path is too long for a Unix socket (107 characters); give a shorter one");
    memcpy(address.sun_path, wire->path, strlen(wire->path) + 1);
    if (clear_path(wire, &address) != 0)
        return -1;
    wire->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (wire->listener < 0 || bind(wire->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(wire->listener, 1) != 0)
        return refuse(wire, errno == ENOENT ? "its folder does not exist; make it first" : strerror(errno));
    return 0;
}

int wire_open(struct wire *wire, const char *path)
{
    int ends[2];

    memset(wire, 0, sizeof *wire);
    wire->path = path;
    wire->client = -1;
    if (listen_at_path(wire) != 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return refuse(wire, strerror(errno));
    wire->board = ends[0];
    wire->processor = ends[1];
    return 0;
}

void wire_close(struct wire *wire)
{
    unlink(wire->path);
    close(wire->listener);
    close(wire->board);
    close(wire->processor);
    if (wire->client >= 0)
        close(wire->client);
}

static bool empty(const struct wire_buffer *buffer)
{
    return buffer->start == buffer->end;
}

static void clear(struct wire_buffer *buffer)
{
    buffer->start = buffer->end = 0;
}

/* Fills an empty buffer. False when the other side is gone. */
static bool fill(struct wire_buffer *buffer, int from)
{
    ssize_t got = recv(from, buffer->bytes, sizeof buffer->bytes, 0);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    buffer->start = 0;
    buffer->end = (size_t)got;
    return got > 0;
}

/* Sends what it can. False when the other side is gone. */
static bool flush(struct wire_buffer *buffer, int to)
{
    ssize_t sent = send(to, buffer->bytes + buffer->start, buffer->end - buffer->start, MSG_NOSIGNAL);

    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    buffer->start += (size_t)sent;
    return true;
}

static void disconnect(struct wire *wire)
{
    close(wire->client);
    wire->client = -1;
    clear(&wire->to_client);
}

void wire_poll_for(const struct wire *wire, struct pollfd polls[WIRE_POLLS])
{
    polls[0] = (struct pollfd){.fd = wire->board};
    if (empty(&wire->to_client))
        polls[0].events |= POLLIN;
    if (!empty(&wire->to_device))
        polls[0].events |= POLLOUT;

    polls[1] = (struct pollfd){.fd = wire->client >= 0 ? wire->client : wire->listener};
    if (wire->client < 0 || empty(&wire->to_device))
        polls[1].events |= POLLIN;
    if (!empty(&wire->to_client))
        polls[1].events |= POLLOUT;
}

static void serve_client(struct wire *wire, short events)
{
    bool there = true;

    if (events & POLLIN)
        there = fill(&wire->to_device, wire->client);
    else if (events & (POLLHUP | POLLERR))
        there = false;
    if (there && (events & POLLOUT))
        there = flush(&wire->to_client, wire->client);
    if (!there)
        disconnect(wire);
}

/* The device's end is never closed while the board lives, so there is nothing to learn from a failure. */
static void serve_device(struct wire *wire, short events)
{
    if (events & POLLIN)
        (void)fill(&wire->to_client, wire->board);
    if (events & POLLOUT)
        (void)flush(&wire->to_device, wire->board);
    if (wire->client < 0)
        clear(&wire->to_client);
}

void wire_serve(struct wire *wire, const struct pollfd polls[WIRE_POLLS])
{
    if (wire->client >= 0)
        serve_client(wire, polls[1].revents);
    else if (polls[1].revents & POLLIN)
        wire->client = accept4(wire->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    serve_device(wire, polls[0].revents);
}

void wire_reset(struct wire *wire)
{
    unsigned char lost[WIRE_BUFFER_BYTES];

    clear(&wire->to_device);
    while (recv(wire->processor, lost, sizeof lost, 0) > 0)
        ;
}
