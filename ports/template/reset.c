/* Resets, why they happened, and the watchdog. The note in RAM is complete: no start-up code touches it, and
 * bootloader and applications agree on its address (sections.ld), so what one announces the other reads. */
#include "ports/board.h"

#include "port.h"
#include "ports/cortex_m/cpu.h"

#define NOTE_MAGIC 0x54444E00u /* the cause is added to it */

/* A value counts only if its complement stands beside it: after power-on RAM holds anything. */
struct guarded {
    uint32_t value;
    uint32_t complement;
};

struct note {
    struct guarded announced; /* cause of the next reset */
    struct guarded cause;     /* of the last one */
    struct guarded boots;     /* starts since the power came */
};

__attribute__((section(".noinit"))) static volatile struct note note;

static void guard(volatile struct guarded *to, uint32_t value)
{
    to->value = value;
    to->complement = ~value;
}

static bool is_whole(const volatile struct guarded *what)
{
    return what->value == ~what->complement;
}

static bool says_cause(const volatile struct guarded *what)
{
    return is_whole(what) && what->value - NOTE_MAGIC <= TDM_RESET_NO_LINK;
}

/* Owed: what the part's reset-cause register says; clear it, or the next reset reads it again. A watchdog is
 * TDM_RESET_WATCHDOG, a lockup TDM_RESET_FAULT, power and the reset pin TDM_RESET_POWER. */
static enum tdm_reset_cause told_by_the_part(void)
{
    return TDM_RESET_POWER;
}

void port_reset_latch(void)
{
    enum tdm_reset_cause cause = told_by_the_part();

    if (board_running_bank() != TDM_NO_BANK)
        return; /* the bootloader did */
    if (says_cause(&note.announced))
        cause = (enum tdm_reset_cause)(note.announced.value - NOTE_MAGIC);
    guard(&note.cause, NOTE_MAGIC + (uint32_t)cause);
    guard(&note.boots, is_whole(&note.boots) ? note.boots.value + 1 : 1);
    guard(&note.announced, 0);
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
    for (;;)
        ;
}

/* Owed: a watchdog on a clock of its own that nothing but a reset stops, for this period or the next longer
 * one the part has. Called again it sets the new period, or keeps the old one where the part allows no
 * change. It must run on in sleep, and after board_jump. */
void board_watchdog_start(uint32_t period_ms)
{
    (void)period_ms;
}

/* Owed: starts the period anew. Harmless while the watchdog does not run. */
void board_watchdog_feed(void)
{
}

/* Owed: a line to the log about where it was, if you like. It must end in this reset. */
void port_fault_handler(void)
{
    board_reset(TDM_RESET_FAULT);
}
