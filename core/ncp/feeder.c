/* The update: a firmware file goes to the primary MCU in chunks (docs/PROTOCOL.md, sections 5 and 9).
 *
 *   NONE
 *    | a firmware to offer
 *    v
 *   WAITING <----------------------------------------------------------------------------.
 *    | initialised, not suspended                                                         |
 *    v                                                                                    |
 *   OFFERING ------ no answer ----------------------------------------------------------->|
 *    |      '------ false ---------> HEARING --> failed                                   |
 *    v true                             ^                                                 |
 *   ACCEPTED ------ no otaUpdateStart --|----------> CANCELLING --- offers left --------->|
 *    |                                  |              ^   '------- none left --> failed  |
 *    v otaUpdateStart                   |              |                                  |
 *   SENDING ------- resends used up ----|--------------'                                  |
 *    |                                  |              ^                                  |
 *    v last chunk taken                 |              |                                  |
 *   FINISHING ----- no answer ----------|--------------'                                  |
 *    |      |'----- false --------------'                                                 |
 *    |      '------ the MCU restarted --> RETURNING --- initialised, not as offered ----->|
 *    v true                                   '-------- initialised as offered --> installed
 *   installed
 *
 * A restart of the MCU in OFFERING, ACCEPTED and SENDING leads to WAITING too, while offers are left. What is
 * withdrawn up to SENDING goes to CANCELLING once no answer is awaited.
 *
 * - One call of ours is in flight at most, and nothing else of ours is sent meanwhile; two chunks are, where
 * the MCU asked for it (docs/EXTENSIONS.md, "otaUpdateWindow").
 * - An offer fits the smallest buffer in the field, 256 bytes with its CRC, and is preceded by a resync.
 * - A chunk is exactly as long as the MCU asked for, the last one excepted; a resend is the same bytes.
 * - HEARING waits for the reason that an MCU with our extension sends after it said no.
 * - otaUpdateStart is served in WAITING and OFFERING too (the answer to our offer was lost, or a bootloader
 *   goes on by itself), and in SENDING, where it starts over.
 * - An MCU that resumes (resume.c) is sent what it lacks. Each time it comes further, offers count anew.
 * - The number of offers is bounded, every step has a limit, and every end has a reason. RETURNING ends with
 *   the link; an MCU that asked for ncp.reboot there is judged whenever it comes back. */
#include "core/ncp/feeder.h"

#include <string.h>

bool tdm_ncp_updating(const struct tdm_ncp *ncp)
{
    return ncp->step != TDM__NONE;
}

bool tdm__feeder_active(const struct tdm_ncp *ncp)
{
    return ncp->step >= TDM__ACCEPTED;
}

void tdm__feeder_enter(struct tdm_ncp *ncp, enum tdm__step step, uint32_t due_ms)
{
    ncp->step = (uint8_t)step;
    ncp->due_ms = due_ms;
    ncp->resends = 0;
}

void tdm__feeder_tell(struct tdm_ncp *ncp, enum tdm_ncp_stage stage, uint8_t reason)
{
    struct tdm_ncp_progress progress = {
        .stage = stage,
        .id = ncp->firmware.id,
        .bytes = ncp->offset,
        .size = ncp->firmware.bytes,
        .wire_bytes = ncp->wire_bytes,
        .reason = reason,
    };

    ncp->config->ops->progress(ncp->config->ctx, &progress);
}

void tdm__feeder_begin(struct tdm_ncp *ncp, const struct tdm_ncp_firmware *firmware, uint32_t now_ms)
{
    ncp->firmware = *firmware;
    ncp->offers = 0;
    ncp->offset = 0;
    ncp->resumed = 0;
    ncp->wire_bytes = 0;
    ncp->reason = TDM_REASON_NONE;
    ncp->withdrawn = TDM_REASON_NONE;
    tdm__feeder_enter(ncp, TDM__WAITING, now_ms);
}

void tdm__feeder_end(struct tdm_ncp *ncp, enum tdm_ncp_stage stage, uint8_t reason, uint32_t now_ms)
{
    tdm__feeder_tell(ncp, stage, reason);
    ncp->step = TDM__NONE;
    if (ncp->has_next) {
        ncp->has_next = false;
        tdm__feeder_begin(ncp, &ncp->next, now_ms);
    }
}

void tdm__feeder_fail(struct tdm_ncp *ncp, uint8_t reason, uint32_t now_ms)
{
    tdm__feeder_end(ncp, TDM_NCP_FAILED, reason, now_ms);
}

void tdm__feeder_offer_again(struct tdm_ncp *ncp, uint8_t reason, uint32_t due_ms, uint32_t now_ms)
{
    if (ncp->offers < ncp->config->offers)
        tdm__feeder_enter(ncp, TDM__WAITING, due_ms);
    else
        tdm__feeder_fail(ncp, reason, now_ms);
}

