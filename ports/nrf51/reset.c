/* Resets, why they happened, and the watchdog.
 *
 *     port_shared.announced valid    what the program or the fault handler wrote
 *     the part's reset reason        watchdog, or lockup: a fault in the fault handler
 *     neither                        power, or the reset pin
 *
 * The bootloader, which runs first, turns it into port_shared.cause, for itself and for the image that it
 * starts. */
#include "ports/board.h"

#include <layout.h>

#include "ports/nrf51/port.h"
#include "ports/nrf51/registers.h"

#define NOTE_MAGIC         0x54444E00u /* the cause is added to it */
#define WATCHDOG_HZ        32768u
#define PERIOD_MAX_SECONDS 65536u
#define RESET_REASONS      (RESET_BY_WATCHDOG | RESET_BY_REQUEST | RESET_BY_LOCKUP)

__attribute__((section(".noinit"))) volatile struct port_shared port_shared;

/* Called by port_fault_handler alone, in assembler. */
struct exception_frame;
void port_fault_report(const struct exception_frame *frame) __attribute__((noreturn, used));

static void guard(volatile struct port_guarded *to, uint32_t value)
{
    to->value = value;
    to->complement = ~value;
}

static bool is_whole(const volatile struct port_guarded *what)
{
    return what->value == ~what->complement;
}

static bool says_cause(const volatile struct port_guarded *what)
{
    return is_whole(what) && what->value - NOTE_MAGIC <= TDM_RESET_NO_LINK;
}

static enum tdm_reset_cause told(uint32_t reason)
{
    if (says_cause(&port_shared.announced))
        return (enum tdm_reset_cause)(port_shared.announced.value - NOTE_MAGIC);
    if (reason & RESET_BY_WATCHDOG)
        return TDM_RESET_WATCHDOG;
    if (reason & RESET_BY_LOCKUP)
        return TDM_RESET_FAULT;
    return TDM_RESET_POWER;
}

void port_reset_latch(void)
{
    if (board_running_bank() != TDM_NO_BANK)
        return; /* the bootloader did */
    guard(&port_shared.cause, NOTE_MAGIC + (uint32_t)told(POWER_RESET_REASON));
    guard(&port_shared.boots, is_whole(&port_shared.boots) ? port_shared.boots.value + 1 : 1);
    guard(&port_shared.announced, 0);
    POWER_RESET_REASON = RESET_REASONS;
}

enum tdm_reset_cause board_reset_cause(void)
{
    return says_cause(&port_shared.cause) ? (enum tdm_reset_cause)(port_shared.cause.value - NOTE_MAGIC)
                                          : TDM_RESET_POWER;
}

uint32_t board_boots(void)
{
    return is_whole(&port_shared.boots) ? port_shared.boots.value : 0;
}

void board_reset(enum tdm_reset_cause cause)
{
    __asm__ volatile("cpsid i" ::: "memory");
    guard(&port_shared.announced, NOTE_MAGIC + (uint32_t)cause);
    barrier();
    SCB_RESET_CONTROL = RESET_REQUEST;
    barrier();
    for (;;)
        ;
}

/* Once it runs its period stays: an application's own call changes nothing after the bootloader's. */
void board_watchdog_start(uint32_t period_ms)
{
    uint32_t seconds = period_ms / 1000u;

    if (seconds >= PERIOD_MAX_SECONDS)
        period_ms = (PERIOD_MAX_SECONDS - 1u) * 1000u;
    WATCHDOG_CONFIG = WATCHDOG_RUNS_ASLEEP;
    WATCHDOG_RELOAD_VALUE = period_ms / 1000u * WATCHDOG_HZ + period_ms % 1000u * WATCHDOG_HZ / 1000u;
    WATCHDOG_RELOAD_ENABLE = 1;
    WATCHDOG_START = 1;
    board_watchdog_feed();
}

void board_watchdog_feed(void)
{
    WATCHDOG_RELOAD = WATCHDOG_RELOAD_KEY;
}

/* What the processor pushed when it took the exception. */
struct exception_frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, psr;
};

static void write_hex(char to[8], uint32_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 4)
        to[i] = "0123456789abcdef"[value & 15u];
}

void port_fault_report(const struct exception_frame *frame)
{
    char line[] = "fault: at ........, resetting";

    /* A frame outside of RAM is what the fault may be about. */
    if ((uint32_t)frame - LAYOUT_RAM_ADDRESS <= LAYOUT_RAM_BYTES - sizeof *frame)
        write_hex(line + sizeof "fault: at " - 1, frame->pc);
    board_log(line);
    board_reset(TDM_RESET_FAULT);
}

__attribute__((naked)) void port_fault_handler(void)
{
    __asm__("mrs r0, msp\n"
            "ldr r1, =port_fault_report\n"
            "bx r1\n"
            ".ltorg\n");
}
