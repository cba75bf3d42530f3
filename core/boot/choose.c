/* Which bank runs (docs/BOOT.md, "What the bootloader does").
 *
 *     record ---- none ----> rebuild --------------------------------------.
 *       |                                                                  |
 *       |-- pending --> record an attempt --> verify target --> run it     |
 *       |                     | can't            | invalid: roll back      |
 *       |                     v                  v                         v
 *       |-- idle, erasing, receiving ---> verify active --> run it     fall back
 *       |                     ^                  | invalid                 |
 *       |                     |                  '------------------------>|-- marked bank: run it
 *       '-- trial --> how did the last attempt end?                        |-- verified bank: record a trial
 *              | confirmed, entry lost: confirm again                      '-- none: recover
 *              | attempts left: record one --> verify target --> run it
 *              '-- none left: roll back
 *
 * Invariants:
 * - Nothing runs that was not verified in this start.
 * - A bank on trial is not read before the attempt is recorded, its confirm mark excepted.
 * - Running the active bank needs no write: where an append fails, it runs.
 * - A rejected image's header is erased only after another bank has verified. */
#include "core/boot/choose.h"

#include <string.h>

int tdm__choose_judge(struct tdm__choose *c, uint8_t bank)
{
    const struct tdm_boot_config *config = c->config;
    const struct tdm_layout *layout = config->layout;
    const struct tdm_record *record = &c->log.record;
    struct tdm_trust trust = config->trust;
    int result;

    config->arm_watchdog(config->ctx);
    trust.revoked_keys = record->revoked_keys;
    result = tdm_bank_header(&c->manifest, layout, bank, config->flash, &trust, c->buffer);
    config->feed_watchdog(config->ctx);
    if (result != TDM_OK)
        return result;
    if (c->manifest.counter < record->counter_floor)
        return TDM_E_COUNTER;
    if (bank != record->active && tdm_boot_is_rejected(&c->log, c->manifest.image_digest))
        return TDM_E_STATE;
    result = tdm_bank_verify(&c->manifest, layout, bank, config->flash, config->feed_watchdog, config->ctx);
    if (result != TDM_OK)
        return result;
    return config->check_image(config->ctx, config->flash, &layout->bank[bank],
                               layout->bank[bank].address + c->manifest.entry);
}

/* The bank that was judged last runs. */
static void run(struct tdm__choose *c, uint8_t bank, bool trial)
{
    c->choice->action = TDM_BOOT_RUN;
    c->choice->bank = bank;
    c->choice->vector_table = c->config->layout->bank[bank].address + c->manifest.entry;
    c->choice->trial = trial;
    c->config->feed_watchdog(c->config->ctx);
}

static bool is_marked(const struct tdm__choose *c, uint8_t bank)
{
    return tdm_bank_mark_present(c->manifest.image_digest, c->config->layout, bank, c->config->flash);
}

/* --- Running a confirmed bank --- */

/* The confirm of the active bank, judged last, shall survive the loss of either record unit: by its mark, or
 * by a second entry. A mark that a power cut prevented is programmed now, unless flash that programs once
 * may have been hit while it was: there it stays absent. */
static void settle(struct tdm__choose *c, uint8_t bank)
{
    const struct tdm_flash *flash = c->config->flash;
    bool marked = is_marked(c, bank);

    if (!marked && !flash->program_once && !tdm__record_is_settled(&c->log, false))
        marked = tdm_bank_mark_program(c->manifest.image_digest, c->config->layout, bank, flash) == TDM_OK &&
                 is_marked(c, bank);
    tdm__record_settle(&c->log, marked);
}

/* Erases the header of a rejected image beside bank, so that it can't run even where the record is lost.
 * Tried again at each start until it is gone. */
static void wipe_rejected(struct tdm__choose *c, uint8_t bank)
{
    const struct tdm_flash *flash = c->config->flash;
    const struct tdm_layout *layout = c->config->layout;
    uint8_t other = 1 - bank;

    if (tdm_bank_peek(&c->manifest, layout, other, flash, c->buffer) == TDM_OK &&
        tdm_boot_is_rejected(&c->log, c->manifest.image_digest)) {
        const struct tdm_region *region = &layout->bank[other];
        int result = flash->ops->erase(flash->ctx, region->address + region->bytes - layout->header_bytes);

        (void)result;
    }
}

static void run_confirmed(struct tdm__choose *c, uint8_t bank)
{
    run(c, bank, false);
    settle(c, bank);
    wipe_rejected(c, bank);
}

/* --- A bank on trial --- */

static bool is_target(const struct tdm__choose *c)
{
    return memcmp(c->manifest.image_digest, c->log.record.target_digest, TDM_DIGEST_PREFIX_BYTES) == 0;
}

/* Back to the active bank. Only an image that ran and was blamed is rejected. */
static void roll_back(struct tdm__choose *c, uint8_t reason)
{
    const struct tdm_record *record = &c->log.record;
    struct tdm_record next;
    int result;

    c->choice->reason = reason;
    c->spent = record->target;
    if (reason == TDM_REASON_WATCHDOG || reason == TDM_REASON_FAULT) {
        tdm__record_to_rejected(&next, record, reason);
    } else {
        tdm__record_to_idle(&next, record, reason);
        if (next.soft_rollbacks < UINT8_MAX)
            next.soft_rollbacks++;
    }
    result = tdm_record_append(&c->log, &next);
    (void)result; /* the active bank runs all the same; the next start rolls back again */
}

