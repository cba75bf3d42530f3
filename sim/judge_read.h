/* How the judge reads raw flash. Private to judge.c (what the device does), judge_flash.c (what must always
 * hold) and judge_end.c (how it ends). */
#ifndef SIM_JUDGE_READ_H
#define SIM_JUDGE_READ_H

#include "sim/judge.h"

enum {
    ENTRY_BYTES = 48,
    MARK_BYTES = 16,
    DIGEST_BYTES = 12,
    STATE_IDLE = 1,
    STATE_ERASING = 2,
    STATE_RECEIVING = 3,
    STATE_PENDING = 4,
    STATE_TRIAL = 5,
    STATE_FETCH = 6
};

struct entry {
    uint32_t sequence; /* 0: none */
    uint8_t state;
    uint8_t active;
    uint8_t target;
    uint32_t floor;
    uint8_t target_digest[DIGEST_BYTES];
    uint8_t rejected_digest[DIGEST_BYTES];
};

/* The record's newest valid entry. */
struct entry sim_judge_entry(const struct sim_judge *judge);

/* Bytes in whole program units. */
uint32_t sim_judge_units(const struct sim_judge *judge, uint32_t bytes);

/* Header, table and image of the firmware are in bank, byte for byte; and its confirm mark is. */
bool sim_judge_holds(const struct sim_judge *judge, uint8_t bank, const struct sim_firmware *firmware);
bool sim_judge_is_marked(const struct sim_judge *judge, uint8_t bank, const struct sim_firmware *firmware);

/* The firmware's image has this digest; no firmware has any. */
bool sim_judge_digest_is(const struct sim_judge *judge, uint8_t firmware, const uint8_t digest[DIGEST_BYTES]);

#endif
