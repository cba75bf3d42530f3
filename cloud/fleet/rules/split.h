/* Who goes first: splits a shipment's devices into its waves, in one pass, without a list of them in memory.
 *
 * A wave with a filter draws from the devices that match it (and the filter of no wave before it); a wave
 * without draws from all devices that no filter wave took; the last wave takes the rest. Sizes are exact:
 * each device is drawn with the probability (still wanted / still to come), by a hash of the seed and its id,
 * so the same question has the same answer, and every subset of that size is as likely. */
#ifndef TANDEM_CLOUD_SPLIT_H
#define TANDEM_CLOUD_SPLIT_H

#include "cloud/fleet/rules/filter.h"

struct split_wave {
    enum wave_kind kind;
    int64_t amount; /* devices, or hundredths of a percent; 0 with a filter: all that match */
    bool filtered;
    struct filter filter;
    int64_t left;   /* with a filter: candidates still to come */
    int64_t wanted; /* still to draw */
};

struct split {
    size_t count; /* the last wave takes the rest */
    struct split_wave waves[WAVES_MAX];
    uint64_t seed;
    int64_t total;
    int64_t pool; /* of devices that no filter wave takes, still to come */
};

/* From the shipment's wave rows, in order. False if a filter does not parse. */
bool split_init(struct split *split, const struct wave *waves, size_t count, uint64_t seed);
/* The seed of a firmware's shipments: a preview draws as the shipment will. */
uint64_t split_seed(const struct firmware *firmware);
/* Some wave has a filter: every device must be shown to split_count first. Otherwise split->total is set to
 * their number. */
bool split_needs_counting(const struct split *split);
void split_count(struct split *split, const struct device *device, const struct filter_meta *meta);
/* All are counted. */
void split_ready(struct split *split);
/* The wave of a device, from 1. Once per device. */
int64_t split_assign(struct split *split, const struct device *device, const struct filter_meta *meta);

#endif
