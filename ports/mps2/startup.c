/* Vector table and the way from reset to main. */
#include <stdint.h>

#include "ports/cortex_m/cortex_m.h"
#include "ports/mps2/port.h"
#include "ports/mps2/registers.h"

/* Linker script. */
extern uint32_t port_stack_top[];
extern uint32_t port_data_load[], port_data_start[], port_data_end[];
extern uint32_t port_bss_start[], port_bss_end[];

int main(void);
void port_start(void) __attribute__((noreturn));

typedef void vector(void);

/* Entries that stand for nothing we use end like a fault: an interrupt that nobody expects is one. */
__attribute__((used, section(".vectors"))) static const struct {
    uint32_t *stack;
    vector *exceptions[15];
    vector *interrupts[IRQ_COUNT];
} vector_table = {
    .stack = port_stack_top,
    .exceptions =
        {
            [0] = port_start,
            [1] = port_watchdog_handler, /* NMI */
            [2] = port_fault_handler,    /* HardFault */
            [3] = port_fault_handler,    /* MemManage */
            [4] = port_fault_handler,    /* BusFault */
            [5] = port_fault_handler,    /* UsageFault */
            [10] = port_fault_handler,   /* SVCall */
            [11] = port_fault_handler,   /* DebugMonitor */
            [13] = port_fault_handler,   /* PendSV */
            [14] = port_systick_handler,
        },
    .interrupts =
        {
            [IRQ_UART0_RX] = port_uart_rx_handler,
            [IRQ_UART0_TX] = port_uart_tx_handler,
            [2 ... IRQ_COUNT - 1] = port_fault_handler,
        },
};

/* 192 bytes, up to the next power of two. */
const uint32_t port_vector_alignment = 256;

void port_start(void)
{
    const uint32_t *from = port_data_load;

    for (uint32_t *to = port_data_start; to < port_data_end; to++)
        *to = *from++;
    for (uint32_t *to = port_bss_start; to < port_bss_end; to++)
        *to = 0;
    /* board_jump came here with interrupts off; nothing is enabled yet. */
    __asm__ volatile("cpsie i" ::: "memory");
    main();
    board_reset(TDM_RESET_FAULT); /* main has nowhere to return to */
}