void tdm__feeder_give_up(struct tdm_ncp *ncp, uint8_t reason, bool again, uint32_t now_ms)
{
    ncp->reason = reason;
    ncp->again = again;
    tdm__feeder_enter(ncp, TDM__CANCELLING, now_ms);
}

void tdm__feeder_recall_ahead(struct tdm_ncp *ncp, uint32_t now_ms)
{
    ncp->ahead = 0;
    tdm_endpoint_cancel(&ncp->endpoint, tdm__feeder_second(ncp), now_ms);
}

void tdm__feeder_recall(struct tdm_ncp *ncp, uint32_t now_ms)
{
    tdm__feeder_recall_ahead(ncp, now_ms);
    tdm_endpoint_cancel(&ncp->endpoint, tdm__feeder_head(ncp), now_ms);
}

void tdm__feeder_send_from(struct tdm_ncp *ncp, uint32_t offset, uint32_t now_ms)
{
    tdm__feeder_recall(ncp, now_ms);
    ncp->window = 1;
    ncp->offset = offset;
    ncp->unanswered = false;
    ncp->assumed = false;
    tdm__feeder_enter(ncp, TDM__SENDING, now_ms + TDM__START_PAUSE_MS);
}

/* --- Steps: each starts what is due and returns when to look again --- */

/* The name, as far as the whole frame fits the smallest buffer in the field. */
static void put_name(struct tdm_writer *args, const struct tdm_ncp_firmware *firmware)
{
    size_t others = strlen(firmware->type) + strlen(firmware->version) + strlen(firmware->build);
    size_t room = TDM__OFFER_BYTES - TDM__OFFER_HEAD_BYTES - others;
    char name[sizeof firmware->name];

    memcpy(name, firmware->name, sizeof name);
    if (strlen(name) > room)
        name[room] = '\0';
    tdm_put_string(args, name);
}

static uint32_t offer(struct tdm_ncp *ncp, uint32_t now_ms)
{
    const struct tdm_ncp_firmware *firmware = &ncp->firmware;
    struct tdm_writer args;

    if (!ncp->initialized)
        return UINT32_MAX;
    if (tdm_endpoint_open(&ncp->endpoint, TDM_UID_OTA_AVAILABLE, false, &args) != TDM_OK)
        return TDM__SOON_MS;
    put_name(&args, firmware);
    tdm_put_u32(&args, firmware->bytes);
    tdm_put_string(&args, firmware->type);
    tdm_put_string(&args, firmware->version);
    tdm_put_string(&args, firmware->build);
    if (tdm_endpoint_commit(&ncp->endpoint, &args, tdm__feeder_head(ncp), TDM__OFFER_MS,
                            tdm__feeder_offer_done, ncp, now_ms) != TDM_OK)
        return TDM__SOON_MS;
    tdm_endpoint_resync(&ncp->endpoint);
    ncp->offers++;
    ncp->offset = 0;
    ncp->reason = TDM_REASON_NONE;
    tdm__feeder_enter(ncp, TDM__OFFERING, now_ms);
    tdm__feeder_tell(ncp, TDM_NCP_OFFERED, TDM_REASON_NONE);
    return TDM__OFFER_MS;
}

static uint32_t no_start(struct tdm_ncp *ncp, uint32_t now_ms)
{
    tdm__feeder_give_up(ncp, TDM_REASON_NO_START, true, now_ms);
    return 0;
}

/* A resend is the same call again: the answer to any of its sends counts, however late. */
static int open_step(struct tdm_ncp *ncp, uint16_t uid, struct tdm_writer *args)
{
    return ncp->resends > 0 ? tdm_endpoint_open_again(&ncp->endpoint, uid, tdm__feeder_head(ncp), args)
                            : tdm_endpoint_open(&ncp->endpoint, uid, false, args);
}

/* Reads the chunk at offset. Returns its bytes, 0 if it can't be read. */
static uint16_t load(struct tdm_ncp *ncp, uint32_t offset)
{
    uint32_t left = ncp->firmware.bytes - offset;
    uint16_t bytes = left < ncp->chunk_bytes ? (uint16_t)left : ncp->chunk_bytes;
    int error = ncp->config->ops->read(ncp->config->ctx, ncp->firmware.id, offset, ncp->chunk, bytes);

    return error == TDM_OK ? bytes : 0;
}

/* Sends what was loaded. */
static int commit_chunk(struct tdm_ncp *ncp, struct tdm_writer *args, struct tdm_call *call, uint32_t offset,
                        uint16_t bytes, uint32_t now_ms)
{
    tdm_put_u32(args, offset);
    tdm_put_binary(args, ncp->chunk, bytes);
    tdm_put_u32(args, tdm_crc32(0, ncp->chunk, bytes));
    return tdm_endpoint_commit(&ncp->endpoint, args, call, TDM__WRITE_MS, tdm__feeder_write_done, ncp,
                               now_ms);
}

