/* May this update start? Each question is a function, asked in the order of what it costs to be wrong late.
 *
 * What the offer says decides nothing for good: it spares a transfer that would fail. What the verified
 * front of the package says decides, and nothing is erased before (docs/BOOT.md, invariant 8). */
#include "core/mcu/client.h"

#include <string.h>

enum {
    STARTS_FREE = 6,          /* transfers since the last confirm that cost no delay (R10) */
    START_DELAY_MS = 30000,   /* doubles with each start beyond */
    START_DELAY_DOUBLINGS = 9 /* to 4 h 16 min at most */
};

static bool type_fits(const struct tdm_mcu *mcu, const char *type)
{
    return strcmp(type, mcu->config->type) == 0;
}

static bool version_fits(const struct tdm_mcu *mcu, const char *version)
{
    const struct tdm_mcu_ops *ops = mcu->config->ops;

    return ops->version_allowed == NULL || ops->version_allowed(mcu->config->ctx, version);
}

static uint32_t room_bytes(const struct tdm_mcu *mcu)
{
    const struct tdm_layout *layout = mcu->config->layout;
    uint32_t bank_bytes = layout->bank[tdm__target_bank(mcu)].bytes;

    return bank_bytes > layout->header_bytes ? bank_bytes - layout->header_bytes + TDM_PACKAGE_FRONT_MAX : 0;
}

uint8_t tdm__policy_offer(const struct tdm_mcu *mcu, const char *type, const char *version)
{
    if (!tdm_boot_is_confirmed(&mcu->log, mcu->config->running_bank)) /* R1 */
        return TDM_REASON_NOT_CONFIRMED;
    if (type[0] != '\0' && !type_fits(mcu, type))
        return TDM_REASON_TYPE;
    if (version[0] != '\0' && !version_fits(mcu, version))
        return TDM_REASON_VERSION;
    if (mcu->file.bytes > room_bytes(mcu))
        return TDM_REASON_SIZE;
    return mcu->file.bytes < TDM_ENVELOPE_BYTES ? TDM_REASON_PACKAGE : TDM_REASON_NONE;
}

/* R10: a transfer that is started over and over must not wear out the bank. */
static bool rests(const struct tdm_mcu *mcu)
{
    uint16_t starts = mcu->log.record.starts;
    uint16_t doublings;

    if (starts < STARTS_FREE)
        return false;
    doublings = (uint16_t)(starts - STARTS_FREE);
    if (doublings > START_DELAY_DOUBLINGS)
        doublings = START_DELAY_DOUBLINGS;
    return !tdm__is_past(mcu, mcu->file.settled_ms + ((uint32_t)START_DELAY_MS << doublings));
}

uint8_t tdm__policy_wait(const struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;
    const struct tdm_mcu_ops *ops = config->ops;
    int percent = ops->battery_percent != NULL ? ops->battery_percent(config->ctx) : -1;

    if (percent >= 0 && percent < config->battery_min_percent)
        return TDM_REASON_BATTERY;
    if (mcu->held_s > 0 || rests(mcu) || (ops->good_moment != NULL && !ops->good_moment(config->ctx)))
        return TDM_REASON_NOT_NOW;
    return TDM_REASON_NONE;
}

/* Encodings, and with them bases, are the front reader's to refuse: it knows what this build decodes. */
uint8_t tdm__policy_package(const struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    const struct tdm_front *front = &mcu->front;

    if (strcmp(manifest->hardware, mcu->config->hardware) != 0)
        return TDM_REASON_HARDWARE;
    if (!type_fits(mcu, manifest->type))
        return TDM_REASON_TYPE;
    if (!version_fits(mcu, manifest->version))
        return TDM_REASON_VERSION;
    if (manifest->counter < mcu->log.record.counter_floor)
        return TDM_REASON_COUNTER;
    if (mcu->running_known &&
        memcmp(manifest->image_digest, mcu->running_digest, sizeof mcu->running_digest) == 0)
        return TDM_REASON_ALREADY_RUNNING; /* it would take the place of what the device can fall back to */
    if (tdm_boot_is_rejected(&mcu->log, manifest->image_digest))
        return TDM_REASON_REJECTED_BEFORE;
    if (front->length > 0 && tdm_front_package_bytes(front) != mcu->file.bytes)
        return TDM_REASON_PACKAGE; /* a plain image has no front */
    return TDM_REASON_NONE;
}
