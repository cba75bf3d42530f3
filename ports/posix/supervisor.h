/* The board around the processor: power, reset, watchdog, and the UART's wire. */
#ifndef TANDEM_POSIX_SUPERVISOR_H
#define TANDEM_POSIX_SUPERVISOR_H

#include "ports/posix/device.h"
#include "ports/posix/wire.h"

/* Runs until SIGTERM, SIGINT or SIGHUP and returns the exit status. */
int supervisor_run(struct device *device, struct wire *wire, void (*program)(void));

#endif
