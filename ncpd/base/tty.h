/* A tty as a line of bytes at some rate. */
#ifndef NCPD_TTY_H
#define NCPD_TTY_H

#include <stdbool.h>
#include <stdint.h>

/* True for a rate that ttys of this system can be set to; not each of them does each of these. */
bool tty_knows_baud(uint32_t baud);

/* 8N1, raw, no flow control, at this rate, once all that was written is sent. False with errno set, to ERANGE
 * where the device does another rate instead. */
bool tty_set(int fd, uint32_t baud);

/* True if the device does this rate: it is set to it and back to now. Nothing may be on its way. */
bool tty_takes_baud(int fd, uint32_t baud, uint32_t now);

#endif
