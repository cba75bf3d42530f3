/* Self-tests of a new image during its trial, one after the other, each with its time. Linked where a
 * configuration names some. */
#include "core/mcu/client.h"

enum { PACE_MS = 1 }; /* between two calls of a test that still runs */

static const struct tdm_self_test *current(const struct tdm_mcu *mcu)
{
    return &mcu->config->self_tests->list[mcu->health.test];
}

void tdm_self_tests_begin(struct tdm_mcu *mcu)
{
    if (mcu->health.test < mcu->config->self_tests->count)
        mcu->health.deadline_ms = mcu->now_ms + current(mcu)->deadline_ms;
    else
        tdm__health_await_link(mcu);
}

/* R6: a failed self-test of a verified image rejects its digest for good. If that can't be recorded, the
 * attempts run out instead. */
static uint32_t reject(struct tdm_mcu *mcu, uint8_t reason)
{
    if (tdm_boot_reject(&mcu->log, mcu->config->running_bank, reason) == TDM_OK)
        tdm__emit_value(mcu, TDM_MCU_REJECTED, reason);
    return tdm__health_end_trial(mcu, TDM_RESET_SOFT);
}

uint32_t tdm_self_tests_poll(struct tdm_mcu *mcu)
{
    const struct tdm_self_test *test = current(mcu);
    int verdict = test->run(mcu->config->ctx);
    struct tdm_mcu_event event = {.kind = TDM_MCU_SELF_TEST, .value = verdict > 0, .text = test->name};

    if (verdict == 0 && !tdm__is_past(mcu, mcu->health.deadline_ms))
        return PACE_MS;
    tdm__emit(mcu, &event);
    if (verdict <= 0)
        return reject(mcu, verdict < 0 ? TDM_REASON_SELF_TEST : TDM_REASON_SELF_TEST_TIME);
    mcu->health.test++;
    tdm_self_tests_begin(mcu);
    return 0;
}
