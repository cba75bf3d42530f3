/* What a user means by pressing a button: edges and time in, events out (docs/PROTOCOL.md, section 3). No
 * I/O.
 *
 *     up --press--> down --release--> clicked --400 ms--> CLICK
 *                    |                   '--press, release--> DOUBLE_CLICK
 *                    '--1 s--> LONG_PRESS --release--> LONG_RELEASE
 *                                 '--5 s--> RESET_START --release--> RESET_CANCEL
 *                                              '--10 s--> RESET_DONE */
#ifndef NCPD_BUTTON_H
#define NCPD_BUTTON_H

#include <stdbool.h>
#include <stdint.h>

#include "tandem/rpc.h"

enum { BUTTON_DOUBLE_MS = 400, BUTTON_LONG_MS = 1000, BUTTON_RESET_MS = 5000, BUTTON_DONE_MS = 10000 };

struct button {
    uint8_t state;
    uint32_t since_ms; /* of the press, or of the click */
};

#define BUTTON_NOTHING 0

/* The button went down or up, or stayed. Returns an enum tdm_event, BUTTON_NOTHING if there is none. */
uint8_t button_edge(struct button *button, bool down, uint32_t now_ms);
uint8_t button_tick(struct button *button, uint32_t now_ms);

/* Milliseconds until the next tick is needed, UINT32_MAX if none is. */
uint32_t button_wait(const struct button *button, uint32_t now_ms);

#endif
