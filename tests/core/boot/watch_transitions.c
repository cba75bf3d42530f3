/* Linked with --wrap=tdm_record_append: every entry that a test's device appends has to be a transition of
 * the table (two banks: those of one bank and of recovery don't count). So the table, which the model is
 * checked with, is what the code does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/boot/record.h"

int __real_tdm_record_append(struct tdm_record_log *log, const struct tdm_record *next);
int __wrap_tdm_record_append(struct tdm_record_log *log, const struct tdm_record *next);

static bool is_in_table(uint8_t from, uint8_t to)
{
    int event;

    for (event = TDM__BEGIN; event <= TDM__RESCUE; event++) {
        if (to != TDM_BOOT_NO_STATE && tdm__record_next_state(from, (enum tdm__boot_event)event) == to) {
            return true;
        }
    }
    return false;
}

int __wrap_tdm_record_append(struct tdm_record_log *log, const struct tdm_record *next)
{
    uint8_t from = log->found ? log->record.state : TDM_BOOT_NO_STATE;

    if (!is_in_table(from, next->state)) {
        fail_msg("an entry leads from state %u to %u, which no row of transition_table.h does", from,
                 next->state);
    }
    return __real_tdm_record_append(log, next);
}
