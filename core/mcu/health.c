/* The trial of a new image (docs/BOOT.md): self-tests (self_test.c), then the link, then confirm.
 *
 *     TESTS --all passed--> LINK --up (and in the cloud, if asked for)--> CONFIRM --> DONE
 *       |                     '-- deadline: reset "no link", the bootloader counts
 *       '-- one failed, or out of time: reject for good, reset
 *
 * A confirmed image starts in DONE. */
#include "core/mcu/client.h"

enum health_state { HEALTH_TESTS, HEALTH_LINK, HEALTH_CONFIRM, HEALTH_DONE };

enum { LINK_PACE_MS = 100, DEFAULT_LINK_DEADLINE_MS = 120000, CONFIRM_RETRY_MS = 1000, CONFIRM_TRIES = 3 };

uint32_t tdm__health_end_trial(struct tdm_mcu *mcu, enum tdm_reset_cause cause)
{
    mcu->health.state = HEALTH_DONE;
    tdm__leave(mcu, cause);
    return 0;
}

/* ---- LINK ---- */

void tdm__health_await_link(struct tdm_mcu *mcu)
{
    uint32_t limit_ms = mcu->config->link_deadline_ms;

    mcu->health.state = HEALTH_LINK;
    mcu->health.deadline_ms = mcu->now_ms + (limit_ms != 0 ? limit_ms : DEFAULT_LINK_DEADLINE_MS);
}

static bool reached(const struct tdm_mcu *mcu)
{
    return mcu->link.up && (!mcu->config->confirm_needs_cloud || mcu->link.ncp_state == TDM_STATE_CONNECTED);
}

static uint32_t await_link(struct tdm_mcu *mcu)
{
    struct tdm_mcu_health *health = &mcu->health;

    if (reached(mcu)) {
        health->state = HEALTH_CONFIRM;
        health->deadline_ms = mcu->now_ms;
        return 0;
    }
    if (mcu->link.up && !health->told) {
        health->told = true;
        tdm__report(mcu, TDM__TRIAL);
    }
    if (tdm__is_past(mcu, health->deadline_ms))
        return tdm__health_end_trial(mcu, TDM_RESET_NO_LINK);
    return LINK_PACE_MS;
}

/* ---- CONFIRM ---- */

/* No update is under way during a trial, so the work area is free. */
static bool try_confirm(struct tdm_mcu *mcu)
{
    struct tdm_manifest manifest;

    return tdm__read_running(mcu, &manifest) &&
           tdm_boot_confirm(&mcu->log, mcu->config->running_bank, &manifest) == TDM_OK;
}

/* Where the record can't be written now, a boot later it may; each costs an attempt, so this ends. */
static uint32_t confirm(struct tdm_mcu *mcu)
{
    struct tdm_mcu_health *health = &mcu->health;

    if (!tdm__is_past(mcu, health->deadline_ms))
        return tdm__time_left(mcu, health->deadline_ms);
    if (!try_confirm(mcu)) {
        health->deadline_ms = mcu->now_ms + CONFIRM_RETRY_MS;
        return ++health->tries < CONFIRM_TRIES ? CONFIRM_RETRY_MS
                                               : tdm__health_end_trial(mcu, TDM_RESET_SOFT);
    }
    health->state = HEALTH_DONE;
    tdm__report(mcu, TDM__CONFIRMED);
    tdm__emit_value(mcu, TDM_MCU_CONFIRMED, 0);
    return 0;
}

/* ---- The whole ---- */

void tdm__health_start(struct tdm_mcu *mcu)
{
    if (!tdm_mcu_on_trial(mcu))
        mcu->health.state = HEALTH_DONE;
    else if (mcu->config->self_tests != NULL)
        mcu->config->self_tests->begin(mcu);
    else
        tdm__health_await_link(mcu);
}

uint32_t tdm__health_poll(struct tdm_mcu *mcu)
{
    switch ((enum health_state)mcu->health.state) {
    case HEALTH_TESTS:
        return mcu->config->self_tests->poll(mcu);
    case HEALTH_LINK:
        return await_link(mcu);
    case HEALTH_CONFIRM:
        return confirm(mcu);
    default:
        return TDM__NEVER;
    }
}
