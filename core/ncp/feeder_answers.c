/* What the MCU answers to the calls of feeder.c, or that it does not: each moves the state drawn there.
 *
 * - A chunk that is not answered goes out again, behind a resync; one that is refused, after a pause.
 * - A chunk with a send unanswered and then refused to the end may be written (docs/PROTOCOL.md, section 9):
 *   it is assumed to be, and the answer to what follows it tells.
 * - otaUpdateFinish that is refused without a reason is asked for again: what failed may be a digest's way
 *   over the line.
 * - A call that was cancelled was recalled: it does not count. */
#include "core/ncp/feeder.h"

/* The MCU said no. One with our extension says why: it did already, or will in a moment. */
static void hear(struct tdm_ncp *ncp, uint8_t reason, uint32_t now_ms)
{
    bool knows_why = ncp->reason != TDM_REASON_NONE;

    if (!knows_why)
        ncp->reason = reason;
    tdm__feeder_enter(ncp, TDM__HEARING, ncp->reports && !knows_why ? now_ms + TDM__HEARING_MS : now_ms);
}

static bool said_yes(int error, struct tdm_reader *results)
{
    return error == TDM_OK && tdm_get_bool(results) && tdm_reader_done(results);
}

void tdm__feeder_offer_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_ncp *ncp = ctx;

    (void)status;
    if (error == TDM_E_CANCELLED)
        return;
    if (error == TDM_E_TIMEOUT) {
        tdm__feeder_offer_again(ncp, TDM_REASON_NO_ANSWER, now_ms + TDM__REOFFER_PAUSE_MS, now_ms);
    } else if (said_yes(error, results)) {
        ncp->reason = TDM_REASON_NONE;
        tdm__feeder_enter(ncp, TDM__ACCEPTED, now_ms + ncp->config->start_limit_ms);
        tdm__feeder_tell(ncp, TDM_NCP_ACCEPTED, TDM_REASON_NONE);
    } else {
        hear(ncp, TDM_REASON_OFFER_REFUSED, now_ms);
    }
}

/* The chunk at offset is taken. The one that was sent ahead, if any, is the next to be answered. */
static void next_chunk(struct tdm_ncp *ncp, uint32_t now_ms)
{
    if (ncp->resends > 0) { /* the last resend may have reached a reader that was busy, and only in part */
        tdm_endpoint_resync(&ncp->endpoint);
    }
    ncp->offset += ncp->sent;
    ncp->sent = ncp->ahead;
    if (ncp->ahead > 0) {
        ncp->ahead = 0;
        ncp->turn = 1 - ncp->turn;
    }
    ncp->resends = 0;
    ncp->unanswered = false;
    ncp->due_ms = now_ms;
    tdm__feeder_tell(ncp, TDM_NCP_TRANSFERRING, TDM_REASON_NONE);
}

/* The same request again, or the end of it. */
static void resend(struct tdm_ncp *ncp, int error, uint8_t limit, uint8_t refused, uint32_t now_ms)
{
    uint8_t reason = error == TDM_E_TIMEOUT ? TDM_REASON_NO_ANSWER : refused;

    if (ncp->resends >= limit) {
        tdm__feeder_give_up(ncp, reason, true, now_ms);
        return;
    }
    ncp->unanswered = ncp->unanswered || error == TDM_E_TIMEOUT;
    ncp->resends++;
    ncp->counters.resends++;
    ncp->due_ms = now_ms;
    if (error == TDM_E_TIMEOUT)
        tdm_endpoint_resync(&ncp->endpoint);
    else
        ncp->due_ms += TDM__REFUSED_PAUSE_MS;
}

/* The chunk that was sent ahead is answered before the one at offset. The MCU takes them in order, so true is
 * for both, and false says that the first one, or its answer, was lost. */
static void ahead_done(struct tdm_ncp *ncp, int error, bool taken, uint32_t now_ms)
{
    if (error == TDM_E_TIMEOUT) { /* it goes out again in its turn */
        ncp->ahead = 0;
        return;
    }
    tdm_endpoint_cancel(&ncp->endpoint, tdm__feeder_head(ncp), now_ms);
    if (taken) {
        next_chunk(ncp, now_ms);
        next_chunk(ncp, now_ms);
    } else {
        ncp->ahead = 0;
        resend(ncp, TDM_E_TIMEOUT, TDM__RESENDS, TDM_REASON_WRITE_REFUSED, now_ms);
    }
}

void tdm__feeder_write_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_ncp *ncp = ctx;
    bool taken = said_yes(error, results);

    (void)status;
    if (error == TDM_E_CANCELLED)
        return;
    if (tdm__feeder_head(ncp)->in_flight) {
        ahead_done(ncp, error, taken, now_ms);
        return;
    }
    if (taken) {
        ncp->assumed = false;
        next_chunk(ncp, now_ms);
        return;
    }
    tdm__feeder_recall_ahead(ncp, now_ms);
    if (error != TDM_E_TIMEOUT && ncp->assumed) {
        tdm__feeder_give_up(ncp, TDM_REASON_WRITE_REFUSED, true, now_ms);
    } else if (error != TDM_E_TIMEOUT && ncp->unanswered && ncp->resends >= TDM__RESENDS) {
        ncp->assumed = true;
        next_chunk(ncp, now_ms);
    } else {
        resend(ncp, error, TDM__RESENDS, TDM_REASON_WRITE_REFUSED, now_ms);
    }
}

void tdm__feeder_finish_done(void *ctx, int error, uint8_t status, struct tdm_reader *results,
                             uint32_t now_ms)
{
    struct tdm_ncp *ncp = ctx;

    (void)status;
    if (error == TDM_E_CANCELLED)
        return;
    if (error == TDM_E_TIMEOUT) {
        resend(ncp, error, TDM__FINISH_RESENDS, TDM_REASON_FINISH_REFUSED, now_ms);
    } else if (said_yes(error, results)) {
        ncp->restart = true;
        tdm__feeder_end(ncp, TDM_NCP_INSTALLED, TDM_REASON_NONE, now_ms);
    } else if (ncp->assumed) {
        tdm__feeder_give_up(ncp, TDM_REASON_WRITE_REFUSED, true, now_ms);
    } else if (!ncp->reports && ncp->resends < TDM__FINISH_RESENDS) {
        resend(ncp, error, TDM__FINISH_RESENDS, TDM_REASON_FINISH_REFUSED, now_ms);
    } else {
        hear(ncp, TDM_REASON_FINISH_REFUSED, now_ms);
    }
}

void tdm__feeder_cancel_done(void *ctx, int error, uint8_t status, struct tdm_reader *results,
                             uint32_t now_ms)
{
    struct tdm_ncp *ncp = ctx;

    (void)status;
    (void)results;
    if (error == TDM_E_CANCELLED)
        return;
    if (ncp->again)
        tdm__feeder_offer_again(ncp, ncp->reason, now_ms + TDM__REOFFER_PAUSE_MS, now_ms);
    else
        tdm__feeder_fail(ncp, ncp->reason, now_ms);
}
