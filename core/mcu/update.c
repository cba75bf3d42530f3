/* The update dialogue (docs/PROTOCOL.md, section 5).
 *
 *     IDLE       offer accepted
 *     WAITING    battery, good moment, prepare
 *     STARTING   otaUpdateStart: true
 *     FRONT      the front verified, policy
 *     ERASING    one unit per poll
 *     WRITING    otaUpdateFinish
 *     ASKING_SHA256, ASKING_CRC32
 *     VERIFYING  pending recorded, otaUpdateFinish answered true
 *     APPLYING   reset
 *
 * Besides:
 *
 * - With a role (hand_over.c) WAITING leads to PREFETCHING, and that, once the co-processor has the file, to
 *   APPLYING: the bootloader goes on.
 * - A file that is no package leads from FRONT to PLAIN (plain.c), where the product takes such files, and
 *   on as if its front had verified.
 * - An ERASING that left the image's start in place (resume.c) leads to RESUMING, and that, once
 *   otaUpdateResume was answered with true, to WRITING; if it is refused, to STARTING once more.
 * - Where the line does not wait for the flash (stream.c), AGREEING stands before WRITING: how many chunks
 *   are in flight.
 * - All but APPLYING end in IDLE: by a refusal, an error, a cancel, silence, a new offer, a lost link.
 *
 * A handler checks a chunk and copies it; the work is done from poll, and the call is answered when it is
 * done (programmed, that is), or before where stream.c says so. The co-processor sends a chunk again
 * when its answer takes over 5 s, as a slow erase or a signature check may: the same chunk again only changes
 * which call the answer is for. Six sends of 5 s each bound what erasing may take: 30 s.
 *
 * Invariants: nothing is written to flash before FRONT ended well. From then on the record says erasing or
 * receiving, until pending or abandon; it stays with receiving where nothing but the line ended the update,
 * so that it can go on. One call of theirs at most waits for its answer. While a call of ours is asked, or
 * wake_ms is to come, there is nothing to do. */
#include "core/mcu/update.h"

enum {
    DEFAULT_PATIENCE_MS = 300000,
    WAIT_PACE_MS = 100, /* between two looks at the battery and the moment */
    START_PAUSE_MS = 1000,
    START_TRIES = 5,
    CALL_TIMEOUT_MS = 1000
};

void tdm__update_enter(struct tdm_mcu *mcu, enum update_state state)
{
    mcu->update.state = (uint8_t)state;
    mcu->update.tries = 0;
    mcu->update.wake_ms = mcu->now_ms;
}

static bool is_finishing(const struct tdm_mcu_update *update)
{
    return update->state >= UPDATE_ASKING_SHA256 && update->state <= UPDATE_VERIFYING;
}

/* --- Answers --- */

int tdm__update_answer_later(struct tdm_mcu *mcu, enum answer answer)
{
    mcu->update.answer_id = mcu->serving;
    mcu->update.answer = (uint8_t)answer;
    return TDM_SERVE_LATER;
}

void tdm__update_decide(struct tdm_mcu_update *update, bool answer)
{
    if (update->answer == ANSWER_DUE)
        update->answer = answer ? ANSWER_TRUE : ANSWER_FALSE;
}

/* Sends what was decided; without room it waits for the next poll. A refusal lets its reason go first, and
 * waits until it is known whether the co-processor takes reasons. */
void tdm__update_flush_answer(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;
    bool yes = update->answer == ANSWER_TRUE;

    if (update->answer < ANSWER_TRUE || (!yes && tdm__report_holds_answers(mcu)))
        return;
    if (tdm_station_answer(&mcu->station, update->answer_id, yes ? TDM_SERVE_TRUE : TDM_SERVE_FALSE))
        update->answer = ANSWER_NONE;
}

/* --- The end of an update --- */

/* The update works on the bank, and the record says so. */
static bool has_bank(const struct tdm_mcu_update *update)
{
    return update->state == UPDATE_RESUMING || update->state >= UPDATE_ERASING;
}

