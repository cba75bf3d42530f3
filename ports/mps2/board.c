/* Clock, tick, and the step from the bootloader into an image.
 *
 * Time is what TIMER0 counted, not how many ticks were served: a tick that comes late is one for two. The
 * tick only wakes board_idle. */
#include "ports/board.h"

#include "ports/mps2/port.h"
#include "ports/mps2/registers.h"

#define COUNTS_PER_MS (SYSTEM_CLOCK_HZ / 1000u)

static uint32_t clock_ms;
static uint32_t clock_count; /* of TIMER0, when clock_ms was that */

void board_init(void)
{
    TIMER0->reload = UINT32_MAX;
    TIMER0->value = UINT32_MAX;
    TIMER0->control = TIMER_ENABLE;
    clock_count = UINT32_MAX;
    SYSTICK->reload = COUNTS_PER_MS - 1u;
    SYSTICK->value = 0;
    SYSTICK->control = SYSTICK_ENABLE | SYSTICK_INTERRUPT | SYSTICK_CPU_CLOCK;
    port_flash_protect();
    port_uart_log_open();
    port_reset_latch();
}

void port_systick_handler(void)
{
}

/* Right as long as it is asked every 171 s, the timer's round; never from an interrupt. */
uint32_t board_now_ms(void)
{
    uint32_t passed_ms = (clock_count - TIMER0->value) / COUNTS_PER_MS;

    clock_count -= passed_ms * COUNTS_PER_MS;
    clock_ms += passed_ms;
    return clock_ms;
}

void board_idle(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

void board_jump(uint32_t vector_table)
{
    const uint32_t *table = (const uint32_t *)vector_table;

    __asm__ volatile("cpsid i" ::: "memory");
    port_uart_close();
    SYSTICK->control = 0;
    NVIC_ENABLE_CLEAR = 0xFFFFFFFFu;
    NVIC_PENDING_CLEAR = 0xFFFFFFFFu;
    SCB_INTERRUPT_CONTROL = SYSTICK_PENDING_CLEAR;
    SCB_VECTOR_TABLE = vector_table;
    barrier();
    __asm__ volatile("msr msp, %0\n"
                     "bx %1\n" ::"r"(table[0]),
                     "r"(table[1])
                     : "memory");
    __builtin_unreachable();
}
