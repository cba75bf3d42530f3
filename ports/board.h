/* What the bootloader and the example application need of a board. One implementation per folder of ports/.
 */
#ifndef TANDEM_BOARD_H
#define TANDEM_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tandem/boot.h"
#include "tandem/flash.h"
#include "tandem/package.h"

/* Clocks, UART pins, tick. Called first, by the bootloader and by the application. */
void board_init(void);

const struct tdm_flash *board_flash(void);
const struct tdm_layout *board_layout(void);

/* The bank that this program executes from (by its own address), TDM_NO_BANK in the bootloader. */
uint8_t board_running_bank(void);

/* Milliseconds since some start; wraps. */
uint32_t board_now_ms(void);

/* Sleeps until an interrupt or 1 ms passed. */
void board_idle(void);

/* True if the UART receives while flash is erased and programmed, and holds a whole frame meanwhile, 2 KiB:
 * tdm_mcu_config's stream. */
bool board_receives_while_writing(void);

/* UART to the co-processor. open sets (or changes) the rate after what was written is out. */
void board_uart_open(uint32_t baud);
size_t board_uart_read(uint8_t *to, size_t capacity);
/* Takes up to count bytes and returns how many it took; never blocks. */
size_t board_uart_write(const uint8_t *from, size_t count);
/* True once everything written is on the wire. */
bool board_uart_drained(void);

/* Starts the watchdog (it can't be stopped), and feeds it. */
void board_watchdog_start(uint32_t period_ms);
void board_watchdog_feed(void);

/* Resets; the next board_reset_cause() returns cause. */
void board_reset(enum tdm_reset_cause cause) __attribute__((noreturn));
enum tdm_reset_cause board_reset_cause(void);

/* Starts since the power came, this one included, counted in RAM that resets leave alone; 0 if it can't tell.
 */
uint32_t board_boots(void);

/* tdm_boot_config's check_image for this processor. */
int board_check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                      uint32_t address);

/* Leaves the bootloader for the image whose vector table is at address. */
void board_jump(uint32_t vector_table) __attribute__((noreturn));

/* A line for people: the debug UART, semihosting or standard error. May do nothing. */
void board_log(const char *line);

#endif
