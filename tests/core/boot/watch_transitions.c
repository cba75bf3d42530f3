/* Linked with --wrap=tdm_record_append: every entry that a test's device appends has to be a transition of
 * the table, by the event that it tells of. So the table, which the model is checked with, is what the code
 * does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/boot/record.h"

int __real_tdm_record_append(struct tdm_record_log *log, const struct tdm_record *next);
int __wrap_tdm_record_append(struct tdm_record_log *log, const struct tdm_record *next);

/* The event that an entry tells of, by what it changes. */
static enum tdm__boot_event event_of(const struct tdm_record *from, const struct tdm_record *next)
{
    switch ((enum tdm_boot_state)next->state) {
    case TDM_BOOT_ERASING:
        return TDM__BEGIN;
    case TDM_BOOT_RECEIVING:
        return TDM__RECEIVE;
    case TDM_BOOT_PENDING:
        return TDM__COMPLETE;
    case TDM_BOOT_TRIAL:
        return next->target == from->target ? TDM__ATTEMPT : TDM__RESCUE;
    case TDM_BOOT_FETCH:
        return TDM__FETCH;
    default:
        break;
    }
    if (next->active != from->active)
        return next->active == from->target ? TDM__CONFIRM : TDM__STAND_IN;
    if (memcmp(next->rejected_digest, from->rejected_digest, TDM_DIGEST_PREFIX_BYTES) != 0)
        return TDM__REJECT;
    return from->state == TDM_BOOT_TRIAL ? TDM__ROLL_BACK : TDM__ABANDON;
}

int __wrap_tdm_record_append(struct tdm_record_log *log, const struct tdm_record *next)
{
    enum tdm__boot_event event = event_of(&log->record, next);
    uint8_t state = log->found ? log->record.state : TDM_BOOT_NO_STATE;

    if (tdm__record_next_state(state, event) != next->state)
        fail_msg("event %d leads from state %u to %u, which no row of transition_table.h does", (int)event,
                 state, next->state);
    return __real_tdm_record_append(log, next);
}
