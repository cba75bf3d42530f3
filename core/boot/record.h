/* The record log inside of core/boot. */
#ifndef TANDEM_CORE_BOOT_RECORD_H
#define TANDEM_CORE_BOOT_RECORD_H

#include "core/boot/transition_table.h"
#include "tandem/boot.h"

/* Where the table leads from state by event; TDM_BOOT_NO_STATE where the event is not allowed. */
uint8_t tdm__record_next_state(uint8_t state, enum tdm__boot_event event);

/* True if losing either unit loses no decision: both say the same about what was decided for good (active,
 * floor, revoked keys, rejected digest). rederivable: a lost confirm would be found again, because the active
 * bank carries its mark. */
bool tdm__record_is_settled(const struct tdm_record_log *log, bool rederivable);

/* Appends the newest entry once more unless it is settled. Failing is no error: the decision stands, and the
 * bootloader settles again at the next start. */
void tdm__record_settle(struct tdm_record_log *log, bool rederivable);

/* Whether the target bank carries the confirm mark of target_digest. */
bool tdm__record_target_is_marked(const struct tdm_record_log *log);

/* The state "idle" that a record leads to: same active bank, nothing under way. */
void tdm__record_to_idle(struct tdm_record *next, const struct tdm_record *from, uint8_t reason);

/* Idle with the target as the new active bank. */
void tdm__record_to_confirmed(struct tdm_record *next, const struct tdm_record *from,
                              const struct tdm_manifest *manifest);

/* Idle with the target's digest rejected for good. */
void tdm__record_to_rejected(struct tdm_record *next, const struct tdm_record *from, uint8_t reason);

#endif
