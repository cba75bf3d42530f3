/* A transfer that was cut off goes on (docs/BOOT.md, R2).
 *
 *     bank start            position                                           table  header
 *     [ programmed ........ | last page used ][ next page ][ blank, or weak ... ][ ... ]
 *                             `----- erased again -----'
 *                                                        ^ fresh
 *
 * The program unit that the cut hit is the last one that is not blank, or the next of the image that is not
 * all 0xFF: that one may read blank and be weak. Both lie in the two pages that are erased again, unless the
 * image has a long run of 0xFF just there, or an earlier cut of the same transfer hit a place further on. So
 * each page behind the two is erased before something is programmed in it.
 *
 * Header and table were complete before the first unit of the image was programmed. The record says erasing
 * until the two pages are done, so a cut in between leads to a transfer from the start. */
#include "tandem/resume.h"

#include <string.h>

#include "core/mcu/update.h"
#include "tandem/unlzma.h"

enum { PIECE_BYTES = 64, FEED_BYTES = 4096, TIMEOUT_MS = 1000, TRIES = 5 };

/* --- Planning --- */

/* R10: a complete bank of this very package is kept. Not after an erase or a transfer that a reset cut off:
 * what it hit may read well and be weak (R2). Nor if the confirm mark was programmed or torn: a trial starts
 * with a blank one, and on flash that programs once a blank one may have been hit by a power cut. */
static bool holds_package(struct tdm_mcu *mcu)
{
    const struct tdm_flash *flash = mcu->config->flash;

    return !flash->program_once && mcu->log.record.state == TDM_BOOT_IDLE && tdm__install_holds_header(mcu) &&
           flash->ops->is_blank(flash->ctx, mcu->install.map.mark, TDM_MARK_BYTES) == 1 &&
           tdm__install_verify(mcu) == TDM_OK;
}

/* The record speaks of this image in this bank. */
static bool was_receiving(const struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    const struct tdm_record *record = &mcu->log.record;

    return record->state == TDM_BOOT_RECEIVING && record->target == mcu->install.bank &&
           memcmp(record->target_digest, manifest->image_digest, TDM_DIGEST_PREFIX_BYTES) == 0;
}

/* Bytes of the image's whole pages, and of those up to the last one in which something is programmed, or not
 * readable. */
static uint32_t whole_pages(const struct tdm_mcu *mcu)
{
    uint32_t bytes = 0;

    while (bytes < mcu->install.image_bytes)
        bytes += mcu->config->flash->erase_bytes;
    return bytes;
}

static uint32_t used_pages(const struct tdm_mcu *mcu, uint32_t used)
{
    const struct tdm_flash *flash = mcu->config->flash;
    uint32_t unit = flash->program_bytes;
    uint32_t end = (mcu->install.image_bytes + unit - 1) & ~(unit - 1);

    while (used > 0) {
        uint32_t start = used - flash->erase_bytes;

        if (flash->ops->is_blank(flash->ctx, mcu->install.map.image + start, end - start) != 1)
            break;
        used = start;
        end = start;
    }
    return used;
}

/* An encoded payload can be entered at its frames only. */
static bool may_enter(const struct tdm_mcu *mcu, uint32_t position)
{
    return !tdm__is_encoded(mcu) || position % TDM_UNLZMA_FRAME_BYTES == 0;
}

static bool plan(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    struct tdm_mcu_install *install = &mcu->install;
    uint32_t page = mcu->config->flash->erase_bytes;
    uint32_t whole = whole_pages(mcu);
    uint32_t used, first, end;

    install->keep = holds_package(mcu);
    if (install->keep || mcu->update.anew || !tdm__peer_knows(mcu, TDM__RESUMES) ||
        !was_receiving(mcu, manifest) || !tdm__install_holds_header(mcu))
        return false;
    used = used_pages(mcu, whole);
    if (used == 0)
        return false;
    first = used - page;
    while (!may_enter(mcu, first))
        first -= page;
    end = used < whole ? used + page : whole;
    if (end > install->map.relocations - install->map.image ||
        tdm__install_check_table(mcu, manifest) != TDM_OK)
        return false;
    install->erased = mcu->config->layout->header_bytes + first;
    install->erase_end = install->erased + end - first;
    install->fresh = install->map.image + end;
    install->placed = first;
    install->taken = install->table_bytes + first;
    return true;
}

/* --- The digests of the file --- */

