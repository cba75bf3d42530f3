#include "cloud/people/throttle.h"

#include <string.h>

void throttle_init(struct throttle *throttle, int64_t burst, int64_t refill_ms)
{
    memset(throttle, 0, sizeof *throttle);
    throttle->burst = burst;
    throttle->refill_ms = refill_ms;
    secret_random(throttle->key, sizeof throttle->key);
}

static size_t slot_of(const struct throttle *throttle, const char *key)
{
    uint8_t mac[SECRET_HASH_BYTES];
    secret_mac(throttle->key, key, mac);
    return (size_t)(mac[0] | mac[1] << 8) % THROTTLE_SLOTS;
}

int64_t throttle_take(struct throttle *throttle, const char *key, int64_t now_ms)
{
    size_t slot = slot_of(throttle, key);
    int64_t spent = throttle->slots[slot].spent_ms - (now_ms - throttle->slots[slot].at_ms);
    int64_t room = throttle->burst * throttle->refill_ms;
    if (spent < 0)
        spent = 0;
    throttle->slots[slot].at_ms = now_ms;
    throttle->slots[slot].spent_ms = spent;
    if (spent + throttle->refill_ms > room)
        return spent + throttle->refill_ms - room;
    throttle->slots[slot].spent_ms += throttle->refill_ms;
    return 0;
}

void throttle_return(struct throttle *throttle, const char *key)
{
    int64_t *spent = &throttle->slots[slot_of(throttle, key)].spent_ms;
    *spent = *spent > throttle->refill_ms ? *spent - throttle->refill_ms : 0;
}
