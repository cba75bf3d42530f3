/* UART0 is the wire to the co-processor: interrupts and a ring for each direction. UART1 is the log: polled.
 *
 * A full receive ring switches the receive interrupt off and leaves the byte in the UART: QEMU then holds the
 * rest back, and nothing is lost; silicon loses what comes next, and the frame's CRC tells. */
#include "ports/board.h"

#define RING_BYTES 4096u
#include "ports/cortex_m/ring.h"
#include "ports/mps2/port.h"
#include "ports/mps2/registers.h"

#define LOG_BAUD       115200u
#define DRAIN_LIMIT_MS 2000u /* a full ring at 38400 takes 1070 */

static struct ring received, to_send;

/* With the UART's interrupts off, or in them. */
static void receive(void)
{
    while ((UART0->state & UART_STATE_RX_FULL) && !ring_full(&received))
        ring_put(&received, (uint8_t)UART0->data);
    if (ring_full(&received))
        UART0->control &= ~UART_RX_INTERRUPT;
    else
        UART0->control |= UART_RX_INTERRUPT;
}

static void send(void)
{
    while (!(UART0->state & UART_STATE_TX_FULL) && !ring_empty(&to_send))
        UART0->data = ring_take(&to_send);
}

void port_uart_rx_handler(void)
{
    UART0->interrupt = UART_RX_INTERRUPT >> 2;
    UART0->state = UART_STATE_RX_OVERRUN;
    receive();
}

void port_uart_tx_handler(void)
{
    UART0->interrupt = UART_TX_INTERRUPT >> 2;
    send();
}

/* The UART does not tell when the last bit left its shift register; whoever changes the rate waits a byte
 * longer. */
bool board_uart_drained(void)
{
    return ring_empty(&to_send) && !(UART0->state & UART_STATE_TX_FULL);
}

static void drain(void)
{
    uint32_t start = board_now_ms();

    while (!board_uart_drained() && board_now_ms() - start < DRAIN_LIMIT_MS)
        ;
}

void board_uart_open(uint32_t baud)
{
    if (UART0->control & UART_TX_ENABLE)
        drain();
    UART0->divisor = (SYSTEM_CLOCK_HZ + baud / 2) / baud;
    UART0->interrupt = UART_INTERRUPTS_ALL;
    UART0->control = UART_TX_ENABLE | UART_RX_ENABLE | UART_TX_INTERRUPT | UART_RX_INTERRUPT;
    NVIC_ENABLE_SET = 1u << IRQ_UART0_RX | 1u << IRQ_UART0_TX;
}

void port_uart_close(void)
{
    NVIC_ENABLE_CLEAR = 1u << IRQ_UART0_RX | 1u << IRQ_UART0_TX;
    UART0->control = 0;
    UART0->interrupt = UART_INTERRUPTS_ALL;
}

size_t board_uart_read(uint8_t *to, size_t capacity)
{
    size_t count = 0;
    uint32_t mask;

    while (count < capacity && !ring_empty(&received))
        to[count++] = ring_take(&received);
    mask = interrupts_save();
    receive();
    interrupts_restore(mask);
    return count;
}

size_t board_uart_write(const uint8_t *from, size_t count)
{
    size_t taken = 0;
    uint32_t mask;

    while (taken < count && !ring_full(&to_send))
        ring_put(&to_send, from[taken++]);
    mask = interrupts_save();
    send();
    interrupts_restore(mask);
    return taken;
}

void port_uart_log_open(void)
{
    UART1->divisor = SYSTEM_CLOCK_HZ / LOG_BAUD;
    UART1->control = UART_TX_ENABLE;
}

static void log_byte(char byte)
{
    while (UART1->state & UART_STATE_TX_FULL)
        ;
    UART1->data = (uint8_t)byte;
}

void board_log(const char *line)
{
    while (*line != '\0')
        log_byte(*line++);
    log_byte('\n');
}

bool board_receives_while_writing(void)
{
    return true; /* by interrupt, into a ring of 4 KiB: the flash is memory that stops nobody */
}