/* Nothing is wrong with what arrived: the same package may go on there (R2). */
static bool may_go_on(uint8_t reason)
{
    return reason == TDM_REASON_SILENCE || reason == TDM_REASON_NCP_RESTART ||
           reason == TDM_REASON_CANCELLED || reason == TDM_REASON_SUPERSEDED;
}

/* The record may refuse to be written: then it says receiving until the next update begins, which is safe. */
static uint8_t give_up_bank(struct tdm_mcu *mcu, uint8_t reason)
{
    uint8_t state = mcu->log.record.state;

    if (state != TDM_BOOT_ERASING && (state != TDM_BOOT_RECEIVING || may_go_on(reason)))
        return reason;
    return tdm_boot_abandon(&mcu->log, reason) == TDM_OK ? reason : (uint8_t)TDM_REASON_FLASH;
}

/* Back to idle without a word to the co-processor, which knows. */
static void end(struct tdm_mcu *mcu, uint8_t reason)
{
    struct tdm_mcu_update *update = &mcu->update;

    if (update->state == UPDATE_IDLE || update->state == UPDATE_APPLYING)
        return;
    if (has_bank(update)) {
        reason = give_up_bank(mcu, reason);
        /* An offer that only waited does not make the next one wait longer. */
        mcu->file.settled_ms = mcu->now_ms;
    }
    tdm__update_enter(mcu, UPDATE_IDLE);
    tdm__update_decide(update, false);
    tdm__drop(mcu, &mcu->calls.update);
    tdm__emit_value(mcu, TDM_MCU_UPDATE_ENDED, reason);
}

void tdm__update_judge(struct tdm_mcu *mcu, int outcome)
{
    if (outcome == 0)
        return;
    if (outcome < 0)
        outcome = tdm_reason_of_error(outcome);
    tdm__report_failed(mcu, (uint8_t)outcome);
    end(mcu, (uint8_t)outcome);
}

/* --- otaUpdateAvailable --- */

void tdm__update_enter_writing(struct tdm_mcu *mcu)
{
    tdm__update_enter(mcu, mcu->config->stream != NULL ? UPDATE_AGREEING : UPDATE_WRITING);
    mcu->file.since_ms = mcu->now_ms;
}

static void rewind_file(struct tdm_mcu *mcu)
{
    mcu->file.offset = 0;
    mcu->install.stored = false;
    tdm__update_forget_chunks(mcu);
    tdm_front_init(&mcu->front, mcu->config->work->front);
}

void tdm__update_start_over(struct tdm_mcu *mcu)
{
    rewind_file(mcu);
    tdm__update_enter(mcu, UPDATE_STARTING);
}

static int refuse_offer(struct tdm_mcu *mcu, uint8_t reason)
{
    tdm__report_failed(mcu, reason);
    tdm__emit_value(mcu, TDM_MCU_UPDATE_ENDED, reason);
    return tdm__update_answer_later(mcu, ANSWER_FALSE);
}

int tdm__serve_available(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    struct tdm_mcu_update *update = &mcu->update;
    uint32_t file_bytes;
    const char *type, *version, *build;
    uint8_t reason;

    (void)tdm_get_string(args); /* file name: says nothing */
    file_bytes = tdm_get_u32(args);
    type = tdm_get_string(args);
    version = tdm_get_string(args);
    build = tdm_get_string(args);
    if (!tdm_reader_done(args))
        return TDM_STATUS_ARGS_READ;
    if (mcu->leaving || is_finishing(update))
        return TDM_SERVE_FALSE;
    end(mcu, TDM_REASON_SUPERSEDED);
    tdm__report_drop_failed(mcu); /* it would end the new offer */
    rewind_file(mcu);
    mcu->file.bytes = file_bytes;
    reason = tdm__policy_offer(mcu, type, version);
    if (reason != TDM_REASON_NONE)
        return refuse_offer(mcu, reason);
    update->answer = ANSWER_NONE;
    update->anew = false;
    mcu->file.since_ms = mcu->now_ms;
    tdm__update_enter(mcu, UPDATE_WAITING);
    if (mcu->config->plain != NULL)
        mcu->config->plain->offered(mcu, type, version, build);
    tdm__emit_value(mcu, TDM_MCU_UPDATE_OFFERED, 0);
    return TDM_SERVE_TRUE;
}

