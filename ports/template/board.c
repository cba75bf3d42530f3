/* Clock, time, and the step from the bootloader into an image. What is written out holds for every Cortex-M
 * with a VTOR. */
#include "ports/board.h"

#include "port.h"
#include "ports/cortex_m/cpu.h"

static volatile uint32_t tick_ms;

/* Owed: clocks, a tick of 1 ms that ends in port_tick_handler, flash wait states, write protection of
 * bootloader and keys where the part has one. Runs in the bootloader and again in the application. Must not
 * touch .noinit, and must not stop a watchdog that runs. */
void board_init(void)
{
    port_reset_latch();
}

void port_tick_handler(void)
{
    tick_ms++;
}

/* Owed: nothing more, once the tick runs. Differences must be right across the wrap at 2^32. */
uint32_t board_now_ms(void)
{
    return tick_ms;
}

/* Owed: sleep until an interrupt or for 1 ms; returning at once is allowed. */
void board_idle(void)
{
}

/* Owed: everything that board_init and board_uart_open started is stopped here, or it interrupts a program
 * that does not expect it; a part with more than 32 interrupts has more of these NVIC registers. The watchdog
 * goes on. */
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
    __asm__ volatile("dsb\n isb\n"
                     "msr msp, %0\n"
                     "bx %1\n" ::"r"(table[0]),
                     "r"(table[1])
                     : "memory");
    __builtin_unreachable();
}

/* Owed: a line to the debug UART, or nothing. Called from the fault handler too: no waiting without a limit.
 */
void board_log(const char *line)
{
    (void)line;
}
