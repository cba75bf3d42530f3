/* A board without anything behind it, so that the bootloader links for any processor and can be weighed
 * (tools/sizes). */
#include "ports/board.h"

static volatile uint32_t hardware;

void board_init(void)
{
    hardware = 1;
}

const struct tdm_flash *board_flash(void)
{
    return (const struct tdm_flash *)(uintptr_t)hardware;
}

const struct tdm_layout *board_layout(void)
{
    return (const struct tdm_layout *)(uintptr_t)hardware;
}

uint32_t board_now_ms(void)
{
    return hardware;
}

void board_idle(void)
{
    hardware = 2;
}

void board_uart_open(uint32_t baud)
{
    hardware = baud;
}

size_t board_uart_read(uint8_t *to, size_t capacity)
{
    to[0] = (uint8_t)hardware;
    return capacity;
}

size_t board_uart_write(const uint8_t *from, size_t count)
{
    hardware = from[0];
    return count;
}

bool board_uart_drained(void)
{
    return hardware == 0;
}

void board_watchdog_start(uint32_t period_ms)
{
    hardware = period_ms;
}

void board_watchdog_feed(void)
{
    hardware = 3;
}

void board_reset(enum tdm_reset_cause cause)
{
    for (;;)
        hardware = cause;
}

enum tdm_reset_cause board_reset_cause(void)
{
    return (enum tdm_reset_cause)hardware;
}

uint32_t board_boots(void)
{
    return hardware;
}

bool board_receives_while_writing(void)
{
    return hardware != 0;
}

int board_check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                      uint32_t address)
{
    (void)ctx;
    (void)flash;
    hardware = bank->address + address;
    return TDM_OK;
}

void board_jump(uint32_t vector_table)
{
    for (;;)
        hardware = vector_table;
}

void board_log(const char *line)
{
    hardware = (uint32_t)(uintptr_t)line;
}
