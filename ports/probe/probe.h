/* The probe of a port; probe.c says what it answers. */
#ifndef TANDEM_PROBE_H
#define TANDEM_PROBE_H

/* Never returns. */
void probe_run(void) __attribute__((noreturn));

#endif
