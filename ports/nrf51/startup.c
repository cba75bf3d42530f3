/* Vector table of a program, and the way from reset to main. */
#include <stdint.h>

#include "ports/cortex_m/cortex_m.h"
#include "ports/nrf51/port.h"
#include "ports/nrf51/registers.h"

/* Linker script. */
extern uint32_t port_stack_top[];
extern uint32_t port_data_load[], port_data_start[], port_data_end[];
extern uint32_t port_bss_start[], port_bss_end[];

int main(void);
void port_start(void) __attribute__((noreturn));

/* Entries that stand for nothing we use end like a fault: an interrupt that nobody expects is one. */
__attribute__((used, section(".vectors"))) static const struct {
    uint32_t *stack;
    port_vector *exceptions[15];
    port_vector *interrupts[IRQ_COUNT];
} vector_table = {
    .stack = port_stack_top,
    .exceptions =
        {
            [0] = port_start,
            [1] = port_fault_handler,  /* NMI */
            [2] = port_fault_handler,  /* HardFault, the only fault of a Cortex-M0 */
            [10] = port_fault_handler, /* SVCall */
            [13] = port_fault_handler, /* PendSV */
            [14] = port_fault_handler, /* SysTick, which this part does not have */
        },
    .interrupts =
        {
            [0 ... IRQ_UART - 1] = port_fault_handler,
            [IRQ_UART] = port_uart_handler,
            [IRQ_UART + 1 ... IRQ_TIMER1 - 1] = port_fault_handler,
            [IRQ_TIMER1] = port_tick_handler,
            [IRQ_TIMER1 + 1 ... IRQ_COUNT - 1] = port_fault_handler,
        },
};

const uint32_t port_vector_alignment = 4; /* vectors.c forwards; there is no VTOR */

void port_start(void)
{
    const uint32_t *from = port_data_load;

    /* From here on faults are this program's. */
    port_shared.vectors = (const port_vector *const *)&vector_table;
    for (uint32_t *to = port_data_start; to < port_data_end; to++)
        *to = *from++;
    for (uint32_t *to = port_bss_start; to < port_bss_end; to++)
        *to = 0;
    /* board_jump came here with interrupts off; nothing is enabled yet. */
    __asm__ volatile("cpsie i" ::: "memory");
    main();
    board_reset(TDM_RESET_FAULT); /* main has nowhere to return to */
}
