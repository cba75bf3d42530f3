/* The chunks of an update: taken by otaUpdateWrite, worked on from poll, one at a time.
 *
 *     none --otaUpdateWrite: next in order, CRC good--> in the buffer
 *     in the buffer --front fed, checked, or programmed--> none
 *
 * When the call is answered:
 *
 * - As a rule once the chunk is worked on: a failure is the answer.
 * - With two in flight likewise. The next one arrives meanwhile, and the one behind that is not sent before.
 * - In WRITING, where the driver receives while flash is written and the co-processor has no window, once it
 * is in the buffer: a failure is the answer to what comes next.
 *
 * So what arrives while flash is written is one chunk at most. A chunk that comes again while it is worked on
 * only changes which call the answer is for (R11). */
#include "core/mcu/update.h"

#include <string.h>

enum {
    SILENCE_MS = 60000,
    BAD_CHUNKS = 8 /* in a row; the co-processor gives up after 6 */
};

/* --- otaUpdateWrite --- */

void tdm__update_forget_chunks(struct tdm_mcu_update *update)
{
    update->chunk_bytes = 0;
    update->window = 0;
    memset(update->taken, 0, sizeof update->taken);
}

static bool is_same(const struct tdm_mcu_taken *taken, uint32_t offset, uint16_t bytes, uint32_t crc32)
{
    return taken->bytes != 0 && bytes == taken->bytes && offset == taken->offset && crc32 == taken->crc32;
}

/* Is it the chunk that comes next? The processing of the one before is over. */
static bool is_next(const struct tdm_mcu *mcu, uint32_t offset, uint16_t bytes)
{
    const struct tdm_mcu_update *update = &mcu->update;

    return update->chunk_bytes == 0 && offset == update->offset && bytes > 0 &&
           bytes <= mcu->config->chunk_bytes && bytes <= update->file_bytes - offset;
}

/* It may be answered although it is not in flash. */
static bool answers_early(const struct tdm_mcu *mcu)
{
    return mcu->config->receives_while_writing && mcu->update.state == UPDATE_WRITING &&
           mcu->update.window == 1;
}

static void take_chunk(struct tdm_mcu *mcu, const uint8_t *data, uint16_t bytes, uint32_t crc32)
{
    struct tdm_mcu_update *update = &mcu->update;

    memcpy(mcu->config->chunk, data, bytes);
    if (update->state != UPDATE_CHECKING) /* which hashes by parts */
        tdm_sha256_update(&mcu->sha256, data, bytes);
    update->crc32 = tdm_crc32(update->crc32, data, bytes);
    update->chunk_bytes = bytes;
    update->chunk_used = 0;
    update->taken[1] = update->taken[0];
    update->taken[0] = (struct tdm_mcu_taken){update->offset, crc32, bytes};
    update->since_ms = mcu->now_ms;
    update->tries = 0;
}

/* Not the chunk that is wanted, or damaged: the co-processor sends again. */
static int refuse_chunk(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;

    if (update->chunk_bytes == 0 && ++update->tries >= BAD_CHUNKS)
        tdm__update_fail(mcu, TDM_REASON_CHUNK);
    return TDM_SERVE_FALSE;
}

/* The answer to otaUpdateStart or otaUpdateResume may be what was lost: data says that it was heard. Where an
 * encoded payload goes on, that answer alone can tell. */
static void start_by_data(struct tdm_mcu *mcu, uint32_t offset)
{
    struct tdm_mcu_update *update = &mcu->update;
    bool starting = update->state == UPDATE_STARTING;
    bool resuming = update->state == UPDATE_RESUMING && !tdm__is_encoded(mcu);

    if ((!starting && !resuming) || !tdm__is_asked(&update->call) || offset != update->offset)
        return;
    tdm__drop(mcu, &update->call);
    tdm__update_enter(mcu, starting ? UPDATE_FRONT : UPDATE_WRITING);
    update->since_ms = mcu->now_ms;
}

int tdm__serve_write(struct tdm_mcu *mcu, uint16_t msg_id, struct tdm_reader *args)
{
    struct tdm_mcu_update *update = &mcu->update;
    uint32_t offset = tdm_get_u32(args);
    uint16_t bytes;
    const uint8_t *data = tdm_get_binary(args, &bytes);
    uint32_t crc32 = tdm_get_u32(args);

    if (!tdm_reader_done(args))
        return TDM_STATUS_ARGS_READ;
    start_by_data(mcu, offset);
    if (offset == update->offset + update->chunk_bytes)
        tdm__update_write_before(mcu);
    if (update->state == UPDATE_RESUMING) /* what it is, the answer that is awaited will tell: as if lost */
        return TDM_SERVE_LATER;
    if (!tdm__update_takes_chunks(update))
        return TDM_SERVE_FALSE;
    if (tdm_crc32(0, data, bytes) != crc32)
        return refuse_chunk(mcu);
    if (is_same(&update->taken[0], offset, bytes, crc32) && update->chunk_bytes != 0)
        return tdm__update_answer_later(update, msg_id, ANSWER_DUE); /* R11 */
    if (is_same(&update->taken[0], offset, bytes, crc32) ||
        (update->window > 1 && is_same(&update->taken[1], offset, bytes, crc32)))
        return TDM_SERVE_TRUE;
    if (!is_next(mcu, offset, bytes))
        return refuse_chunk(mcu);
    if (update->answer != ANSWER_NONE) /* the one before waits for room for its answer: as if lost */
        return TDM_SERVE_LATER;
    take_chunk(mcu, data, bytes, crc32);
    if (answers_early(mcu))
        return TDM_SERVE_TRUE;
    return tdm__update_answer_later(update, msg_id, ANSWER_DUE);
}

