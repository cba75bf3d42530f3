/* A device as a Linux process: a supervisor, which is the board's hardware, and below it one child process
 * per power cycle, which is the processor. What the two share is here. */
#ifndef TANDEM_POSIX_DEVICE_H
#define TANDEM_POSIX_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ports/board.h"

/* The processor's exit status for board_reset(cause) is this plus cause. */
#define DEVICE_EXIT_RESET 64

/* The watchdog, in memory that supervisor and processor share. */
struct device_watchdog {
    _Atomic uint32_t period_ms; /* 0: not started */
    _Atomic uint64_t fed_ms;    /* device_clock_ms() of the last feeding */
};

struct device {
    int flash; /* the flash file */
    int uart;  /* the processor's end of the UART, a stream socket that does not block */
    int log;
    bool one_bank;              /* the layout has no bank B */
    enum tdm_reset_cause cause; /* of the power cycle that runs */
    uint32_t boots;             /* starts since the last power loss */
    struct device_watchdog *watchdog;
};

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t device_clock_ms(void);

/* Writes "text\n" to the log in one piece. */
void device_log(const struct device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Called in each new processor, before its program. */
void device_attach(const struct device *device);
/* What was attached. */
const struct device *device_attached(void);

/* The whole tool: options, supervisor, and program as what the processor runs from reset. Returns the exit
 * status. */
int device_main(int argc, char **argv, void (*program)(void));

#endif
