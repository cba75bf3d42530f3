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

/* --- The order of versions (semver.org, 2.0.0, section 11) --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ends_field(char c)
{
    return c == '\0' || c == '.' || c == '-' || c == '+';
}

static size_t digits_at(const char *text)
{
    size_t count = 0;

    while (is_digit(text[count]))
        count++;
    return count;
}

/* Compares the numbers at *a and *b, of any length, and moves past them; no number counts as 0. */
static int compare_numbers(const char **a, const char **b)
{
    size_t a_digits, b_digits;
    int order;

    while (**a == '0')
        ++*a;
    while (**b == '0')
        ++*b;
    a_digits = digits_at(*a);
    b_digits = digits_at(*b);
    order = a_digits != b_digits ? (a_digits > b_digits ? 1 : -1) : memcmp(*a, *b, a_digits);
    *a += a_digits;
    *b += b_digits;
    return order;
}

static size_t field_length(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0' && text[length] != '.' && text[length] != '+')
        length++;
    return length;
}

static int compare_texts(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    if (order != 0 || a_length == b_length)
        return order;
    return a_length > b_length ? 1 : -1;
}

/* One dot-separated field of a pre-release: numbers by value and before texts. Moves past both. */
static int compare_fields(const char **a, const char **b)
{
    size_t a_length = field_length(*a), b_length = field_length(*b);
    bool a_number = a_length > 0 && digits_at(*a) == a_length;
    bool b_number = b_length > 0 && digits_at(*b) == b_length;
    int order;

    if (a_number && b_number)
        return compare_numbers(a, b);
    if (a_number != b_number)
        return a_number ? -1 : 1;
    order = compare_texts(*a, a_length, *b, b_length);
    *a += a_length;
    *b += b_length;
    return order;
}

/* a and b stand behind the numbers of the release: "", "-pre.1", "+build" or anything else. */
static int compare_prereleases(const char *a, const char *b)
{
    if (*a != '-' || *b != '-')
        return *a == '-' ? -1 : *b == '-' ? 1 : 0;
    for (;;) {
        int order;

        a++;
        b++;
        order = compare_fields(&a, &b);
        if (order != 0)
            return order;
        if (*a != '.' || *b != '.')
            return *a == '.' ? 1 : *b == '.' ? -1 : 0;
    }
}

int tdm__version_compare(const char *a, const char *b)
{
    for (;;) {
        int order = compare_numbers(&a, &b);

        if (order != 0)
            return order;
        if (!ends_field(*a) || !ends_field(*b))
            return strcmp(a, b);
        if (*a != '.' && *b != '.')
            return compare_prereleases(a, b);
        a += *a == '.';
        b += *b == '.';
    }
}

/* --- The questions --- */

static bool type_fits(const struct tdm_mcu *mcu, const char *type)
{
    return strcmp(type, mcu->config->type) == 0;
}

static bool version_fits(const struct tdm_mcu *mcu, const char *version)
{
    const struct tdm_mcu_config *config = mcu->config;

    switch (config->version_rule) {
    case TDM_VERSION_NEWER:
        return tdm__version_compare(version, config->version) > 0;
    case TDM_VERSION_ASK:
        return config->ops->version_allowed(config->ctx, version);
    case TDM_VERSION_ANY:
        break;
    }
    return true;
}

static uint32_t room_bytes(const struct tdm_mcu *mcu)
{
    const struct tdm_layout *layout = mcu->config->layout;

    return layout->bank[1 - mcu->config->running_bank].bytes - layout->header_bytes + TDM_PACKAGE_FRONT_MAX;
}

uint8_t tdm__policy_offer(const struct tdm_mcu *mcu, uint32_t file_bytes, const char *type,
                          const char *version)
{
    if (!tdm_boot_is_confirmed(&mcu->log, mcu->config->running_bank)) /* R1 */
        return TDM_REASON_NOT_CONFIRMED;
    if (type[0] != '\0' && !type_fits(mcu, type))
        return TDM_REASON_TYPE;
    if (version[0] != '\0' && !version_fits(mcu, version))
        return TDM_REASON_VERSION;
    if (file_bytes > room_bytes(mcu))
        return TDM_REASON_SIZE;
    return file_bytes < TDM_ENVELOPE_BYTES ? TDM_REASON_PACKAGE : TDM_REASON_NONE;
}

/* R10: a transfer that is started over and over must not wear out the bank. */
static bool rests(const struct tdm_mcu *mcu, uint32_t now_ms)
{
    uint16_t starts = mcu->log.record.starts;
    uint16_t doublings;

    if (starts < STARTS_FREE)
        return false;
    doublings = (uint16_t)(starts - STARTS_FREE);
    if (doublings > START_DELAY_DOUBLINGS)
        doublings = START_DELAY_DOUBLINGS;
    return !tdm__is_past(mcu->update.settled_ms + ((uint32_t)START_DELAY_MS << doublings), now_ms);
}

uint8_t tdm__policy_wait(const struct tdm_mcu *mcu, uint32_t now_ms)
{
    const struct tdm_mcu_config *config = mcu->config;
    const struct tdm_mcu_ops *ops = config->ops;
    int percent = ops->battery_percent != NULL ? ops->battery_percent(config->ctx) : -1;

    if (percent >= 0 && percent < config->battery_min_percent)
        return TDM_REASON_BATTERY;
    if (rests(mcu, now_ms) || (ops->good_moment != NULL && !ops->good_moment(config->ctx)))
        return TDM_REASON_NOT_NOW;
    return TDM_REASON_NONE;
}

/* Encodings, and with them bases, are the front reader's to refuse: it knows what this build decodes. */
uint8_t tdm__policy_package(const struct tdm_mcu *mcu)
{
    const struct tdm_front *front = &mcu->update.front;
    const struct tdm_manifest *manifest = &front->manifest;

    if (strcmp(manifest->hardware, mcu->config->hardware) != 0)
        return TDM_REASON_HARDWARE;
    if (!type_fits(mcu, manifest->type))
        return TDM_REASON_TYPE;
    if (!version_fits(mcu, manifest->version))
        return TDM_REASON_VERSION;
    if (manifest->counter < mcu->log.record.counter_floor)
        return TDM_REASON_COUNTER;
    if (tdm_boot_is_rejected(&mcu->log, manifest->image_digest))
        return TDM_REASON_REJECTED_BEFORE;
    return tdm_front_package_bytes(front) != mcu->update.file_bytes ? TDM_REASON_PACKAGE : TDM_REASON_NONE;
}
