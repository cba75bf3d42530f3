/* What the files of this port share. */
#ifndef TANDEM_MPS2_PORT_H
#define TANDEM_MPS2_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "ports/board.h"

/* flash.c: from now on only the flash driver writes to flash; a stray store is a fault. */
void port_flash_protect(void);

/* reset.c: finds out, once per reset, why the processor started. */
void port_reset_latch(void);

/* uart.c: ends what board_uart_open started, so that the next program finds the UART at rest. */
void port_uart_close(void);
void port_uart_log_open(void);

/* Interrupt and fault handlers, named by startup.c. */
void port_systick_handler(void);
void port_uart_rx_handler(void);
void port_uart_tx_handler(void);
void port_watchdog_handler(void);
void port_fault_handler(void);

#endif
