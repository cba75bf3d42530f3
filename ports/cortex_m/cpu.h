/* What Cortex-M parts have in common: the tick (on some M0 it is missing), the switches of the first 32
 * interrupts, the reset, barriers. */
#ifndef TANDEM_CORTEX_M_CPU_H
#define TANDEM_CORTEX_M_CPU_H

#include <stdint.h>

struct systick {
    volatile uint32_t control;
    volatile uint32_t reload;
    volatile uint32_t value;
};
#define SYSTICK           ((struct systick *)0xE000E010u)
#define SYSTICK_ENABLE    (1u << 0)
#define SYSTICK_INTERRUPT (1u << 1)
#define SYSTICK_CPU_CLOCK (1u << 2)

#define SCB_INTERRUPT_CONTROL (*(volatile uint32_t *)0xE000ED04u)
#define SCB_VECTOR_TABLE      (*(volatile uint32_t *)0xE000ED08u) /* not on an M0 */
#define SYSTICK_PENDING_CLEAR (1u << 25)                          /* of the interrupt control */

/* A bit per interrupt. */
#define NVIC_ENABLE_SET    (*(volatile uint32_t *)0xE000E100u)
#define NVIC_ENABLE_CLEAR  (*(volatile uint32_t *)0xE000E180u)
#define NVIC_PENDING_CLEAR (*(volatile uint32_t *)0xE000E280u)

#define SCB_RESET_CONTROL (*(volatile uint32_t *)0xE000ED0Cu)
#define RESET_REQUEST     0x05FA0004u /* with the key that the register asks for */

static inline void barrier(void)
{
    __asm__ volatile("dsb\n isb" ::: "memory");
}

/* Keeps the compiler from moving memory accesses across. */
static inline void compiler_barrier(void)
{
    __asm__ volatile("" ::: "memory");
}

/* Disables interrupts and returns what interrupts_restore takes. */
static inline uint32_t interrupts_save(void)
{
    uint32_t mask;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(mask)::"memory");
    return mask;
}

static inline void interrupts_restore(uint32_t mask)
{
    __asm__ volatile("msr primask, %0" ::"r"(mask) : "memory");
}

#endif