/* ---- WAITING ---- */

static int await_moment(struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;
    struct tdm_mcu_update *update = &mcu->update;
    uint32_t patience_ms = config->patience_ms != 0 ? config->patience_ms : DEFAULT_PATIENCE_MS;
    int ready = TDM_E_BUSY;
    uint8_t reason;

    update->wake_ms = mcu->now_ms + 1;
    if (!tdm_station_idle(&mcu->station))
        return 0; /* the answer to the offer goes first */
    reason = tdm__policy_wait(mcu);
    if (reason == TDM_REASON_NONE)
        ready = config->ops->prepare != NULL ? config->ops->prepare(config->ctx) : TDM_OK;
    if (ready == TDM_OK)
        tdm__update_enter(mcu, config->role != NULL ? UPDATE_PREFETCHING : UPDATE_STARTING);
    else if (ready != TDM_E_BUSY || tdm__is_past(mcu, mcu->file.since_ms + patience_ms))
        return reason != TDM_REASON_NONE ? reason : TDM_REASON_NOT_NOW;
    else
        update->wake_ms = mcu->now_ms + WAIT_PACE_MS;
    return 0;
}

/* ---- STARTING ---- */

static void put_chunk_bytes(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u16(args, mcu->config->chunk_bytes);
}

static void start_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_update *update = &mcu->update;

    if (tdm__is_yes(error, results)) {
        tdm__update_enter(mcu, UPDATE_FRONT);
        mcu->file.since_ms = mcu->now_ms;
    } else if (++update->tries >= START_TRIES) {
        tdm__update_judge(mcu, TDM_REASON_START_REFUSED);
    } else {
        update->wake_ms = mcu->now_ms + START_PAUSE_MS;
    }
}

/* --- otaUpdateFinish --- */

/* Those of the file. Of an encoded payload that was entered in the middle they can't be made again; what is
 * signed is the image's digest in any case. */
static bool knows_digests(const struct tdm_mcu *mcu)
{
    return !(mcu->install.resumes && tdm__is_encoded(mcu));
}

int tdm__serve_finish(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    struct tdm_mcu_update *update = &mcu->update;

    (void)args;
    if (is_finishing(update))
        return tdm__update_answer_later(mcu, ANSWER_DUE);
    tdm__update_make_room(mcu);
    if (update->state == UPDATE_APPLYING)
        return TDM_SERVE_TRUE;
    if (!tdm__update_takes_chunks(update))
        return TDM_SERVE_FALSE;
    (void)tdm__update_answer_later(mcu, ANSWER_DUE);
    if (update->state == UPDATE_WRITING && mcu->file.offset == mcu->file.bytes)
        tdm__update_enter(mcu, knows_digests(mcu) ? UPDATE_ASKING_SHA256 : UPDATE_VERIFYING);
    else
        tdm__update_judge(mcu, update->state == UPDATE_FRONT ? TDM_REASON_PACKAGE : TDM_REASON_CHUNK);
    return TDM_SERVE_LATER;
}

/* ---- ASKING_SHA256, ASKING_CRC32: digests of the co-processor's, where it has them ---- */

static void digest_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    uint8_t ours[TDM_SHA256_BYTES];
    const uint8_t *theirs;
    uint16_t bytes;
    bool same;

    if (mcu->update.state == UPDATE_ASKING_CRC32) {
        same = tdm_get_u32(results) == mcu->file.crc32;
    } else {
        theirs = tdm_get_binary(results, &bytes);
        tdm_sha256_result(&mcu->config->work->writing.sha256, ours);
        same = bytes == sizeof ours && tdm_equal(ours, theirs, sizeof ours);
    }
    if (tdm__is_yes(error, results) && !same)
        tdm__update_judge(mcu, TDM_REASON_DIGEST);
    else
        tdm__update_enter(mcu, (enum update_state)(mcu->update.state + 1));
}

/* ---- VERIFYING ---- */

