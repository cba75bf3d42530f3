/* What the files of this port share. */
#ifndef TANDEM_NRF51_PORT_H
#define TANDEM_NRF51_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "ports/board.h"

typedef void port_vector(void);

/* A value counts only if its complement stands beside it. */
struct port_guarded {
    uint32_t value;
    uint32_t complement;
};

/* The first bytes of RAM. No start-up code touches them, and bootloader and every application, however old,
 * agree on them: this layout never changes. */
struct port_shared {
    const port_vector *const *vectors; /* of the program that runs; vectors.c */
    struct port_guarded announced;     /* cause of the next reset; reset.c */
    struct port_guarded cause;         /* of the last one */
    struct port_guarded boots;         /* starts since the power came */
};
extern volatile struct port_shared port_shared;

/* flash.c: write-protects the bootloader and its keys until the next reset. */
void port_flash_protect(void);

/* reset.c: finds out, once per reset, why the processor started. */
void port_reset_latch(void);

/* uart.c: ends what board_uart_open started, so that the next program finds the UART at rest. */
void port_uart_close(void);

/* Interrupt and fault handlers, named by startup.c. */
void port_tick_handler(void);
void port_uart_handler(void);
void port_fault_handler(void);

#endif
