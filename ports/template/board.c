/* Clock, time, and the step from the bootloader into an image. What is written out holds for every Cortex-M
 * with a VTOR. */
#include "ports/board.h"

#include <layout.h>

#include "ports/template/port.h"

/* Owed: 16 + IRQ_COUNT vectors of 4 bytes, up to the next power of two. */
#define VECTOR_TABLE_ALIGNMENT 256u

#define REGISTER(address)     (*(volatile uint32_t *)(address))
#define SYSTICK_CONTROL       REGISTER(0xE000E010u)
#define NVIC_ENABLE_CLEAR     REGISTER(0xE000E180u)
#define NVIC_PENDING_CLEAR    REGISTER(0xE000E280u)
#define SCB_INTERRUPT_CONTROL REGISTER(0xE000ED04u)
#define SCB_VECTOR_TABLE      REGISTER(0xE000ED08u)
#define SYSTICK_PENDING_CLEAR (1u << 25)

static volatile uint32_t tick_ms;

static const struct tdm_layout layout = LAYOUT_INITIALIZER;

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

const struct tdm_layout *board_layout(void)
{
    return &layout;
}

uint8_t board_running_bank(void)
{
    uint32_t here;

    /* The program counter and not a symbol: it is right even if a relocation were not. A part that swaps its
     * banks in hardware asks its flash controller instead. */
    __asm__("mov %0, pc" : "=r"(here));
    return tdm_layout_bank_at(&layout, here);
}

static uint32_t word_at(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Owed: whatever else your processor needs to start (TrustZone, a second vector). Reads through the flash
 * table only, and decides on all of what a wrong image could make the processor trip over. */
int board_check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                      uint32_t address)
{
    uint8_t start[8];
    uint32_t stack, entry;
    int result;

    (void)ctx;
    if (address % VECTOR_TABLE_ALIGNMENT != 0)
        return TDM_E_VECTOR;
    result = flash->ops->read(flash->ctx, address, start, sizeof start);
    if (result != TDM_OK)
        return result;
    stack = word_at(start);
    entry = word_at(start + 4);
    if (stack % 8u != 0 || stack <= LAYOUT_RAM_ADDRESS || stack > LAYOUT_RAM_ADDRESS + LAYOUT_RAM_BYTES)
        return TDM_E_VECTOR;
    if ((entry & 1u) == 0 || entry < bank->address ||
        entry >= bank->address + bank->bytes - LAYOUT_HEADER_BYTES)
        return TDM_E_VECTOR;
    return TDM_OK;
}

/* Owed: everything that board_init and board_uart_open started is stopped here, or it interrupts a program
 * that does not expect it. The watchdog goes on. */
void board_jump(uint32_t vector_table)
{
    const uint32_t *table = (const uint32_t *)vector_table;

    __asm__ volatile("cpsid i" ::: "memory");
    port_uart_close();
    SYSTICK_CONTROL = 0;
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
