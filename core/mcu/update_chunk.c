/* The chunks of an update: taken by otaUpdateWrite, worked on from poll, one at a time.
 *
 *     none --otaUpdateWrite: next in order, CRC good--> in the buffer
 *     in the buffer --front fed, checked, or programmed--> none
 *
 * The call is answered once the chunk is worked on: a failure is the answer; stream.c has the exception. A
 * chunk that comes again while it is worked on only changes which call the answer is for (R11). */
#include "core/mcu/update.h"

#include <string.h>

enum {
    PACE_MS = 100, /* between two looks at the clock while no chunk comes */
    SILENCE_MS = 60000,
    BAD_CHUNKS = 8 /* in a row; the co-processor gives up after 6 */
};

/* --- otaUpdateWrite --- */

void tdm__update_forget_chunks(struct tdm_mcu *mcu)
{
    mcu->file.chunk_bytes = 0;
    memset(mcu->file.taken, 0, sizeof mcu->file.taken);
}

/* Is it the chunk that comes next? The processing of the one before is over. */
static bool is_next(const struct tdm_mcu *mcu, const struct tdm_mcu_taken *chunk)
{
    const struct tdm_mcu_file *file = &mcu->file;

    return file->chunk_bytes == 0 && chunk->offset == file->offset &&
           chunk->bytes <= mcu->config->chunk_bytes && chunk->bytes <= file->bytes - chunk->offset;
}

/* The chunk is good, and was taken before: the last one, or with two in flight the one before (R11). */
static bool is_repeated(const struct tdm_mcu *mcu, const struct tdm_mcu_taken *chunk)
{
    const struct tdm_mcu_taken *taken = mcu->file.taken;

    return memcmp(&taken[0], chunk, sizeof *chunk) == 0 ||
           (mcu->update.window > 1 && memcmp(&taken[1], chunk, sizeof *chunk) == 0);
}

static bool answers_early(const struct tdm_mcu *mcu)
{
    return mcu->config->stream != NULL && mcu->config->stream->answers_early(mcu);
}

void tdm__update_make_room(struct tdm_mcu *mcu)
{
    if (mcu->config->stream != NULL)
        mcu->config->stream->make_room(mcu);
}

static void take_chunk(struct tdm_mcu *mcu, const uint8_t *data, const struct tdm_mcu_taken *chunk)
{
    struct tdm_mcu_update *update = &mcu->update;

    memcpy(mcu->config->chunk, data, chunk->bytes);
    mcu->file.chunk_bytes = (uint16_t)chunk->bytes;
    mcu->file.chunk_used = 0;
    mcu->file.taken[1] = mcu->file.taken[0];
    mcu->file.taken[0] = *chunk;
    mcu->file.since_ms = mcu->now_ms;
    update->wake_ms = mcu->now_ms;
    update->tries = 0;
}

/* Not the chunk that is wanted, or damaged: the co-processor sends again. */
static int refuse_chunk(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;

    if (mcu->file.chunk_bytes == 0 && ++update->tries >= BAD_CHUNKS)
        tdm__update_judge(mcu, TDM_REASON_CHUNK);
    return TDM_SERVE_FALSE;
}

/* The answer to otaUpdateStart or otaUpdateResume may be what was lost: data says that it was heard. Where an
 * encoded payload goes on, that answer alone can tell. */
static void start_by_data(struct tdm_mcu *mcu, uint32_t offset)
{
    struct tdm_mcu_update *update = &mcu->update;
    bool starting = update->state == UPDATE_STARTING;
    bool resuming = update->state == UPDATE_RESUMING && !tdm__is_encoded(mcu);

    if ((!starting && !resuming) || !tdm__is_asked(&mcu->calls.update) || offset != mcu->file.offset)
        return;
    tdm__drop(mcu, &mcu->calls.update);
    tdm__update_enter_writing(mcu);
    if (starting)
        tdm__update_enter(mcu, UPDATE_FRONT);
}

