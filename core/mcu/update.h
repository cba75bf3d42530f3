/* What update.c and update_chunk.c share: the states of the dialogue, drawn at the head of update.c. */
#ifndef CORE_MCU_UPDATE_H
#define CORE_MCU_UPDATE_H

#include "core/mcu/client.h"

enum update_state {
    UPDATE_IDLE,
    UPDATE_WAITING,
    UPDATE_PREFETCHING,
    UPDATE_STARTING,
    UPDATE_RESUMING,
    UPDATE_FRONT,
    UPDATE_PLAIN,
    UPDATE_ERASING,
    UPDATE_AGREEING,
    UPDATE_WRITING,
    UPDATE_ASKING_SHA256,
    UPDATE_ASKING_CRC32,
    UPDATE_VERIFYING,
    UPDATE_APPLYING
};

enum answer { ANSWER_NONE, ANSWER_DUE, ANSWER_TRUE, ANSWER_FALSE };

/* Goes to a state. */
void tdm__update_enter(struct tdm_mcu *mcu, enum update_state state);

/* Ends the update, unless outcome (a step's) is 0: back to idle, and the co-processor learns why. */
void tdm__update_judge(struct tdm_mcu *mcu, int outcome);

/* The file comes from its start: otaUpdateStart once more. */
void tdm__update_start_over(struct tdm_mcu *mcu);

/* The call that is served is answered later, with what answer says or decide will say. Returns
 * TDM_SERVE_LATER. */
int tdm__update_answer_later(struct tdm_mcu *mcu, enum answer answer);
void tdm__update_decide(struct tdm_mcu_update *update, bool answer);

/* Sends what was decided, if it can. */
void tdm__update_flush_answer(struct tdm_mcu *mcu);

static inline bool tdm__update_takes_chunks(const struct tdm_mcu_update *update)
{
    return update->state >= UPDATE_FRONT && update->state <= UPDATE_WRITING;
}

/* No chunk is in the buffer, and none was taken. */
void tdm__update_forget_chunks(struct tdm_mcu *mcu);
/* More arrives: as tdm_mcu_stream.make_room, if there is one. */
void tdm__update_make_room(struct tdm_mcu *mcu);

/* To WRITING, by AGREEING if need be. */
void tdm__update_enter_writing(struct tdm_mcu *mcu);

/* What is in the buffer is the last of the front, or a plain image whose head was made: may it be installed?
 */
int tdm__update_leave_front(struct tdm_mcu *mcu);

/* Steps. */
int tdm__update_work_on_chunk(struct tdm_mcu *mcu);
int tdm__update_erase_unit(struct tdm_mcu *mcu);
/* The chunk in the buffer goes to flash. */
int tdm__update_program_chunk(struct tdm_mcu *mcu);

#endif