/* Bytes of flash from address on; of the image, as they were signed. */
static int hash_flash(struct tdm_mcu *mcu, uint32_t address, uint32_t bytes, bool image)
{
    const struct tdm_flash *flash = mcu->config->flash;
    uint8_t piece[PIECE_BYTES];
    uint32_t n;

    for (uint32_t offset = 0; offset < bytes; offset += n) {
        int error;

        n = bytes - offset < sizeof piece ? bytes - offset : sizeof piece;
        error = flash->ops->read(flash->ctx, address + offset, piece, n);
        if (error == TDM_OK && image)
            error = tdm_relocations_apply(&mcu->config->work->writing.sites, -mcu->install.delta, offset,
                                          piece, n);
        if (error != TDM_OK)
            return error;
        if (offset % FEED_BYTES == 0)
            tdm__feed(mcu);
        tdm__install_hash(mcu, piece, n);
    }
    return TDM_OK;
}

/* The front is in them already. */
static int rehash(struct tdm_mcu *mcu)
{
    const struct tdm_bank_map *map = &mcu->install.map;
    int error;

    if (tdm__is_encoded(mcu)) /* what came before can't be told from the image */
        return TDM_OK;
    error = hash_flash(mcu, map->relocations, mcu->install.table_bytes, false);
    return error == TDM_OK ? hash_flash(mcu, map->image, mcu->install.placed, true) : error;
}

/* --- RESUMING --- */

/* The chunk that brought the front stays without an answer: what comes next is not what follows it. */
static int enter(struct tdm_mcu *mcu)
{
    int error = rehash(mcu);

    mcu->update.answer = ANSWER_NONE;
    tdm__update_forget_chunks(mcu);
    mcu->file.offset = (uint32_t)mcu->front.length + mcu->install.taken;
    tdm__update_enter(mcu, UPDATE_RESUMING);
    return error;
}

/* Of an encoded payload only the co-processor knows which offset it is. */
static bool go_on_at(struct tdm_mcu *mcu, uint32_t offset)
{
    uint32_t payload = (uint32_t)mcu->front.length + mcu->install.table_bytes;

    if (!tdm__is_encoded(mcu))
        return offset == mcu->file.offset;
    if (offset < payload || offset > mcu->file.bytes)
        return false;
    mcu->install.taken = offset - (uint32_t)mcu->front.length;
    mcu->file.offset = offset;
    return true;
}

static void put_position(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u32(args, mcu->install.placed);
}

static void resume_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_update *update = &mcu->update;
    bool here = tdm_get_u32(results) == mcu->install.placed;
    uint32_t offset = tdm_get_u32(results);
    bool resumed = tdm__is_yes(error, results) && here && go_on_at(mcu, offset);

    if (resumed) {
        tdm__update_enter_writing(mcu);
    } else if (error != TDM_E_TIMEOUT || ++update->tries >= TRIES) {
        update->anew = true;
        tdm__update_start_over(mcu);
    }
}

static const struct tdm_question question = {TDM_UID_OTA_RESUME, TIMEOUT_MS, put_position, resume_done};

/* --- Programming again --- */

/* Pages are programmed in their order. Behind those that were erased to go on, any may hold a unit that a cut
 * of this transfer left weak, not of the last one alone: each is erased before the first unit in it.
 *
 * The image's last page can't be erased where the table shares it. A cut that hit it found the page before it
 * programmed, and then plan() begins anew; unless that one is all 0xFF: then from the start, too. */
static int reach(struct tdm_mcu *mcu, uint32_t address, uint32_t end)
{
    const struct tdm_flash *flash = mcu->config->flash;
    uint32_t bytes = flash->erase_bytes;
    uint32_t page = mcu->install.fresh;
    int error = TDM_OK;

    for (; error == TDM_OK && page < end; page += bytes) {
        if (page + bytes <= address)
            continue;
        mcu->install.fresh = page + bytes;
        if (page + bytes > mcu->install.map.relocations)
            return flash->ops->is_blank(flash->ctx, page - bytes, bytes) == 1 ? TDM_E_FLASH_PROGRAM : TDM_OK;
        tdm__feed(mcu);
        error = flash->ops->erase(flash->ctx, page);
    }
    return error;
}

const struct tdm_mcu_resume tdm_mcu_resumes = {
    .plan = plan,
    .enter = enter,
    .question = &question,
    .go_on_at = go_on_at,
    .reach = reach,
};
