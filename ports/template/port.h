/* What the files of this port share. */
#ifndef TANDEM_TEMPLATE_PORT_H
#define TANDEM_TEMPLATE_PORT_H

#include "ports/board.h"

/* reset.c: finds out, once per reset, why the processor started. */
void port_reset_latch(void);

/* uart.c: leaves the UART at rest for the program that comes next. */
void port_uart_close(void);

/* Interrupt and fault handlers, named by startup.c. */
void port_tick_handler(void);
void port_fault_handler(void);

#endif
