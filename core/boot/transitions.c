/* The application's transitions of the boot record.
 *
 *     idle --begin--> erasing --receiving--> receiving --pending--> pending --(bootloader)--> trial
 *      ^                 |  '------------------- pending ------------->'|                     |   |
 *      |<----abandon-----+--------------------------+-------------------'                     |   |
 *      |<----confirm: active = target, floor and revoked keys rise, mark ---------------------'   |
 *      '<----reject: active unchanged, digest rejected -------------------------------------------'
 *
 * begin also leads from erasing, receiving and pending to erasing: the bank is started anew.
 *
 * Which state allows what is data: core/boot/transition_table.h.
 *
 * What must never be lost with one unit is in both: a rejection is appended twice; a confirm is found again
 * by its mark, and is appended twice where the mark can't be programmed. */
#include "core/boot/record.h"

#include <string.h>

/* --- The table --- */

#if defined(__GNUC__)
#define INLINED __attribute__((always_inline))
#else
#define INLINED
#endif

/* Each event leads to one state, whatever the state before. So for an event that the compiler knows, all of
 * the table comes down to a mask of the states that allow it. */
static inline uint8_t next_state(uint8_t state, enum tdm__boot_event event) INLINED;

static inline uint8_t next_state(uint8_t state, enum tdm__boot_event event)
{
#define ALLOWED(before, by, next) | (TDM__##by == event ? 1u << TDM_BOOT_##before : 0u)
#define NEXT(before, by, next)    TDM__##by == event ? TDM_BOOT_##next:
    uint32_t allowed = 0u TDM__TRANSITIONS(ALLOWED);

    return (allowed >> state & 1u) != 0u ? (TDM__TRANSITIONS(NEXT) TDM_BOOT_NO_STATE) : TDM_BOOT_NO_STATE;
#undef ALLOWED
#undef NEXT
}

uint8_t tdm__record_next_state(uint8_t state, enum tdm__boot_event event)
{
    return next_state(state, event);
}

/* The state after event, TDM_BOOT_NO_STATE if it is not allowed now, as where there is no record. */
#define AFTER(log, event) next_state((log)->record.state, event)

/* --- The states that transitions lead to --- */

void tdm__record_to_idle(struct tdm_record *next, const struct tdm_record *from, uint8_t reason)
{
    *next = *from;
    next->state = TDM_BOOT_IDLE;
    next->target = TDM_NO_BANK;
    next->attempts_left = 0;
    next->trial_reason = TDM_REASON_NONE;
    next->retries = 0;
    next->last_reason = reason;
    memset(next->target_digest, 0, sizeof next->target_digest);
}

void tdm__record_to_confirmed(struct tdm_record *next, const struct tdm_record *from,
                              const struct tdm_manifest *manifest)
{
    tdm__record_to_idle(next, from, TDM_REASON_NONE);
    next->active = from->target;
    next->starts = 0;
    next->soft_rollbacks = 0;
    next->revoked_keys |= manifest->revoked_keys;
    if (next->counter_floor < manifest->counter)
        next->counter_floor = manifest->counter;
}

void tdm__record_to_rejected(struct tdm_record *next, const struct tdm_record *from, uint8_t reason)
{
    tdm__record_to_idle(next, from, reason);
    next->soft_rollbacks = 0;
    memcpy(next->rejected_digest, from->target_digest, TDM_DIGEST_PREFIX_BYTES);
}

/* --- Questions --- */

bool tdm_boot_is_confirmed(const struct tdm_record_log *log, uint8_t running)
{
    return running < TDM_BANKS && log->record.active == running && log->record.state != TDM_BOOT_TRIAL;
}

static bool is_on_trial(const struct tdm_record_log *log, uint8_t running)
{
    return log->record.target == running && log->record.state == TDM_BOOT_TRIAL;
}

bool tdm_boot_is_rejected(const struct tdm_record_log *log, const uint8_t image_digest[TDM_SHA256_BYTES])
{
    static const uint8_t none[TDM_DIGEST_PREFIX_BYTES];
    const uint8_t *rejected = log->record.rejected_digest;

    return memcmp(rejected, none, sizeof none) != 0 &&
           memcmp(rejected, image_digest, TDM_DIGEST_PREFIX_BYTES) == 0;
}

