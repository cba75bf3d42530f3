/* The registers of Cortex-M0 and of the nRF51822 that this port uses.
 * Sources: Armv6-M Architecture Reference Manual; Nordic nRF51 Series Reference Manual 3.0. */
#ifndef TANDEM_NRF51_REGISTERS_H
#define TANDEM_NRF51_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

#include "ports/cortex_m/cpu.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* Tasks are started and events are set by writing 1; events are cleared by writing 0. */

#define CLOCK_HFCLK_START   REGISTER(0x40000000u) /* task */
#define CLOCK_HFCLK_STARTED REGISTER(0x40000100u) /* event */

#define POWER_RESET_REASON REGISTER(0x40000400u) /* bits stay until 1 is written to them */
#define RESET_BY_WATCHDOG  (1u << 1)
#define RESET_BY_REQUEST   (1u << 2)
#define RESET_BY_LOCKUP    (1u << 3)

/* Write protection: a bit per 4 KB of flash, which only a reset clears. */
#define MPU_PROTECT_0        REGISTER(0x40000600u)
#define MPU_PROTECT_BLOCK    4096u
#define MPU_PROTECT_IN_DEBUG REGISTER(0x40000608u) /* 0: protected while a debugger is attached, too */

#define NVMC_READY      REGISTER(0x4001E400u)
#define NVMC_CONFIG     REGISTER(0x4001E504u)
#define NVMC_ERASE_PAGE REGISTER(0x4001E508u) /* takes the page's address */
#define NVMC_READ_ONLY  0u
#define NVMC_WRITE      1u
#define NVMC_ERASE      2u

struct nrf51_uart {
    volatile uint32_t start_rx, stop_rx, start_tx, stop_tx; /* tasks */
    uint32_t reserved_0[60];
    volatile uint32_t cts, ncts, rx_ready, reserved_1[4], tx_ready, reserved_2, error; /* events */
    uint32_t reserved_3[119];
    volatile uint32_t interrupt_set, interrupt_clear;
    uint32_t reserved_4[93];
    volatile uint32_t error_source;
    uint32_t reserved_5[31];
    volatile uint32_t enable, reserved_6, pin_rts, pin_tx, pin_cts, pin_rx, rx, tx, reserved_7, rate;
    uint32_t reserved_8[17];
    volatile uint32_t config;
};
_Static_assert(offsetof(struct nrf51_uart, rx_ready) == 0x108 && offsetof(struct nrf51_uart, config) == 0x56C,
               "as in the manual");
#define UART              ((struct nrf51_uart *)0x40002000u)
#define UART_ENABLED      4u
#define UART_RX_INTERRUPT (1u << 2)
#define UART_PIN_NONE     0xFFFFFFFFu

struct nrf51_timer {
    volatile uint32_t start, stop, count, clear, shutdown; /* tasks */
    uint32_t reserved_0[11];
    volatile uint32_t capture[4]; /* tasks */
    uint32_t reserved_1[60];
    volatile uint32_t compared[4]; /* events */
    uint32_t reserved_2[44];
    volatile uint32_t shorts;
    uint32_t reserved_3[64];
    volatile uint32_t interrupt_set, interrupt_clear;
    uint32_t reserved_4[126];
    volatile uint32_t mode, bits, reserved_5, prescaler;
    uint32_t reserved_6[11];
    volatile uint32_t compare[4];
};
_Static_assert(offsetof(struct nrf51_timer, compared) == 0x140 &&
                   offsetof(struct nrf51_timer, compare) == 0x540,
               "as in the manual");
#define TIMER0                   ((struct nrf51_timer *)0x40008000u)
#define TIMER1                   ((struct nrf51_timer *)0x40009000u)
#define TIMER_BITS_16            0u
#define TIMER_BITS_32            3u
#define TIMER_1_MHZ              4u /* 16 MHz divided by 2 to the power of this */
#define TIMER_CLEAR_ON_COMPARE_0 (1u << 0)
#define TIMER_INTERRUPT_0        (1u << 16)

#define WATCHDOG_START         REGISTER(0x40010000u) /* task */
#define WATCHDOG_RELOAD_VALUE  REGISTER(0x40010504u) /* ticks of 32768 Hz; fixed once it runs */
#define WATCHDOG_RELOAD_ENABLE REGISTER(0x40010508u)
#define WATCHDOG_CONFIG        REGISTER(0x4001050Cu)
#define WATCHDOG_RUNS_ASLEEP   (1u << 0)
#define WATCHDOG_RELOAD        REGISTER(0x40010600u)
#define WATCHDOG_RELOAD_KEY    0x6E524635u

#define GPIO_OUTPUT_SET    REGISTER(0x50000508u)
#define GPIO_DIRECTION_SET REGISTER(0x50000518u)

#define IRQ_UART   2u
#define IRQ_TIMER1 9u
#define IRQ_COUNT  32u

#endif
