/* What the MCU, the line and the network side do to the update: each moves the state that feeder.c drew. */
#include "core/ncp/feeder.h"

#include <string.h>

/* --- What the MCU does --- */

/* The largest chunk of ours for an MCU that would take more: whole program units of any flash. */
enum { CHUNK_OF_CHOICE = 1024 };

bool tdm__feeder_start(struct tdm_ncp *ncp, uint16_t chunk, uint32_t now_ms)
{
    if (ncp->step < TDM__WAITING || ncp->step > TDM__SENDING || chunk < TDM_NCP_CHUNK_MIN)
        return false;
    ncp->chunk_bytes = chunk <= TDM_NCP_CHUNK_MAX ? chunk : CHUNK_OF_CHOICE;
    tdm__feeder_send_from(ncp, 0, now_ms);
    return true;
}

bool tdm__feeder_window(struct tdm_ncp *ncp, uint8_t chunks)
{
    if (ncp->step != TDM__SENDING || chunks == 0)
        return false;
    ncp->window = chunks < TDM__WINDOW_MAX ? chunks : TDM__WINDOW_MAX;
    return true;
}

bool tdm__feeder_suspend(struct tdm_ncp *ncp, uint16_t seconds, uint32_t now_ms)
{
    if (seconds > TDM__SUSPEND_MAX_S)
        return false;
    ncp->suspended = seconds > 0;
    ncp->resume_ms = now_ms + seconds * 1000u;
    if (ncp->suspended && ncp->step == TDM__ACCEPTED)
        ncp->due_ms = ncp->resume_ms + ncp->config->start_limit_ms;
    return true;
}

/* The MCU restarted while it handled otaUpdateFinish, whose answer never came: what runs now tells the
 * outcome. */
static void judge(struct tdm_ncp *ncp, uint32_t now_ms)
{
    const struct tdm_ncp_firmware *sent = &ncp->firmware;
    const struct tdm_tag *runs = &ncp->device.firmware;

    if (sent->version[0] != '\0' && strcmp(sent->version, runs->version) == 0 &&
        strcmp(sent->build, runs->build) == 0)
        tdm__feeder_end(ncp, TDM_NCP_INSTALLED, TDM_REASON_NONE, now_ms);
    else
        tdm__feeder_offer_again(ncp, TDM_REASON_NO_ANSWER, now_ms + TDM__OFFER_PAUSE_MS, now_ms);
}

void tdm__feeder_mcu_restarted(struct tdm_ncp *ncp, bool initialized, uint32_t now_ms)
{
    if (ncp->step == TDM__NONE)
        return;
    tdm__feeder_recall(ncp, now_ms);
    if (ncp->step == TDM__FINISHING)
        tdm__feeder_enter(ncp, TDM__RETURNING, now_ms);
    if (ncp->step == TDM__RETURNING) {
        if (initialized)
            judge(ncp, now_ms);
    } else if (ncp->step == TDM__HEARING || (ncp->step == TDM__CANCELLING && !ncp->again)) {
        tdm__feeder_fail(ncp, ncp->reason, now_ms);
    } else {
        tdm__feeder_offer_again(ncp, TDM_REASON_NO_ANSWER, now_ms + TDM__OFFER_PAUSE_MS, now_ms);
    }
}

void tdm__feeder_mcu_failed(struct tdm_ncp *ncp, uint8_t reason, uint32_t now_ms)
{
    /* One that speaks of a cancel speaks of an update that ended before. */
    if (reason == TDM_REASON_NONE || reason == TDM_REASON_CANCELLED)
        return;
    switch (ncp->step) {
    case TDM__OFFERING:
        ncp->reason = reason;
        break;
    case TDM__CANCELLING: /* its first report was lost, and it was given up without a reason */
        ncp->reason = ncp->again ? reason : ncp->reason;
        ncp->again = false;
        break;
    case TDM__WAITING:
        if (ncp->offers > 0)
            tdm__feeder_fail(ncp, reason, now_ms);
        break;
    case TDM__ACCEPTED:
    case TDM__SENDING:
    case TDM__FINISHING:
    case TDM__HEARING:
        tdm__feeder_recall(ncp, now_ms);
        tdm__feeder_fail(ncp, reason, now_ms);
        break;
    default:
        break;
    }
}

void tdm__feeder_link_lost(struct tdm_ncp *ncp, uint32_t now_ms)
{
    bool asked = ncp->step > TDM__WAITING || ncp->offers > 0;

    if (ncp->step != TDM__NONE && asked)
        tdm__feeder_fail(ncp, TDM_REASON_NO_ANSWER, now_ms);
}

void tdm__feeder_reopened(struct tdm_ncp *ncp, uint32_t now_ms)
{
    if (ncp->step == TDM__OFFERING)
        tdm__feeder_offer_again(ncp, TDM_REASON_NO_ANSWER, now_ms + TDM__OFFER_PAUSE_MS, now_ms);
}

/* --- What the network side does --- */

/* next never came to its turn. */
static void drop_next(struct tdm_ncp *ncp, uint8_t reason)
{
    struct tdm_ncp_progress progress = {
        .stage = TDM_NCP_FAILED,
        .id = ncp->next.id,
        .size = ncp->next.bytes,
        .reason = reason,
    };

    ncp->has_next = false;
    ncp->config->ops->progress(ncp->config->ctx, &progress);
}

/* Ends it once no answer is awaited: the MCU hears nothing before it gave the one that it is at. */
static void withdraw(struct tdm_ncp *ncp, uint8_t reason, uint32_t now_ms)
{
    bool asked = ncp->step > TDM__WAITING || ncp->offers > 0;

    if (ncp->step == TDM__RETURNING || (ncp->step == TDM__WAITING && !asked)) {
        tdm__feeder_fail(ncp, reason, now_ms);
    } else if (ncp->step >= TDM__WAITING && ncp->step <= TDM__SENDING) {
        ncp->withdrawn = reason;
    } /* what is left is over by itself in a moment */
}

int tdm_ncp_offer(struct tdm_ncp *ncp, const struct tdm_ncp_firmware *firmware, uint32_t now_ms)
{
    const struct tdm_ncp_firmware *latest = ncp->has_next ? &ncp->next : &ncp->firmware;

    if (firmware->bytes == 0)
        return TDM_E_ARGUMENT;
    if (ncp->step == TDM__NONE) {
        tdm__feeder_begin(ncp, firmware, now_ms);
        return TDM_OK;
    }
    if (memcmp(latest->sha256, firmware->sha256, sizeof latest->sha256) == 0)
        return TDM_E_BUSY;
    if (ncp->has_next)
        drop_next(ncp, TDM_REASON_SUPERSEDED);
    ncp->next = *firmware;
    ncp->has_next = true;
    if (ncp->step != TDM__FINISHING && ncp->step != TDM__RETURNING)
        withdraw(ncp, TDM_REASON_SUPERSEDED, now_ms);
    return TDM_OK;
}

void tdm_ncp_withdraw(struct tdm_ncp *ncp, enum tdm_reason reason, uint32_t now_ms)
{
    if (ncp->has_next)
        drop_next(ncp, (uint8_t)reason);
    withdraw(ncp, (uint8_t)reason, now_ms);
}
