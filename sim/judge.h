/* The judge: looks at raw flash with a reader of its own, at every start of the device, after every power cut
 * and in the end, and holds what it sees against the invariants of docs/BOOT.md. It shares no code with the
 * library; what it is told of the device's doings is what an onlooker could see. */
#ifndef SIM_JUDGE_H
#define SIM_JUDGE_H

#include "sim/scenario.h"

#define SIM_ATTEMPTS   3
#define SIM_SOFT_LIMIT 2

struct sim_judge {
    const struct sim_scenario *scenario;
    const struct sim_layout *layout;
    const struct sim_firmware *firmware;
    unsigned firmwares;
    const struct sim_flash *flash;

    /* What is known for sure; firmwares are numbered as in the scenario. */
    uint8_t confirmed;    /* the one that was confirmed last; SIM_NONE: it had to make room (one bank) */
    uint8_t confirming;   /* the one that may have been: it passed its self-test; SIM_NONE */
    uint8_t on_trial;     /* the one on trial now, SIM_NONE */
    uint8_t was_on_trial; /* the one on trial last */
    uint8_t rejected;     /* the one that was rejected last, SIM_NONE */
    bool was_confirmed[SIM_FIRMWARES];
    bool streamed[SIM_FIRMWARES]; /* the co-processor sent the whole file, or was about to */
    uint32_t floor;
    unsigned trials;  /* starts of on_trial in a row */
    bool gives_way;   /* one bank: the confirmed one, for an image that may take its place */
    bool mark_lost;   /* with the record, so who was confirmed can't be known either */
    bool record_lost; /* both units: what was rejected can't be known any more (invariant 4) */
    bool unit_lost;   /* an attempt may have been lost with it */
    bool running_rotted;
    bool new_rotted;

    bool tricked;    /* the scenario's trick was played */
    bool disturbed;  /* the line had its fault: an update may have failed on the way, or success not be heard
                        of */
    bool heard[256]; /* reasons that the co-processor was told */

    unsigned starts;
    bool guilty;
    char verdict[160]; /* "invariant 3: ..." once guilty */
};

/* A device as it left the factory: firmware 0 in bank A, confirmed. */
void sim_judge_init(struct sim_judge *judge, const struct sim_scenario *scenario,
                    const struct sim_layout *layout, const struct sim_firmware *firmware,
                    const struct sim_flash *flash);

/* The first offence counts. */
void sim_judge_accuse(struct sim_judge *judge, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The firmware that is in bank, byte for byte, or SIM_NONE. */
uint8_t sim_judge_identify(const struct sim_judge *judge, uint8_t bank);

/* The bootloader chose; blamed: it said that the last trial was ended by watchdog or fault. Returns the
 * firmware that runs now, SIM_NONE if there is none. */
uint8_t sim_judge_start(struct sim_judge *judge, uint8_t bank, bool trial, bool blamed);

/* The bootloader chose to fetch; intact: the bank that could start, TDM_NO_BANK if it says that none can.
 * spent: the last trial was rolled back without blame just now, so its image rests. */
void sim_judge_fetches(struct sim_judge *judge, uint8_t intact, bool blamed, bool spent);

/* The co-processor read a file to its end. */
void sim_judge_streamed(struct sim_judge *judge, uint8_t firmware);

/* The co-processor was told a reason. */
void sim_judge_heard(struct sim_judge *judge, uint8_t reason);

/* What the running firmware does, as seen from outside. */
void sim_judge_passed_tests(struct sim_judge *judge, uint8_t firmware);
void sim_judge_confirmed(struct sim_judge *judge, uint8_t firmware);
void sim_judge_rejected(struct sim_judge *judge, uint8_t firmware);

/* What the newest entry of the record says: a bank takes an image; a bank is to be tried; the bootloader
 * shall fetch; no image is left. */
bool sim_judge_sees_receiving(const struct sim_judge *judge);
bool sim_judge_sees_pending(const struct sim_judge *judge);
bool sim_judge_sees_fetch(const struct sim_judge *judge);
bool sim_judge_sees_no_image(const struct sim_judge *judge);

/* Both record units are lost. What no mark tells can't be known any more. */
void sim_judge_record_lost(struct sim_judge *judge);

/* The power is off, or is about to come back: is everything there that must be? */
void sim_judge_flash(struct sim_judge *judge);

/* The case is over: running is the firmware that runs (SIM_NONE: the bootloader fetches), confirmed. cuts:
 * power cuts that happened; without any the budget is checked too. */
void sim_judge_end(struct sim_judge *judge, uint8_t running, unsigned cuts);

#endif
