/* The line does not wait for the flash. What arrives while flash is written is one chunk at most:
 *
 * - With two chunks in flight the next one arrives meanwhile, and the one behind that is not sent before
 *   the answer.
 * - Where the co-processor has no window, the answer goes once the chunk is in the buffer; a failure is
 *   the answer to what comes next. */
#include "tandem/stream.h"

#include "core/mcu/update.h"

enum { WINDOW = 2, TIMEOUT_MS = 1000 };

static void put_window(const void *ctx, struct tdm_writer *args)
{
    (void)ctx;
    tdm_put_u8(args, WINDOW);
}

static void window_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;

    mcu->update.window = tdm__is_yes(error, results) ? WINDOW : 1;
    tdm__update_enter(mcu, UPDATE_WRITING);
}

static int agree(struct tdm_mcu *mcu)
{
    static const struct tdm_question window = {TDM_UID_OTA_WINDOW, TIMEOUT_MS, put_window, window_done};

    if (tdm__peer_knows(mcu, TDM__WINDOW))
        tdm__ask(mcu, &mcu->calls.update, &window);
    else
        window_done(mcu, TDM_E_STATUS, NULL);
    return 0;
}

static bool answers_early(const struct tdm_mcu *mcu)
{
    return mcu->update.state == UPDATE_WRITING && mcu->update.window == 1;
}

static void make_room(struct tdm_mcu *mcu)
{
    if (mcu->update.state != UPDATE_WRITING || mcu->file.chunk_bytes == 0)
        return;
    tdm__update_judge(mcu, tdm__update_program_chunk(mcu));
    tdm__update_flush_answer(mcu);
}

const struct tdm_mcu_stream tdm_mcu_streams = {
    .agree = agree,
    .answers_early = answers_early,
    .make_room = make_room,
};
