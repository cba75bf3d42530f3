#include "cloud/fleet/rules/gate.h"

#include <stdio.h>

/* Devices that say something about the firmware: it was offered to them, and they came to an end or stick. */
static int64_t sample_of(const struct wave *wave)
{
    return wave->updated + wave->failed + wave->stuck;
}

static int64_t bad_of(const struct wave *wave)
{
    return wave->failed + wave->stuck;
}

/* Devices that the wave is to update. */
static int64_t wanted_of(const struct wave *wave)
{
    return wave->size - wave->there - wave->skipped;
}

bool gate_is_over(const struct wave *wave)
{
    return wave->updated + wave->there + wave->skipped + wave->failed >= wave->size;
}

static bool fails(const struct wave *wave, char *why, size_t capacity)
{
    int64_t sample = sample_of(wave) - wave->forgiven_sample;
    int64_t bad = bad_of(wave) - wave->forgiven_bad;
    int64_t minimum = wave->minimum > 0 ? wave->minimum : 1;
    if (wave->failure_percent == 0 || sample < minimum || bad * 100 < wave->failure_percent * sample)
        return false;
    snprintf(why, capacity, "wave %lld: %lld of %lld devices failed, the limit is %lld %%",
             (long long)wave->number, (long long)bad, (long long)sample, (long long)wave->failure_percent);
    return true;
}

enum gate_verdict gate_judge(struct wave *wave, int64_t now, int64_t *due, char *why, size_t capacity)
{
    int64_t wanted = wanted_of(wave);
    *due = 0;
    why[0] = '\0';
    if (fails(wave, why, capacity))
        return GATE_STOP;
    bool over = gate_is_over(wave);
    bool enough = wave->updated * 100 >= wave->success_percent * wanted || (over && wave->forgiven);
    if (!enough) {
        wave->reached = 0;
        snprintf(why, capacity, "wave %lld: %lld of %lld devices are updated, %lld %% open the next",
                 (long long)wave->number, (long long)wave->updated, (long long)wanted,
                 (long long)wave->success_percent);
        return over ? GATE_STOP : GATE_WAIT;
    }
    if (wave->reached == 0)
        wave->reached = now;
    if (wanted > 0 && now - wave->reached < wave->soak_ms) {
        *due = wave->reached + wave->soak_ms;
        snprintf(why, capacity, "wave %lld: enough devices are updated; the soak time is not over",
                 (long long)wave->number);
        return GATE_WAIT;
    }
    return GATE_ADVANCE;
}

void gate_forgive(struct wave *wave)
{
    wave->forgiven = true;
    wave->forgiven_sample = sample_of(wave);
    wave->forgiven_bad = bad_of(wave);
}
