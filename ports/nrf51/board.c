/* Clock, time, and the step from the bootloader into an image.
 *
 * TIMER0 counts microseconds and is read by capture; TIMER1 only wakes the processor once per millisecond. A
 * compare value that is set ahead of a running counter could be missed, and the next one is 71 minutes later.
 */
#include "ports/board.h"

#include "ports/nrf51/port.h"
#include "ports/nrf51/registers.h"

#define CRYSTAL_LIMIT 100000u /* polls; a crystal needs under a millisecond */

/* What TIMER0 showed when now_ms became true. */
static uint32_t counted_us, now_ms;

static void start_clock(void)
{
    uint32_t polls = CRYSTAL_LIMIT;

    CLOCK_HFCLK_STARTED = 0;
    CLOCK_HFCLK_START = 1;
    /* Without the crystal the RC oscillator goes on: good enough for all but the UART's higher rates. */
    while (CLOCK_HFCLK_STARTED == 0 && polls > 0)
        polls--;
}

static void start_timer(struct nrf51_timer *timer, uint32_t bits)
{
    timer->stop = 1;
    timer->clear = 1;
    timer->mode = 0;
    timer->bits = bits;
    timer->prescaler = TIMER_1_MHZ;
}

static void start_tick(void)
{
    start_timer(TIMER1, TIMER_BITS_16);
    TIMER1->compare[0] = 1000;
    TIMER1->compared[0] = 0;
    TIMER1->shorts = TIMER_CLEAR_ON_COMPARE_0;
    TIMER1->interrupt_set = TIMER_INTERRUPT_0;
    NVIC_ENABLE_SET = 1u << IRQ_TIMER1;
    TIMER1->start = 1;
}

void board_init(void)
{
    start_clock();
    start_timer(TIMER0, TIMER_BITS_32);
    TIMER0->start = 1;
    start_tick();
    port_flash_protect();
    port_reset_latch();
}

uint32_t board_now_ms(void)
{
    uint32_t mask = interrupts_save();
    uint32_t elapsed_ms, now;

    TIMER0->capture[1] = 1;
    elapsed_ms = (TIMER0->compare[1] - counted_us) / 1000u;
    counted_us += elapsed_ms * 1000u;
    now_ms += elapsed_ms;
    now = now_ms;
    interrupts_restore(mask);
    return now;
}

/* Reads the time, so that no overflow of TIMER0 passes unseen. */
void port_tick_handler(void)
{
    TIMER1->compared[0] = 0;
    (void)board_now_ms();
}

void board_idle(void)
{
    if (board_uart_drained()) /* else polling is what moves the bytes */
        __asm__ volatile("wfi" ::: "memory");
}

void board_jump(uint32_t vector_table)
{
    const uint32_t *table = (const uint32_t *)vector_table;

    __asm__ volatile("cpsid i" ::: "memory");
    port_uart_close();
    TIMER1->interrupt_clear = TIMER_INTERRUPT_0;
    TIMER1->stop = 1;
    TIMER0->stop = 1;
    NVIC_ENABLE_CLEAR = 0xFFFFFFFFu;
    NVIC_PENDING_CLEAR = 0xFFFFFFFFu;
    barrier();
    __asm__ volatile("msr msp, %0\n"
                     "bx %1\n" ::"r"(table[0]),
                     "r"(table[1])
                     : "memory");
    __builtin_unreachable();
}