/* --- FRONT, ERASING, WRITING: the chunk in the buffer --- */

static uint32_t finish_chunk(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;

    update->offset += update->chunk_bytes;
    update->chunk_bytes = 0;
    update->since_ms = mcu->now_ms;
    tdm__update_decide(update, true);
    tdm__emit_value(mcu, TDM_MCU_UPDATE_PROGRESS, 0);
    return 0;
}

static uint32_t await_chunk(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;
    uint32_t limit_ms;

    if (mcu->held_s > 0)
        update->since_ms = mcu->now_ms;
    limit_ms = update->since_ms + SILENCE_MS;
    if (!tdm__is_past(mcu, limit_ms))
        return tdm__time_left(mcu, limit_ms);
    tdm__update_fail(mcu, update->tries > 0 ? TDM_REASON_CHUNK : TDM_REASON_SILENCE);
    return 0;
}

/* The last questions before flash is touched. */
void tdm__update_leave_front(struct tdm_mcu *mcu)
{
    uint8_t reason = tdm__policy_package(mcu);
    int error;

    if (reason != TDM_REASON_NONE) {
        tdm__update_fail(mcu, reason);
        return;
    }
    error = tdm__install_plan(mcu);
    if (error == TDM_OK)
        error = tdm__install_begin(mcu);
    if (error >= 0)
        tdm__update_enter(mcu, error == TDM_OK ? UPDATE_ERASING : UPDATE_CHECKING);
    else
        tdm__update_fail(mcu, tdm_reason_of_error(error));
}

uint32_t tdm__update_feed_front(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;
    struct tdm_trust trust = tdm__trust(mcu);
    size_t used = 0;
    int error;

    if (update->chunk_bytes == 0)
        return await_chunk(mcu);
    if (update->offset == 0 && mcu->config->plain != NULL && mcu->config->plain->is_plain(mcu)) {
        tdm__update_enter(mcu, UPDATE_PLAIN);
        return 0;
    }
    tdm__feed(mcu);
    error = tdm_front_feed(&mcu->front, &trust, mcu->config->chunk, update->chunk_bytes, &used);
    tdm__feed(mcu);
    update->chunk_used = (uint16_t)used;
    if (error != TDM_OK)
        tdm__update_fail(mcu, tdm_reason_of_error(error));
    else if (mcu->front.complete)
        tdm__update_leave_front(mcu);
    else
        return finish_chunk(mcu);
    return 0;
}

/* The last chunk stays without an answer: with one, the co-processor would finish instead of starting over.
 */
uint32_t tdm__update_check_chunk(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;
    int error;

    if (update->chunk_bytes == 0)
        return await_chunk(mcu);
    tdm__feed(mcu);
    error = mcu->config->role->check(mcu, mcu->config->chunk + update->chunk_used,
                                     (uint32_t)update->chunk_bytes - update->chunk_used);
    if (error > 0)
        return finish_chunk(mcu);
    if (error < 0) {
        tdm__update_fail(mcu, tdm_reason_of_error(error));
        return 0;
    }
    update->answer = ANSWER_NONE;
    tdm__update_rewind(mcu);
    tdm__update_enter(mcu, UPDATE_STARTING);
    return 0;
}

uint32_t tdm__update_erase_unit(struct tdm_mcu *mcu)
{
    int error = tdm__install_erase(mcu);

    if (error > 0)
        return 0;
    if (error == TDM_OK)
        error = tdm__install_header(mcu);
    if (error == TDM_OK && mcu->install.resumes)
        error = mcu->config->resume->enter(mcu);
    else if (error == TDM_OK)
        tdm__update_enter(mcu, UPDATE_WRITING);
    if (error != TDM_OK)
        tdm__update_fail(mcu, tdm_reason_of_error(error));
    return 0;
}

static void write_chunk(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;
    int error = tdm__install_write(mcu, mcu->config->chunk + update->chunk_used,
                                   (uint32_t)update->chunk_bytes - update->chunk_used);

    if (error == TDM_OK)
        (void)finish_chunk(mcu);
    else
        tdm__update_fail(mcu, tdm_reason_of_error(error));
}

uint32_t tdm__update_write_chunk(struct tdm_mcu *mcu)
{
    if (mcu->update.chunk_bytes == 0)
        return await_chunk(mcu);
    if (answers_early(mcu) && !tdm_station_idle(&mcu->station))
        return 1; /* the answer goes first */
    write_chunk(mcu);
    return 0;
}

void tdm__update_write_before(struct tdm_mcu *mcu)
{
    if (mcu->update.state != UPDATE_WRITING || mcu->update.window == 0 || mcu->update.chunk_bytes == 0)
        return;
    write_chunk(mcu);
    tdm__update_flush_answer(mcu);
}
