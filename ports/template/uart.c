/* The wire to the co-processor: nothing comes in and nothing goes out until it is filled in.
 * ports/mps2/uart.c shows both directions by interrupt, ports/nrf51/uart.c sending by polling; the ring
 * between an interrupt and the program is ports/cortex_m/ring.h. */
#include "ports/board.h"

#include "port.h"

/* Owed: 8N1 at this rate, no flow control, receiving at once. Called again to change the rate: what was
 * written goes out at the old one first (with a limit), and what was received stays. Off by less than 2 %. */
void board_uart_open(uint32_t baud)
{
    (void)baud;
}

/* Owed: interrupts of the UART off, pending ones cleared. */
void port_uart_close(void)
{
}

/* Owed: what has been received, without waiting. Room for what arrives while the caller is busy: a chunk
 * takes its time in flash, and the co-processor sends nothing while it waits for the answer, so 512 bytes do.
 * A byte that finds no room is dropped, never written past the end. */
size_t board_uart_read(uint8_t *to, size_t capacity)
{
    (void)to;
    (void)capacity;
    return 0;
}

/* Owed: takes what it has room for, without waiting, and sends it in this order. */
size_t board_uart_write(const uint8_t *from, size_t count)
{
    (void)from;
    (void)count;
    return 0;
}

/* Owed: true once the last stop bit is out, or at most a byte before. */
bool board_uart_drained(void)
{
    return true;
}

/* Owed: true where reception goes on by itself (DMA, or an interrupt that runs from RAM) and
 * the driver holds 2 KiB. */
bool board_receives_while_writing(void)
{
    return false;
}
