/* What the files of the feeder share: its transitions, its calls and the ends of them. */
#ifndef TANDEM_CORE_NCP_FEEDER_H
#define TANDEM_CORE_NCP_FEEDER_H

#include "core/ncp/internal.h"

/* Takes the step, whose timer ends at due_ms. */
void tdm__feeder_enter(struct tdm_ncp *ncp, enum tdm__step step, uint32_t due_ms);

/* WAITING with this firmware. */
void tdm__feeder_begin(struct tdm_ncp *ncp, const struct tdm_ncp_firmware *firmware, uint32_t now_ms);

/* Ends the update's calls in flight; their answers do not count any more. */
void tdm__feeder_recall(struct tdm_ncp *ncp, uint32_t now_ms);

/* The MCU waits for the file from offset on. */
void tdm__feeder_send_from(struct tdm_ncp *ncp, uint32_t offset, uint32_t now_ms);

/* The one way out: tells the stage, then takes the firmware that waits. */
void tdm__feeder_end(struct tdm_ncp *ncp, enum tdm_ncp_stage stage, uint8_t reason, uint32_t now_ms);
void tdm__feeder_fail(struct tdm_ncp *ncp, uint8_t reason, uint32_t now_ms);

/* Offers anew at due_ms, or fails with reason where all offers are used up. */
void tdm__feeder_offer_again(struct tdm_ncp *ncp, uint8_t reason, uint32_t due_ms, uint32_t now_ms);

/* Tells the MCU that the update is over; then offers it anew, or fails with reason. */
void tdm__feeder_give_up(struct tdm_ncp *ncp, uint8_t reason, bool again, uint32_t now_ms);

/* Tells the network side how far it is. */
void tdm__feeder_tell(struct tdm_ncp *ncp, enum tdm_ncp_stage stage, uint8_t reason);

/* --- The calls --- */

/* The one that is answered first. */
static inline struct tdm_call *tdm__feeder_head(struct tdm_ncp *ncp)
{
    return &ncp->calls[ncp->turn];
}

/* The one behind it, of the chunk that is sent ahead. */
static inline struct tdm_call *tdm__feeder_second(struct tdm_ncp *ncp)
{
    return &ncp->calls[1 - ncp->turn];
}

void tdm__feeder_recall_ahead(struct tdm_ncp *ncp, uint32_t now_ms);

/* --- feeder_answers.c: as tdm_done_fn --- */

void tdm__feeder_offer_done(void *ctx, int error, uint8_t status, struct tdm_reader *results,
                            uint32_t now_ms);
void tdm__feeder_write_done(void *ctx, int error, uint8_t status, struct tdm_reader *results,
                            uint32_t now_ms);
void tdm__feeder_finish_done(void *ctx, int error, uint8_t status, struct tdm_reader *results,
                             uint32_t now_ms);
void tdm__feeder_cancel_done(void *ctx, int error, uint8_t status, struct tdm_reader *results,
                             uint32_t now_ms);

#endif
