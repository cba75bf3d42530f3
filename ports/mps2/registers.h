/* The registers of Cortex-M3 and of the Arm CMSDK peripherals on MPS2 that this port uses.
 * Sources: Armv7-M Architecture Reference Manual; Cortex-M System Design Kit TRM; Arm AN385. */
#ifndef TANDEM_MPS2_REGISTERS_H
#define TANDEM_MPS2_REGISTERS_H

#include <stdint.h>

#include "ports/cortex_m/cpu.h"

#define SYSTEM_CLOCK_HZ 25000000u

struct cmsdk_uart {
    volatile uint32_t data;
    volatile uint32_t state;
    volatile uint32_t control;
    volatile uint32_t interrupt; /* status; write 1 to clear */
    volatile uint32_t divisor;   /* of the clock; 16 or more */
};
#define UART0 ((struct cmsdk_uart *)0x40004000u)
#define UART1 ((struct cmsdk_uart *)0x40005000u)

#define UART_STATE_TX_FULL    (1u << 0)
#define UART_STATE_RX_FULL    (1u << 1)
#define UART_STATE_RX_OVERRUN (1u << 3)
#define UART_TX_ENABLE        (1u << 0)
#define UART_RX_ENABLE        (1u << 1)
#define UART_TX_INTERRUPT     (1u << 2)
#define UART_RX_INTERRUPT     (1u << 3)
#define UART_INTERRUPTS_ALL   0xFu

#define IRQ_UART0_RX 0u
#define IRQ_UART0_TX 1u
#define IRQ_COUNT    32u

struct cmsdk_watchdog {
    volatile uint32_t load;
    volatile uint32_t value;
    volatile uint32_t control;
    volatile uint32_t interrupt_clear; /* any write clears the interrupt and reloads */
    volatile uint32_t raw_status;
    volatile uint32_t masked_status;
    uint32_t reserved[762];
    volatile uint32_t lock; /* anything but WATCHDOG_UNLOCK makes the other registers read-only */
};
#define WATCHDOG           ((struct cmsdk_watchdog *)0x40008000u)
#define WATCHDOG_INTERRUPT (1u << 0) /* NMI at the first expiry; without it there is no reset either */
#define WATCHDOG_RESET     (1u << 1) /* reset at the second */
#define WATCHDOG_UNLOCK    0x1ACCE551u

struct cmsdk_timer {
    volatile uint32_t control;
    volatile uint32_t value; /* counts down at the system clock, then starts again at reload */
    volatile uint32_t reload;
};
#define TIMER0       ((struct cmsdk_timer *)0x40000000u)
#define TIMER_ENABLE (1u << 0)

#define SCB_FAULT_STATUS (*(volatile uint32_t *)0xE000ED28u)

#define MPU_CONTROL       (*(volatile uint32_t *)0xE000ED94u)
#define MPU_REGION        (*(volatile uint32_t *)0xE000ED98u)
#define MPU_ADDRESS       (*(volatile uint32_t *)0xE000ED9Cu)
#define MPU_ATTRIBUTES    (*(volatile uint32_t *)0xE000EDA0u)
#define MPU_ENABLE        (1u << 0)
#define MPU_DEFAULT_MAP   (1u << 2) /* outside of the regions the default memory map holds */
#define MPU_READ_ONLY     (6u << 24)
#define MPU_NORMAL_MEMORY (2u << 16) /* write-through */
#define MPU_SIZE(log2)    (((log2)-1u) << 1)
#define MPU_REGION_ENABLE (1u << 0)

#endif
