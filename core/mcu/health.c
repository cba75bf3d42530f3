/* The trial of a new image (docs/BOOT.md): self-tests, then the link, then confirm.
 *
 *     TESTS --all passed--> LINK --up (and in the cloud, if asked for)--> CONFIRM --> DONE
 *       |                     '-- deadline: reset "no link", the bootloader counts
 *       '-- one failed, or out of time: reject for good, reset
 *
 * A confirmed image starts in DONE. */
#include "core/mcu/client.h"

enum health_state { HEALTH_TESTS, HEALTH_LINK, HEALTH_CONFIRM, HEALTH_DONE };

enum {
    TEST_PACE_MS = 1, /* between two calls of a self-test that still runs */
    LINK_PACE_MS = 100,
    DEFAULT_LINK_DEADLINE_MS = 120000,
    CONFIRM_RETRY_MS = 1000,
    CONFIRM_TRIES = 3
};

static void enter(struct tdm_mcu *mcu, enum health_state state)
{
    mcu->health.state = (uint8_t)state;
    mcu->health.since_ms = mcu->now_ms;
}

/* ---- TESTS ---- */

static void tell_test(const struct tdm_mcu *mcu, const struct tdm_self_test *test, bool passed)
{
    struct tdm_mcu_event event = {.kind = TDM_MCU_SELF_TEST, .value = passed, .text = test->name};

    tdm__emit(mcu, &event);
}

/* R6: a failed self-test of a verified image rejects its digest for good. If that can't be recorded, the
 * attempts run out instead. */
static void reject(struct tdm_mcu *mcu, uint8_t reason)
{
    if (tdm_boot_reject(&mcu->log, mcu->config->running_bank, reason) == TDM_OK)
        tdm__emit_value(mcu, TDM_MCU_REJECTED, reason);
    enter(mcu, HEALTH_DONE);
    tdm__leave(mcu, TDM_RESET_SOFT);
}

static void start_test(struct tdm_mcu *mcu)
{
    if (!mcu->health.test_runs)
        mcu->health.since_ms = mcu->now_ms;
    mcu->health.test_runs = true;
}

static uint32_t run_tests(struct tdm_mcu *mcu)
{
    struct tdm_mcu_health *health = &mcu->health;
    const struct tdm_self_test *test;
    int verdict;

    if (health->test == mcu->config->self_test_count) {
        enter(mcu, HEALTH_LINK);
        return 0;
    }
    test = &mcu->config->self_tests[health->test];
    start_test(mcu);
    verdict = test->run(mcu->config->ctx);
    if (verdict == 0 && !tdm__is_past(mcu, health->since_ms + test->deadline_ms))
        return TEST_PACE_MS;
    tell_test(mcu, test, verdict > 0);
    if (verdict <= 0) {
        reject(mcu, verdict < 0 ? TDM_REASON_SELF_TEST : TDM_REASON_SELF_TEST_TIME);
        return 0;
    }
    health->test_runs = false;
    health->test++;
    return 0;
}

/* ---- LINK ---- */

static bool reached(const struct tdm_mcu *mcu)
{
    return mcu->link.up && (!mcu->config->confirm_needs_cloud || mcu->link.ncp_state == TDM_STATE_CONNECTED);
}

static uint32_t await_link(struct tdm_mcu *mcu)
{
    uint32_t limit_ms = mcu->config->link_deadline_ms;

    if (limit_ms == 0)
        limit_ms = DEFAULT_LINK_DEADLINE_MS;
    if (reached(mcu)) {
        enter(mcu, HEALTH_CONFIRM);
        mcu->health.wake_ms = mcu->now_ms;
        return 0;
    }
    if (mcu->link.up && !mcu->health.told) {
        mcu->health.told = true;
        tdm__report(mcu, TDM__TRIAL);
    }
    if (!tdm__is_past(mcu, mcu->health.since_ms + limit_ms))
        return LINK_PACE_MS;
    enter(mcu, HEALTH_DONE);
    tdm__leave(mcu, TDM_RESET_NO_LINK);
    return 0;
}

/* ---- CONFIRM ---- */

/* No update is under way during a trial, so the work area is free. */
static bool try_confirm(struct tdm_mcu *mcu)
{
    struct tdm_manifest manifest;

    return tdm__read_running(mcu, &manifest) &&
           tdm_boot_confirm(&mcu->log, mcu->config->running_bank, &manifest) == TDM_OK;
}

static uint32_t confirm(struct tdm_mcu *mcu)
{
    struct tdm_mcu_health *health = &mcu->health;

    if (!tdm__is_past(mcu, health->wake_ms))
        return tdm__time_left(mcu, health->wake_ms);
    if (try_confirm(mcu)) {
        enter(mcu, HEALTH_DONE);
        tdm__report(mcu, TDM__CONFIRMED);
        tdm__emit_value(mcu, TDM_MCU_CONFIRMED, 0);
        return 0;
    }
    if (++health->tries < CONFIRM_TRIES) {
        health->wake_ms = mcu->now_ms + CONFIRM_RETRY_MS;
        return CONFIRM_RETRY_MS;
    }
    /* The record can't be written now. A boot later it may; each costs an attempt, so this ends. */
    enter(mcu, HEALTH_DONE);
    tdm__leave(mcu, TDM_RESET_SOFT);
    return 0;
}

/* ---- The whole ---- */

void tdm__health_start(struct tdm_mcu *mcu)
{
    enter(mcu, tdm_mcu_on_trial(mcu) ? HEALTH_TESTS : HEALTH_DONE);
}

uint32_t tdm__health_poll(struct tdm_mcu *mcu)
{
    switch ((enum health_state)mcu->health.state) {
    case HEALTH_TESTS:
        return run_tests(mcu);
    case HEALTH_LINK:
        return await_link(mcu);
    case HEALTH_CONFIRM:
        return confirm(mcu);
    case HEALTH_DONE:
        break;
    }
    return TDM__NEVER;
}
