/* The line to the primary MCU: a tty, or a UNIX socket that stands for one.
 *
 * It is opened, and opened again when it goes away, for as long as the program runs. Where a pattern is
 * given, the first device of it that opens is taken. A name that is given to another device meanwhile is
 * followed once the one that is open was silent for half a minute. */
#ifndef NCPD_SERIAL_H
#define NCPD_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ncpd/config/config.h"

struct event_base;
struct serial;

struct serial_handler {
    /* Bytes came. */
    void (*receive)(void *ctx, const uint8_t *bytes, size_t count);
    /* The line takes bytes: writes up to capacity of them to `to`, returns how many. Not called while a
     * change of the rate is under way. */
    size_t (*pull)(void *ctx, uint8_t *to, size_t capacity);
    /* The line was opened (again). */
    void (*opened)(void *ctx);
    void *ctx;
};

/* Starts opening the MCU's line. mcu stays the caller's. Never NULL. */
struct serial *serial_new(struct event_base *base, const struct mcu_config *mcu,
                          const struct serial_handler *handler);
void serial_free(struct serial *serial);

/* There may be something to pull. */
void serial_kick(struct serial *serial);

/* Changes the rate once everything that was pulled is on the wire. */
void serial_set_baud(struct serial *serial, uint32_t baud);

/* The device that is open, all links followed, NULL while none is. */
const char *serial_device(const struct serial *serial);

/* Why none is, and what to do; "" while one is, and before the first try. */
const char *serial_error(const struct serial *serial);

/* True if everything that was pulled was given to the kernel. */
bool serial_idle(const struct serial *serial);

/* True if the line can be set to this rate, which it stays not. */
bool serial_takes_baud(struct serial *serial, uint32_t baud);

#endif
