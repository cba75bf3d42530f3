/* Resets, why they happened, and the watchdog.
 *
 * The board has no register that tells why it was reset, so the note in RAM that no start-up code touches
 * does:
 *
 *     note.announced valid                       what the program, the fault handler or the watchdog's NMI
 * wrote no announcement, watchdog was running      the watchdog reset a program that could not even take the
 * NMI nothing valid                              power: RAM did not survive
 *
 * The bootloader, which runs first, turns it into note.cause, for itself and for the image that it starts. */
#include "ports/board.h"

#include <layout.h>

#include "ports/mps2/port.h"
#include "ports/mps2/registers.h"

#define NOTE_MAGIC    0x54444E00u /* the cause is added to it */
#define NOTE_ARMED    0x5444A2EDu
#define TICKS_PER_MS  (SYSTEM_CLOCK_HZ / 1000u)
#define PERIOD_MAX_MS (0xFFFFFFFFu / TICKS_PER_MS)

/* A value counts only if its complement stands beside it. */
struct guarded {
    uint32_t value;
    uint32_t complement;
};

struct note {
    struct guarded announced;
    struct guarded armed;
    struct guarded cause;
    struct guarded boots;
};

__attribute__((section(".noinit"))) static volatile struct note note;

/* Called by port_fault_handler alone, in assembler. */
struct exception_frame;
void port_fault_report(const struct exception_frame *frame) __attribute__((noreturn, used));

static void guard(volatile struct guarded *to, uint32_t value)
{
    to->value = value;
    to->complement = ~value;
}

static void forget(volatile struct guarded *what)
{
    what->value = 0;
    what->complement = 0;
}

static bool is_whole(const volatile struct guarded *what)
{
    return what->value == ~what->complement;
}

static bool says_cause(const volatile struct guarded *what)
{
    return is_whole(what) && what->value - NOTE_MAGIC <= TDM_RESET_NO_LINK;
}

static enum tdm_reset_cause told(void)
{
    if (says_cause(&note.announced))
        return (enum tdm_reset_cause)(note.announced.value - NOTE_MAGIC);
    if (note.armed.value == NOTE_ARMED && note.armed.complement == ~NOTE_ARMED)
        return TDM_RESET_WATCHDOG;
    return TDM_RESET_POWER;
}

void port_reset_latch(void)
{
    if (board_running_bank() != TDM_NO_BANK)
        return; /* the bootloader did */
    guard(&note.cause, NOTE_MAGIC + (uint32_t)told());
    guard(&note.boots, is_whole(&note.boots) ? note.boots.value + 1 : 1);
    forget(&note.announced);
    forget(&note.armed);
}

enum tdm_reset_cause board_reset_cause(void)
{
    return says_cause(&note.cause) ? (enum tdm_reset_cause)(note.cause.value - NOTE_MAGIC) : TDM_RESET_POWER;
}

uint32_t board_boots(void)
{
    return is_whole(&note.boots) ? note.boots.value : 0;
}

void board_reset(enum tdm_reset_cause cause)
{
    __asm__ volatile("cpsid i" ::: "memory");
    guard(&note.announced, NOTE_MAGIC + (uint32_t)cause);
    barrier();
    SCB_RESET_CONTROL = RESET_REQUEST;
    barrier();
    for (;;)
        ;
}

void board_watchdog_start(uint32_t period_ms)
{
    if (period_ms > PERIOD_MAX_MS)
        period_ms = PERIOD_MAX_MS;
    guard(&note.armed, NOTE_ARMED);
    WATCHDOG->lock = WATCHDOG_UNLOCK;
    WATCHDOG->load = period_ms * TICKS_PER_MS;
    WATCHDOG->control = WATCHDOG_INTERRUPT | WATCHDOG_RESET;
    WATCHDOG->interrupt_clear = 1;
    WATCHDOG->lock = 0;
}

void board_watchdog_feed(void)
{
    WATCHDOG->lock = WATCHDOG_UNLOCK;
    WATCHDOG->interrupt_clear = 1;
    WATCHDOG->lock = 0;
}

void port_watchdog_handler(void)
{
    board_log("watchdog: not fed in time, resetting");
    board_reset(TDM_RESET_WATCHDOG);
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
    char line[] = "fault: status ........ at ........, resetting";

    write_hex(line + sizeof "fault: status " - 1, SCB_FAULT_STATUS);
    /* A frame outside of RAM is what the fault may be about. */
    if ((uint32_t)frame - LAYOUT_RAM_ADDRESS <= LAYOUT_RAM_BYTES - sizeof *frame)
        write_hex(line + sizeof "fault: status ........ at " - 1, frame->pc);
    board_log(line);
    board_reset(TDM_RESET_FAULT);
}

__attribute__((naked)) void port_fault_handler(void)
{
    __asm__("mrs r0, msp\n"
            "b port_fault_report\n");
}
