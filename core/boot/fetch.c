/* Transitions of a device that replaces its only image, or recovers one (docs/BOOT.md, "One bank and
 * recovery").
 *
 *     idle --fetch--> fetch --fetch_end--> idle          application, then bootloader; the bank is untouched
 *               '--begin_in_place--> erasing --> receiving --> pending --> trial      bootloader
 *
 * From begin_in_place on no bank is active: what is erased next was the last one. */
#include "core/boot/record.h"

#include <string.h>

int tdm_boot_fetch(struct tdm_record_log *log, uint8_t running)
{
    struct tdm_record next;

    if (!tdm_boot_is_confirmed(log, running) || log->layout->bank[1 - running].bytes != 0)
        return TDM_E_STATE;
    tdm__record_to_idle(&next, &log->record, log->record.last_reason);
    next.state = TDM_BOOT_FETCH;
    return tdm_record_append(log, &next);
}

int tdm_boot_fetch_end(struct tdm_record_log *log, uint8_t reason)
{
    struct tdm_record next;

    if (log->record.state != TDM_BOOT_FETCH)
        return TDM_E_STATE;
    tdm__record_to_idle(&next, &log->record, reason);
    return tdm_record_append(log, &next);
}

/* Nobody asked for this fetch, so nothing could start: the new image will tell, unless the end of a trial is
 * to be told. */
static uint8_t reason_in_place(const struct tdm_record *record)
{
    bool is_asked = record->state == TDM_BOOT_FETCH;

    return is_asked || record->last_reason >= TDM_REASON_SELF_TEST ? record->last_reason
                                                                   : (uint8_t)TDM_REASON_RECOVERY;
}

int tdm_boot_begin_in_place(struct tdm_record_log *log, uint8_t bank,
                            const uint8_t image_digest[TDM_SHA256_BYTES])
{
    struct tdm_record next;

    if (bank >= TDM_BANKS || log->layout->bank[bank].bytes == 0 || tdm_boot_is_rejected(log, image_digest))
        return TDM_E_STATE;
    tdm__record_to_idle(&next, &log->record, reason_in_place(&log->record));
    next.state = TDM_BOOT_ERASING;
    next.active = TDM_NO_BANK;
    next.target = bank;
    memcpy(next.target_digest, image_digest, TDM_DIGEST_PREFIX_BYTES);
    if (next.starts < UINT16_MAX)
        next.starts++;
    return tdm_record_append(log, &next);
}