static int verify(struct tdm_mcu *mcu)
{
    int error = tdm__install_verify(mcu);

    if (error == TDM_OK)
        error = tdm_boot_pending(&mcu->log, mcu->config->attempts);
    if (error != TDM_OK)
        return error;
    tdm__update_enter(mcu, UPDATE_APPLYING);
    tdm__update_decide(&mcu->update, true);
    tdm__emit_value(mcu, TDM_MCU_UPDATE_READY, 0);
    tdm__leave(mcu, TDM_RESET_SOFT);
    return 0;
}

/* --- otaUpdateCancel, and the link --- */

int tdm__serve_cancel(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    (void)args;
    end(mcu, TDM_REASON_CANCELLED);
    return TDM_STATUS_OK;
}

void tdm__update_link_lost(struct tdm_mcu *mcu)
{
    end(mcu, TDM_REASON_NCP_RESTART);
    mcu->update.answer = ANSWER_NONE;
    tdm__report_drop_failed(mcu);
}

/* --- The whole --- */

/* A time long past must not come to lie in the future when the clock wraps. */
static uint32_t rest(struct tdm_mcu *mcu)
{
    if (mcu->now_ms - mcu->file.settled_ms > INT32_MAX / 2)
        mcu->file.settled_ms = mcu->now_ms - INT32_MAX / 2;
    return TDM__NEVER;
}

/* What is asked in a state that waits for nothing else. */
static const struct tdm_question *question_of(const struct tdm_mcu *mcu)
{
    static const struct tdm_question start = {TDM_UID_OTA_START, CALL_TIMEOUT_MS, put_chunk_bytes,
                                              start_done};
    static const struct tdm_question sha256 = {TDM_UID_OTA_GET_SHA256, CALL_TIMEOUT_MS, NULL, digest_done};
    static const struct tdm_question crc32 = {TDM_UID_OTA_GET_CRC32, CALL_TIMEOUT_MS, NULL, digest_done};

    switch (mcu->update.state) {
    case UPDATE_PREFETCHING:
        return mcu->config->role->question;
    case UPDATE_STARTING:
        return &start;
    case UPDATE_RESUMING:
        return mcu->config->resume->question;
    case UPDATE_PLAIN:
        return mcu->config->plain->question;
    case UPDATE_ASKING_SHA256:
        return &sha256;
    default:
        return &crc32;
    }
}

static int agree(struct tdm_mcu *mcu)
{
    return mcu->config->stream->agree(mcu);
}

static int ask(struct tdm_mcu *mcu)
{
    tdm__ask(mcu, &mcu->calls.update, question_of(mcu));
    return 0;
}

static int (*const steps[])(struct tdm_mcu *mcu) = {
    [UPDATE_WAITING] = await_moment,
    [UPDATE_PREFETCHING] = ask,
    [UPDATE_STARTING] = ask,
    [UPDATE_RESUMING] = ask,
    [UPDATE_FRONT] = tdm__update_work_on_chunk,
    [UPDATE_PLAIN] = ask,
    [UPDATE_ERASING] = tdm__update_erase_unit,
    [UPDATE_AGREEING] = agree,
    [UPDATE_WRITING] = tdm__update_work_on_chunk,
    [UPDATE_ASKING_SHA256] = ask,
    [UPDATE_ASKING_CRC32] = ask,
    [UPDATE_VERIFYING] = verify,
    [UPDATE_APPLYING] = NULL,
};

uint32_t tdm__update_poll(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;
    uint32_t wait_ms = TDM__NEVER;

    if (steps[update->state] == NULL) {
        wait_ms = rest(mcu);
    } else if (!tdm__is_asked(&mcu->calls.update)) {
        if (tdm__is_past(mcu, update->wake_ms)) {
            update->wake_ms = mcu->now_ms;
            tdm__update_judge(mcu, steps[update->state](mcu));
        }
        wait_ms = tdm__time_left(mcu, update->wake_ms);
    }
    tdm__update_flush_answer(mcu);
    return update->answer >= ANSWER_TRUE ? 1 : wait_ms;
}

bool tdm_mcu_is_updating(const struct tdm_mcu *mcu)
{
    return mcu->update.state != UPDATE_IDLE;
}
