#include "cloud/net/front/rates.h"

#include <stdlib.h>

#include <event2/event.h>

#define TICKS_PER_S 10

struct rate {
    int64_t bytes_per_second;
    struct bufferevent_rate_limit_group *group;
};

/* Libevent copies it. The burst is a second's share, so that what one tick leaves is not lost to the next. */
static struct ev_token_bucket_cfg *config_new(int64_t bytes_per_second)
{
    const struct timeval tick = {.tv_usec = 1000000 / TICKS_PER_S};
    size_t per_s =
        bytes_per_second < (int64_t)EV_RATE_LIMIT_MAX ? (size_t)bytes_per_second : EV_RATE_LIMIT_MAX;
    size_t per_tick = per_s / TICKS_PER_S > 0 ? per_s / TICKS_PER_S : 1;
    struct ev_token_bucket_cfg *config = ev_token_bucket_cfg_new(
        EV_RATE_LIMIT_MAX, EV_RATE_LIMIT_MAX, per_tick, per_s > per_tick ? per_s : per_tick, &tick);
    if (config == NULL)
        abort();
    return config;
}

struct bufferevent_rate_limit_group *rates_group(struct rates *rates, struct event_base *base,
                                                 int64_t shipment, int64_t bytes_per_second)
{
    struct rate *rate = idmap_get(&rates->map, (uint64_t)shipment);
    if (bytes_per_second <= 0)
        return NULL;
    if (rate != NULL && rate->bytes_per_second == bytes_per_second)
        return rate->group;
    struct ev_token_bucket_cfg *config = config_new(bytes_per_second);
    if (rate == NULL) {
        rate = calloc(1, sizeof *rate);
        if (rate == NULL)
            abort();
        rate->group = bufferevent_rate_limit_group_new(base, config);
        if (rate->group == NULL)
            abort();
        idmap_set(&rates->map, (uint64_t)shipment, rate);
    } else if (bufferevent_rate_limit_group_set_cfg(rate->group, config) != 0) {
        abort();
    }
    ev_token_bucket_cfg_free(config);
    rate->bytes_per_second = bytes_per_second;
    return rate->group;
}

void rates_free(struct rates *rates)
{
    size_t at = 0;
    for (struct rate *rate; (rate = idmap_next(&rates->map, &at)) != NULL;) {
        bufferevent_rate_limit_group_free(rate->group);
        free(rate);
    }
    idmap_free(&rates->map);
}
