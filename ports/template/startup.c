/* Vector table and the way from reset to main: complete for a Cortex-M3 and up, but for your interrupts.
 *
 * A Cortex-M0 has no VTOR: take ports/nrf51/vectors.c as well. If your vendor's start-up file is used
 * instead, it must leave the section .noinit alone. */
#include <stdint.h>

#include "port.h"
#include "ports/cortex_m/cortex_m.h"

/* Owed: the number of interrupts of your part. */
#define IRQ_COUNT 32u

/* Linker script. */
extern uint32_t port_stack_top[];
extern uint32_t port_data_load[], port_data_start[], port_data_end[];
extern uint32_t port_bss_start[], port_bss_end[];

int main(void);
void port_start(void) __attribute__((noreturn));

typedef void vector(void);

/* Entries that stand for nothing that is used end like a fault: an interrupt that nobody expects is one. */
__attribute__((used, section(".vectors"))) static const struct {
    uint32_t *stack;
    vector *exceptions[15];
    vector *interrupts[IRQ_COUNT];
} vector_table = {
    .stack = port_stack_top,
    .exceptions =
        {
            [0] = port_start,
            [1] = port_fault_handler,  /* NMI */
            [2] = port_fault_handler,  /* HardFault */
            [3] = port_fault_handler,  /* MemManage */
            [4] = port_fault_handler,  /* BusFault */
            [5] = port_fault_handler,  /* UsageFault */
            [10] = port_fault_handler, /* SVCall */
            [11] = port_fault_handler, /* DebugMonitor */
            [13] = port_fault_handler, /* PendSV */
            [14] = port_tick_handler,  /* SysTick */
        },
    /* Owed: the UART's handler in its place. */
    .interrupts = {[0 ... IRQ_COUNT - 1] = port_fault_handler},
};

/* Owed: 16 + IRQ_COUNT vectors of 4 bytes, up to the next power of two. */
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
