/* Clock, tick, and the step from the bootloader into an image.
 *
 * Time is what TIMER0 counted, not how many ticks were served: a tick that comes late is one for two. The
 * tick only wakes board_idle. */
#include "ports/board.h"

#include <layout.h>

#include "ports/mps2/port.h"
#include "ports/mps2/registers.h"

/* The table of 16 + 32 vectors is 192 bytes; VTOR wants it aligned to the next power of two. */
#define VECTOR_TABLE_ALIGNMENT 256u

#define COUNTS_PER_MS (SYSTEM_CLOCK_HZ / 1000u)

static uint32_t clock_ms;
static uint32_t clock_count; /* of TIMER0, when clock_ms was that */

static const struct tdm_layout layout = LAYOUT_INITIALIZER;

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

const struct tdm_layout *board_layout(void)
{
    return &layout;
}

uint8_t board_running_bank(void)
{
    uint32_t here;

    /* The program counter and not a symbol: it is right even if a relocation were not. */
    __asm__("mov %0, pc" : "=r"(here));
    return tdm_layout_bank_at(&layout, here);
}

static uint32_t word_at(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

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
    /* Thumb code, inside the image's own bank and below its header. */
    if ((entry & 1u) == 0 || entry < bank->address ||
        entry >= bank->address + bank->bytes - LAYOUT_HEADER_BYTES)
        return TDM_E_VECTOR;
    return TDM_OK;
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
