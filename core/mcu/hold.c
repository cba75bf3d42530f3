/* The maintenance hold. A file of its own: who never holds pays nothing, because nothing but tdm_mcu_hold
 * leads here. */
#include "core/mcu/client.h"

enum { TIMEOUT_MS = 1000, SECOND_MS = 1000 };

/* Meanwhile neither an offer nor a transfer waits too long. */
static void count(struct tdm_mcu *mcu)
{
    if (mcu->held_s > 0)
        mcu->file.since_ms = mcu->now_ms;
    for (; mcu->held_s > 0 && tdm__is_past(mcu, mcu->held_ms); mcu->held_ms += SECOND_MS)
        mcu->held_s--;
}

static void put_hold(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u16(args, mcu->held_s);
}

static const struct tdm_mcu_hold_ops hold = {
    .count = count,
    .question = {TDM_UID_OTA_SUSPEND, TIMEOUT_MS, put_hold, tdm__link_answered},
};

int tdm_mcu_hold(struct tdm_mcu *mcu, uint32_t seconds, uint32_t now_ms)
{
    if (seconds > TDM_MCU_HOLD_MAX_S)
        return TDM_E_ARGUMENT;
    mcu->hold = &hold;
    mcu->held_s = (uint16_t)seconds;
    mcu->held_ms = now_ms + SECOND_MS;
    tdm__report(mcu, TDM__HELD);
    return TDM_OK;
}