static uint32_t write_chunk(struct tdm_ncp *ncp, uint32_t now_ms)
{
    struct tdm_writer args;

    if (ncp->offset == ncp->firmware.bytes) {
        tdm__feeder_enter(ncp, TDM__FINISHING, now_ms);
        tdm__feeder_tell(ncp, TDM_NCP_VERIFYING, TDM_REASON_NONE);
        return 0;
    }
    ncp->sent = load(ncp, ncp->offset);
    if (ncp->sent == 0) {
        tdm__feeder_give_up(ncp, TDM_REASON_STORAGE, false, now_ms);
        return 0;
    }
    if (open_step(ncp, TDM_UID_OTA_WRITE, &args) != TDM_OK ||
        commit_chunk(ncp, &args, tdm__feeder_head(ncp), ncp->offset, ncp->sent, now_ms) != TDM_OK)
        return TDM__SOON_MS;
    return 0;
}

static uint32_t finish(struct tdm_ncp *ncp, uint32_t now_ms)
{
    struct tdm_writer args;

    if (open_step(ncp, TDM_UID_OTA_FINISH, &args) != TDM_OK ||
        tdm_endpoint_commit(&ncp->endpoint, &args, tdm__feeder_head(ncp), TDM__FINISH_MS,
                            tdm__feeder_finish_done, ncp, now_ms) != TDM_OK)
        return TDM__SOON_MS;
    return TDM__FINISH_MS;
}

static uint32_t heard_enough(struct tdm_ncp *ncp, uint32_t now_ms)
{
    tdm__feeder_fail(ncp, ncp->reason, now_ms);
    return 0;
}

static uint32_t cancel(struct tdm_ncp *ncp, uint32_t now_ms)
{
    if (tdm_endpoint_call(&ncp->endpoint, TDM_UID_OTA_CANCEL, tdm__feeder_head(ncp), TDM__CANCEL_MS,
                          tdm__feeder_cancel_done, ncp, now_ms) != TDM_OK)
        return TDM__SOON_MS;
    return TDM__CANCEL_MS;
}

/* Looked at in every poll: a time long past would come to lie in the future when the clock wraps. */
static void end_suspension(struct tdm_ncp *ncp, uint32_t now_ms)
{
    if (tdm__until(ncp->resume_ms, now_ms) == 0)
        ncp->suspended = false;
}

/* A suspension holds back offers and chunks, nothing else. */
static bool is_held(const struct tdm_ncp *ncp)
{
    return ncp->suspended && (ncp->step == TDM__WAITING || ncp->step == TDM__SENDING);
}

/* With a window, the chunk behind the one that awaits its answer goes out, too; not while that one is sent
 * again. */
static bool may_send_ahead(const struct tdm_ncp *ncp)
{
    return ncp->step == TDM__SENDING && ncp->window > 1 && ncp->ahead == 0 && ncp->resends == 0 &&
           ncp->calls[ncp->turn].in_flight && ncp->offset + ncp->sent < ncp->firmware.bytes &&
           !ncp->suspended && ncp->withdrawn == TDM_REASON_NONE && !ncp->restart && ncp->switch_to == 0;
}

static uint32_t send_ahead(struct tdm_ncp *ncp, uint32_t now_ms)
{
    uint32_t offset = ncp->offset + ncp->sent;
    uint16_t bytes = load(ncp, offset);
    struct tdm_writer args;

    if (bytes == 0) { /* what is wrong shows when its turn comes */
        ncp->window = 1;
        return 0;
    }
    if (tdm_endpoint_open(&ncp->endpoint, TDM_UID_OTA_WRITE, false, &args) != TDM_OK ||
        commit_chunk(ncp, &args, tdm__feeder_second(ncp), offset, bytes, now_ms) != TDM_OK)
        return TDM__SOON_MS;
    ncp->ahead = bytes;
    return 0;
}

uint32_t tdm__feeder_poll(struct tdm_ncp *ncp, uint32_t now_ms)
{
    static uint32_t (*const steps[])(struct tdm_ncp *, uint32_t) = {
        [TDM__WAITING] = offer,    [TDM__ACCEPTED] = no_start,    [TDM__SENDING] = write_chunk,
        [TDM__FINISHING] = finish, [TDM__HEARING] = heard_enough, [TDM__CANCELLING] = cancel,
    };
    uint32_t wait_ms = tdm__until(ncp->due_ms, now_ms);

    end_suspension(ncp, now_ms);
    if (may_send_ahead(ncp))
        return send_ahead(ncp, now_ms);
    if (ncp->step >= sizeof steps / sizeof steps[0] || steps[ncp->step] == NULL || !tdm__may_call(ncp))
        return UINT32_MAX;
    if (ncp->withdrawn != TDM_REASON_NONE && ncp->step <= TDM__SENDING) {
        tdm__feeder_give_up(ncp, ncp->withdrawn, false, now_ms);
        ncp->withdrawn = TDM_REASON_NONE;
        return 0;
    }
    if (is_held(ncp))
        return tdm__until(ncp->resume_ms, now_ms);
    return wait_ms > 0 ? wait_ms : steps[ncp->step](ncp, now_ms);
}
