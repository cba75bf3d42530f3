/* A Cortex-M0 takes its exceptions from address 0 for ever: it has no VTOR. So what lies there, in the
 * bootloader, forwards each one to the program that runs:
 *
 *     exception n -> forward() -> port_shared.vectors[n]     (in RAM: the address of that program's table)
 *
 * It costs 10 cycles or so, one word of RAM, and nothing of an application's flash. The application's linker
 * script leaves this table out. */
#include "ports/nrf51/port.h"
#include "ports/nrf51/registers.h"

extern uint32_t port_stack_top[];
void port_start(void) __attribute__((noreturn));

/* r0 to r3 are on the stack already, and lr stays as it is, so the handler returns to where this came from.
 */
__attribute__((naked)) static void forward(void)
{
    __asm__("ldr r1, =port_shared\n"
            "ldr r1, [r1]\n"
            "mrs r0, ipsr\n"
            "lsls r0, r0, #2\n"
            "ldr r0, [r1, r0]\n"
            "bx r0\n"
            ".ltorg\n");
}

__attribute__((used, section(".forwarding_vectors"))) static const struct {
    uint32_t *stack;
    port_vector *start;
    port_vector *others[14 + IRQ_COUNT];
} forwarding_vectors = {
    .stack = port_stack_top,
    .start = port_start,
    .others = {[0 ... 14 + IRQ_COUNT - 1] = forward},
};
