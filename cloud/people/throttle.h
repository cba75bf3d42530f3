/* How often somebody may try to sign in: a bucket of tries per key (an account, an address) that time fills
 * again. A fixed table: keys that fall into one slot share it, so a flood of made-up names costs no memory.
 */
#ifndef TANDEM_CLOUD_THROTTLE_H
#define TANDEM_CLOUD_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/secret.h"

#define THROTTLE_SLOTS 4096

struct throttle {
    int64_t burst;                 /* tries at once */
    int64_t refill_ms;             /* one more after that long */
    uint8_t key[SECRET_KEY_BYTES]; /* so that nobody can choose whose slot to fill */
    struct {
        int64_t spent_ms; /* 0: full */
        int64_t at_ms;
    } slots[THROTTLE_SLOTS];
};

void throttle_init(struct throttle *throttle, int64_t burst, int64_t refill_ms);

/* Takes one try for key. 0, or how long to wait for the next one. now_ms never goes back. */
int64_t throttle_take(struct throttle *throttle, const char *key, int64_t now_ms);
/* Gives that try back: it was a good one. */
void throttle_return(struct throttle *throttle, const char *key);

#endif
