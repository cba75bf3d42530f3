/* The log by semihosting, for QEMU and for boards with a debugger attached. Without a debugger its breakpoint
 * instruction is a fault, so a product builds with log_none.c (TANDEM_NRF51_LOG). */
#include "ports/board.h"

#define SYS_WRITE0 4

static void write0(const char *text)
{
    register uint32_t operation __asm__("r0") = SYS_WRITE0;
    register const char *argument __asm__("r1") = text;

    __asm__ volatile("bkpt 0xAB" : "+r"(operation) : "r"(argument) : "memory");
}

void board_log(const char *line)
{
    write0(line);
    write0("\n");
}