bool tdm__record_target_is_marked(const struct tdm_record_log *log)
{
    return tdm_bank_mark_present(log->record.target_digest, log->layout, log->record.target, log->flash);
}

/* --- Transitions --- */

int tdm_boot_begin(struct tdm_record_log *log, uint8_t running, const uint8_t image_digest[TDM_SHA256_BYTES])
{
    uint8_t state = AFTER(log, TDM__BEGIN);
    struct tdm_record next;

    if (state == TDM_BOOT_NO_STATE || !tdm_boot_is_confirmed(log, running) ||
        log->layout->bank[1 - running].bytes == 0 || tdm_boot_is_rejected(log, image_digest))
        return TDM_E_STATE;
    tdm__record_to_idle(&next, &log->record, log->record.last_reason);
    next.state = state;
    next.target = 1 - running;
    memcpy(next.target_digest, image_digest, TDM_DIGEST_PREFIX_BYTES);
    if (next.starts < UINT16_MAX)
        next.starts++;
    return tdm_record_append(log, &next);
}

int tdm_boot_receiving(struct tdm_record_log *log)
{
    struct tdm_record next = log->record;

    next.state = AFTER(log, TDM__RECEIVE);
    if (next.state == TDM_BOOT_NO_STATE)
        return TDM_E_STATE;
    return tdm_record_append(log, &next);
}

int tdm_boot_pending(struct tdm_record_log *log, uint8_t attempts)
{
    struct tdm_record next = log->record;

    if (attempts == 0)
        return TDM_E_ARGUMENT;
    next.state = AFTER(log, TDM__COMPLETE);
    if (next.state == TDM_BOOT_NO_STATE || tdm__record_target_is_marked(log))
        return TDM_E_STATE;
    next.attempts_left = attempts;
    return tdm_record_append(log, &next);
}

int tdm_boot_abandon(struct tdm_record_log *log, uint8_t reason)
{
    struct tdm_record next;

    if (AFTER(log, TDM__ABANDON) == TDM_BOOT_NO_STATE)
        return TDM_E_STATE;
    tdm__record_to_idle(&next, &log->record, reason);
    return tdm_record_append(log, &next);
}

/* The trial is of a bank that no transfer erased: its mark may have been hit by a power cut, and flash that
 * programs a unit once must not take it again. */
static bool mark_may_be_hit(const struct tdm_record_log *log)
{
    uint8_t reason = log->record.last_reason;

    return log->flash->program_once &&
           (reason == TDM_REASON_RECORD_LOST || reason == TDM_REASON_ACTIVE_INVALID);
}

int tdm_boot_confirm(struct tdm_record_log *log, uint8_t running, const struct tdm_manifest *manifest)
{
    bool hit = mark_may_be_hit(log);
    struct tdm_record next;
    int result;

    if (tdm_boot_is_confirmed(log, running))
        return TDM_OK;
    if (!is_on_trial(log, running) ||
        memcmp(log->record.target_digest, manifest->image_digest, TDM_DIGEST_PREFIX_BYTES) != 0)
        return TDM_E_STATE;
    tdm__record_to_confirmed(&next, &log->record, manifest);
    result = tdm_record_append(log, &next);
    if (result != TDM_OK)
        return result;
    if (hit || tdm_bank_mark_program(manifest->image_digest, log->layout, running, log->flash) != TDM_OK)
        tdm__record_settle(log, false);
    return TDM_OK;
}

int tdm_boot_reject(struct tdm_record_log *log, uint8_t running, uint8_t reason)
{
    struct tdm_record next;
    int result;

    if (!is_on_trial(log, running))
        return TDM_E_STATE;
    tdm__record_to_rejected(&next, &log->record, reason);
    result = tdm_record_append(log, &next);
    if (result == TDM_OK)
        tdm__record_settle(log, false);
    return result;
}