int tdm__serve_write(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    struct tdm_mcu_update *update = &mcu->update;
    struct tdm_mcu_taken chunk;
    const uint8_t *data;
    uint16_t bytes;

    chunk.offset = tdm_get_u32(args);
    data = tdm_get_binary(args, &bytes);
    chunk.bytes = bytes;
    chunk.crc32 = tdm_get_u32(args);
    if (!tdm_reader_done(args))
        return TDM_STATUS_ARGS_READ;
    start_by_data(mcu, chunk.offset);
    if (chunk.offset == mcu->file.offset + mcu->file.chunk_bytes)
        tdm__update_make_room(mcu);
    if (update->state == UPDATE_RESUMING) /* what it is, the answer that is awaited will tell: as if lost */
        return TDM_SERVE_LATER;
    if (!tdm__update_takes_chunks(update))
        return TDM_SERVE_FALSE;
    if (bytes == 0 || tdm_crc32(0, data, bytes) != chunk.crc32)
        return refuse_chunk(mcu);
    if (is_repeated(mcu, &chunk))
        return mcu->file.chunk_bytes != 0 && chunk.offset == mcu->file.offset
                   ? tdm__update_answer_later(mcu, ANSWER_DUE)
                   : TDM_SERVE_TRUE;
    if (!is_next(mcu, &chunk))
        return refuse_chunk(mcu);
    if (update->answer != ANSWER_NONE) /* the one before waits for room for its answer: as if lost */
        return TDM_SERVE_LATER;
    take_chunk(mcu, data, &chunk);
    if (answers_early(mcu))
        return TDM_SERVE_TRUE;
    return tdm__update_answer_later(mcu, ANSWER_DUE);
}

/* --- FRONT, ERASING, WRITING: the chunk in the buffer --- */

static uint8_t *unused(const struct tdm_mcu *mcu, uint32_t *bytes)
{
    *bytes = (uint32_t)mcu->file.chunk_bytes - mcu->file.chunk_used;
    return mcu->config->chunk + mcu->file.chunk_used;
}

static int finish_chunk(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;

    mcu->file.offset += mcu->file.chunk_bytes;
    mcu->file.chunk_bytes = 0;
    mcu->file.since_ms = mcu->now_ms;
    tdm__update_decide(update, true);
    tdm__emit_value(mcu, TDM_MCU_UPDATE_PROGRESS, 0);
    return 0;
}

static int await_chunk(struct tdm_mcu *mcu)
{
    struct tdm_mcu_update *update = &mcu->update;

    update->wake_ms = mcu->now_ms + PACE_MS;
    if (!tdm__is_past(mcu, mcu->file.since_ms + SILENCE_MS))
        return 0;
    return update->tries > 0 ? TDM_REASON_CHUNK : TDM_REASON_SILENCE;
}

/* The last questions before flash is touched. */
int tdm__update_leave_front(struct tdm_mcu *mcu)
{
    struct tdm_manifest manifest;
    int outcome = tdm__install_manifest(mcu, &manifest);

    if (outcome == 0)
        outcome = tdm__policy_package(mcu, &manifest);
    if (outcome == 0)
        outcome = tdm__install_plan(mcu, &manifest);
    if (outcome == 0)
        outcome = tdm__install_begin(mcu, &manifest);
    if (outcome == 0)
        tdm__update_enter(mcu, UPDATE_ERASING);
    return outcome;
}

static int feed_front(struct tdm_mcu *mcu)
{
    struct tdm_trust trust = tdm__trust(mcu);
    size_t used = 0;
    int error;

    if (mcu->file.offset == 0 && mcu->config->plain != NULL && mcu->config->plain->is_plain(mcu)) {
        tdm__update_enter(mcu, UPDATE_PLAIN);
        return 0;
    }
    error = tdm_front_feed(&mcu->front, &trust, mcu->config->chunk, mcu->file.chunk_bytes, &used);
    tdm__feed(mcu);
    mcu->file.chunk_used = (uint16_t)used;
    if (error != TDM_OK)
        return error;
    return mcu->front.complete ? tdm__update_leave_front(mcu) : finish_chunk(mcu);
}

int tdm__update_erase_unit(struct tdm_mcu *mcu)
{
    int outcome = tdm__install_erase(mcu);

    if (outcome == TDM__MORE)
        return 0;
    if (outcome == 0)
        outcome = tdm__install_header(mcu);
    if (outcome == 0 && mcu->install.resumes)
        return mcu->config->resume->enter(mcu);
    if (outcome == 0)
        tdm__update_enter_writing(mcu);
    return outcome;
}

int tdm__update_program_chunk(struct tdm_mcu *mcu)
{
    uint32_t bytes;
    uint8_t *data = unused(mcu, &bytes);
    int error;

    tdm__install_hash(mcu, data, bytes);
    error = tdm__install_write(mcu, data, bytes);
    return error == TDM_OK ? finish_chunk(mcu) : error;
}

static int write_chunk(struct tdm_mcu *mcu)
{
    if (!answers_early(mcu) || tdm_station_idle(&mcu->station))
        return tdm__update_program_chunk(mcu);
    mcu->update.wake_ms++; /* the answer goes first */
    return 0;
}

int tdm__update_work_on_chunk(struct tdm_mcu *mcu)
{
    if (mcu->file.chunk_bytes == 0)
        return await_chunk(mcu);
    return mcu->update.state == UPDATE_FRONT ? feed_front(mcu) : write_chunk(mcu);
}
