/* The UART's wire: between the device, a socket that lives as long as the board, and whoever is connected to
 * a listening Unix socket. As with a real wire, what the device sends while nobody is connected is lost, and
 * a client may come and go at any time; one is served at a time, others wait. */
#ifndef TANDEM_POSIX_WIRE_H
#define TANDEM_POSIX_WIRE_H

#include <poll.h>
#include <stddef.h>

#define WIRE_BUFFER_BYTES 4096
#define WIRE_POLLS        2

/* Bytes on their way in one direction. */
struct wire_buffer {
    unsigned char bytes[WIRE_BUFFER_BYTES];
    size_t start, end;
};

struct wire {
    const char *path;
    int listener;
    int client;    /* -1: nobody is connected */
    int board;     /* our end of the device's socket */
    int processor; /* the device's end */
    struct wire_buffer to_device, to_client;
};

/* Listens at path. 0, or -1 after it said why on standard error. */
int wire_open(struct wire *wire, const char *path);
void wire_close(struct wire *wire);

/* What to poll for, and what to do with what poll found. Never blocks. */
void wire_poll_for(const struct wire *wire, struct pollfd polls[WIRE_POLLS]);
void wire_serve(struct wire *wire, const struct pollfd polls[WIRE_POLLS]);

/* The processor was reset: what was on its way to it is gone. */
void wire_reset(struct wire *wire);

#endif