/* Records the attempt that next describes, then runs the target if it verifies. */
static bool attempt(struct tdm__choose *c, const struct tdm_record *next)
{
    if (tdm_record_append(&c->log, next) != TDM_OK) {
        c->choice->reason = TDM_REASON_FLASH;
        return false;
    }
    if (tdm__choose_judge(c, next->target) != TDM_OK || !is_target(c)) {
        roll_back(c, TDM_REASON_BANK_INVALID);
        return false;
    }
    run(c, next->target, true);
    return true;
}

static bool first_attempt(struct tdm__choose *c)
{
    struct tdm_record next = c->log.record;

    next.state = TDM_BOOT_TRIAL;
    if (next.attempts_left > 0)
        next.attempts_left--;
    return attempt(c, &next);
}

static uint8_t reason_of(enum tdm_reset_cause cause)
{
    switch (cause) {
    case TDM_RESET_SOFT:
        return TDM_REASON_RESTARTED;
    case TDM_RESET_WATCHDOG:
        return TDM_REASON_WATCHDOG;
    case TDM_RESET_FAULT:
        return TDM_REASON_FAULT;
    case TDM_RESET_NO_LINK:
        return TDM_REASON_NO_LINK;
    default:
        return TDM_REASON_POWER;
    }
}

/* The trial ended in a confirm whose entry was lost: the mark says so. */
static bool confirm_again(struct tdm__choose *c)
{
    uint8_t bank = c->log.record.target;
    struct tdm_record next;
    int result;

    if (!tdm__record_target_is_marked(&c->log) || tdm__choose_judge(c, bank) != TDM_OK || !is_target(c))
        return false;
    tdm__record_to_confirmed(&next, &c->log.record, &c->manifest);
    result = tdm_record_append(&c->log, &next);
    (void)result; /* the mark stays, and says so again */
    run_confirmed(c, bank);
    return true;
}

/* The last attempt did not confirm. A power loss says nothing about the image: while retries last it costs no
 * attempt, and the verdict is that of the last attempt that ended otherwise. */
static bool next_attempt(struct tdm__choose *c, enum tdm_reset_cause cause)
{
    struct tdm_record next = c->log.record;
    uint8_t reason = reason_of(cause);

    if (confirm_again(c))
        return true;
    if (reason != TDM_REASON_POWER || next.trial_reason == TDM_REASON_NONE)
        next.trial_reason = reason;
    if (reason == TDM_REASON_POWER && next.retries < c->config->soft_limit) {
        next.retries++;
        return attempt(c, &next);
    }
    if (next.attempts_left > 0) {
        next.attempts_left--;
        return attempt(c, &next);
    }
    roll_back(c, next.trial_reason);
    return false;
}

/* --- Falling back --- */

/* Runs a bank that is not active: at once if it was confirmed once, else as a trial, recorded first. */
static bool fall_back_to(struct tdm__choose *c, uint8_t bank)
{
    uint8_t reason = c->log.found ? TDM_REASON_ACTIVE_INVALID : TDM_REASON_RECORD_LOST;
    struct tdm_record next;
    bool marked;
    int result;

    if (bank == c->log.record.active || bank == c->spent || tdm__choose_judge(c, bank) != TDM_OK)
        return false;
    marked = is_marked(c, bank);
    tdm__record_to_idle(&next, &c->log.record, reason);
    if (marked) {
        next.active = bank;
    } else {
        next.state = TDM_BOOT_TRIAL;
        next.target = bank;
        next.attempts_left = c->config->attempts - 1;
        memcpy(next.target_digest, c->manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    }
    result = tdm_record_append(&c->log, &next);
    if (result != TDM_OK && !marked)
        return false;
    c->choice->reason = reason;
    run(c, bank, !marked);
    return true;
}

static bool fall_back(struct tdm__choose *c)
{
    return fall_back_to(c, c->first) || fall_back_to(c, 1 - c->first);
}

/* --- The choice --- */

static bool by_state(struct tdm__choose *c, enum tdm_reset_cause cause)
{
    switch (c->log.record.state) {
    case TDM_BOOT_PENDING:
        return first_attempt(c);
    case TDM_BOOT_TRIAL:
        return next_attempt(c, cause);
    default:
        return false;
    }
}

void tdm_boot_choose(struct tdm_boot_choice *choice, const struct tdm_boot_config *config,
                     enum tdm_reset_cause cause, uint8_t buffer[TDM_PACKAGE_FRONT_MAX])
{
    struct tdm__choose c;

    memset(choice, 0, sizeof *choice);
    choice->action = TDM_BOOT_RECOVER;
    choice->bank = TDM_NO_BANK;
    memset(&c, 0, sizeof c);
    c.config = config;
    c.buffer = buffer;
    c.choice = choice;
    c.spent = TDM_NO_BANK;
    if (tdm_record_load(&c.log, config->flash, config->layout) != TDM_OK)
        tdm__choose_rebuild(&c);
    if (by_state(&c, cause))
        return;
    if (tdm__choose_judge(&c, c.log.record.active) == TDM_OK) {
        run_confirmed(&c, c.log.record.active);
        return;
    }
    if (!fall_back(&c) && choice->reason == TDM_REASON_NONE)
        choice->reason = TDM_REASON_ACTIVE_INVALID;
}
