/* The application of a device without another bank (docs/BOOT.md, "One bank and recovery"):
 *
 *     offer --> otaUpdatePrefetch --> record "fetch" --> reset; the bootloader goes on (core/fetch/)
 *
 * The co-processor shall hold the whole file before the application is left. */
#include "tandem/hand_over.h"

#include "core/mcu/update.h"

enum { PREFETCH_TIMEOUT_MS = 30000 };

static void prefetch_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    bool here = error == TDM_OK && tdm_get_u8(results) == TDM_PREFETCH_OK && tdm_reader_done(results);
    int outcome = here ? tdm_boot_fetch(&mcu->log, mcu->config->running_bank) : TDM_REASON_DOWNLOAD;

    if (outcome != 0) {
        tdm__update_judge(mcu, outcome);
        return;
    }
    tdm__update_enter(mcu, UPDATE_APPLYING);
    tdm__leave(mcu, TDM_RESET_SOFT);
}

static const struct tdm_question prefetch = {TDM_UID_OTA_PREFETCH, PREFETCH_TIMEOUT_MS, NULL, prefetch_done};

const struct tdm_mcu_role tdm_mcu_hands_over = {.question = &prefetch};
