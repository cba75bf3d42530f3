/* The part's only UART is the wire to the co-processor. Bytes come in by interrupt; they go out by polling,
 * from board_uart_write, board_uart_drained and board_idle, which the caller's loop runs through anyway.
 *
 * A full receive ring switches the receive interrupt off and leaves the byte in the UART: QEMU then holds the
 * rest back, and nothing is lost; silicon loses what comes after six bytes, and the frame's CRC tells. */
#include "ports/board.h"

#define RING_BYTES 1024u
#include "ports/cortex_m/ring.h"
#include "ports/nrf51/port.h"
#include "ports/nrf51/registers.h"

#define DRAIN_LIMIT_MS 1000u /* a full ring at 38400 takes 270 */

/* Pins of the BBC micro:bit's USB serial; a product names its own. */
#define PIN_TX 24u
#define PIN_RX 25u

static struct ring received, to_send;
static bool tx_busy; /* a byte is in the shift register: tx_ready will tell its end */

/* With the UART's interrupt off, or in it. The event is cleared before the byte is read: the read sets it
 * again if there is more, and an event cleared after that would never come back. */
static void receive(void)
{
    while (UART->rx_ready != 0 && !ring_full(&received)) {
        UART->rx_ready = 0;
        ring_put(&received, (uint8_t)UART->rx);
    }
    if (ring_full(&received))
        UART->interrupt_clear = UART_RX_INTERRUPT;
    else
        UART->interrupt_set = UART_RX_INTERRUPT;
}

void port_uart_handler(void)
{
    receive();
}

static void send(void)
{
    if (tx_busy && UART->tx_ready != 0)
        tx_busy = false;
    while (!tx_busy && !ring_empty(&to_send)) {
        UART->tx_ready = 0;
        UART->tx = ring_take(&to_send);
        tx_busy = UART->tx_ready == 0;
    }
}

bool board_uart_drained(void)
{
    send();
    return !tx_busy && ring_empty(&to_send);
}

static void drain(void)
{
    uint32_t start = board_now_ms();

    while (!board_uart_drained() && board_now_ms() - start < DRAIN_LIMIT_MS)
        ;
}

/* The register takes rate * 2^32 / 16 MHz with its low 12 bits zero; 2^32 / 16 MHz is 2^22 / 15625. */
static uint32_t rate_setting(uint32_t baud)
{
    return (baud * 1024u + 15625u / 2u) / 15625u << 12;
}

void board_uart_open(uint32_t baud)
{
    if (UART->enable == UART_ENABLED)
        drain();
    GPIO_OUTPUT_SET = 1u << PIN_TX; /* idle is high, also while the UART is off */
    GPIO_DIRECTION_SET = 1u << PIN_TX;
    UART->enable = UART_ENABLED;
    UART->pin_rts = UART_PIN_NONE;
    UART->pin_cts = UART_PIN_NONE;
    UART->pin_tx = PIN_TX;
    UART->pin_rx = PIN_RX;
    UART->config = 0; /* no parity, no flow control */
    UART->rate = rate_setting(baud);
    UART->start_tx = 1;
    UART->start_rx = 1;
    UART->interrupt_set = UART_RX_INTERRUPT;
    NVIC_ENABLE_SET = 1u << IRQ_UART;
}

void port_uart_close(void)
{
    NVIC_ENABLE_CLEAR = 1u << IRQ_UART;
    UART->interrupt_clear = UART_RX_INTERRUPT;
    UART->stop_rx = 1;
    UART->stop_tx = 1;
    UART->enable = 0;
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

    while (taken < count && !ring_full(&to_send))
        ring_put(&to_send, from[taken++]);
    send();
    return taken;
}

bool board_receives_while_writing(void)
{
    return false; /* the processor stands still while its flash is written, and the ring is too small */
}
