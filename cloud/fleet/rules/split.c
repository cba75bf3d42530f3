#include "cloud/fleet/rules/split.h"

#include <string.h>

#define WHOLE 10000 /* hundredths of a percent */

bool split_init(struct split *split, const struct wave *waves, size_t count, uint64_t seed)
{
    char why[128];
    *split = (struct split){.count = count, .seed = seed};
    for (size_t i = 0; i < count; i++) {
        struct split_wave *to = &split->waves[i];
        to->kind = waves[i].kind;
        to->amount = waves[i].amount;
        to->filtered = waves[i].filter[0] != '\0';
        if (!filter_parse(&to->filter, waves[i].filter, why, sizeof why))
            return false;
    }
    return count > 0;
}

uint64_t split_seed(const struct firmware *firmware)
{
    uint64_t seed;
    memcpy(&seed, firmware->digest, sizeof seed);
    return seed;
}

bool split_needs_counting(const struct split *split)
{
    for (size_t i = 0; i + 1 < split->count; i++) {
        if (split->waves[i].filtered)
            return true;
    }
    return false;
}

/* The first wave whose filter the device matches; NULL for the pool. */
static struct split_wave *group_of(struct split *split, const struct device *device,
                                   const struct filter_meta *meta)
{
    for (size_t i = 0; i + 1 < split->count; i++) {
        struct split_wave *wave = &split->waves[i];
        if (wave->filtered && filter_matches(&wave->filter, device, meta))
            return wave;
    }
    return NULL;
}

void split_count(struct split *split, const struct device *device, const struct filter_meta *meta)
{
    struct split_wave *group = group_of(split, device, meta);
    split->total++;
    if (group != NULL)
        group->left++;
}

static int64_t share(const struct split_wave *wave, int64_t of)
{
    int64_t wanted = wave->kind == WAVE_PERCENT ? (of * wave->amount + WHOLE - 1) / WHOLE
                     : wave->kind == WAVE_COUNT ? wave->amount
                                                : of;
    return wanted < of ? wanted : of;
}

void split_ready(struct split *split)
{
    split->pool = split->total;
    for (size_t i = 0; i + 1 < split->count; i++) {
        struct split_wave *wave = &split->waves[i];
        if (wave->filtered) {
            wave->wanted = share(wave, wave->left);
            split->pool -= wave->wanted;
        }
    }
    int64_t room = split->pool;
    for (size_t i = 0; i + 1 < split->count; i++) {
        struct split_wave *wave = &split->waves[i];
        if (wave->filtered)
            continue;
        wave->wanted = share(wave, split->total);
        if (wave->wanted > room)
            wave->wanted = room;
        room -= wave->wanted;
    }
}

/* A well mixed number of seed and id (the finalizer of SplitMix64). */
static uint64_t mix(uint64_t seed, int64_t id)
{
    uint64_t x = seed + (uint64_t)id * 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* A number below the count of those still to come, which goes down by one. Devices may have been added since
 * they were counted. */
static int64_t draw(uint64_t random, int64_t *left)
{
    if (*left < 1)
        *left = 1;
    return (int64_t)(random % (uint64_t)(*left)--);
}

int64_t split_assign(struct split *split, const struct device *device, const struct filter_meta *meta)
{
    uint64_t random = mix(split->seed, device->id);
    struct split_wave *group = group_of(split, device, meta);
    if (group != NULL && draw(random, &group->left) < group->wanted) {
        group->wanted--;
        return group - split->waves + 1;
    }
    int64_t place = draw(mix(random, device->id), &split->pool);
    for (size_t i = 0; i + 1 < split->count; i++) {
        struct split_wave *wave = &split->waves[i];
        if (wave->filtered)
            continue;
        if (place < wave->wanted) {
            wave->wanted--;
            return (int64_t)i + 1;
        }
        place -= wave->wanted;
    }
    return (int64_t)split->count;
}
