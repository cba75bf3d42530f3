/* What happens to a device in one case, the power cuts apart: what is shipped to it, and what goes wrong. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim/firmware.h"
#include "tandem/reason.h"

#define SIM_FIRMWARES 5
#define SIM_NONE      0xFF

/* Happens once, in the middle of a transfer. */
enum sim_trick {
    SIM_NO_TRICK,
    SIM_NCP_RESTARTS,
    SIM_MCU_RESTARTS,
    SIM_BOTH_RESTART,
    SIM_DOWNLOAD_FAILS,  /* the co-processor cancels */
    SIM_LINE_SILENT,     /* for 70 s: both sides give up */
    SIM_ABORTS,          /* the co-processor cancels every transfer for a day: of two firmwares in turn */
    SIM_REPLAYS,         /* of one, as soon as its header has landed */
    SIM_NETWORK_DOWN,    /* it cancels, and has nothing to offer for six hours */
    SIM_NEWER_OFFER,     /* the next firmware is offered */
    SIM_NEWER_WHEN_SENT, /* the same, once the last chunk was taken: it waits */
    SIM_OFFER_IN_TRIAL,  /* not in the transfer: while the first firmware is on trial */
    SIM_SPOILS_DATA,     /* a byte differs from the file that was offered */
    SIM_SWAPS_FILE,      /* from here on the bytes are those of the next firmware, which is as long */
    SIM_STREAMS_ON,      /* not at half: the co-processor does not finish, and sends chunk after chunk */
    SIM_REPEATS_OTHER,   /* behind each chunk comes another one for the same place */
    SIM_STALLS,          /* the co-processor is there, and says nothing of the update any more */
    SIM_BASE_ROTS,       /* a unit of the image that runs, which is a delta's base, is noise */
    SIM_BASE_DIES,       /* a unit of it reads as an error */
    SIM_NO_PREFETCH      /* not at half: the co-processor can't have the file, twice */
};

/* When a loss happens: before the first start ... */
enum sim_when {
    SIM_AT_ONCE,
    SIM_WHILE_FETCHING, /* one bank: the bootloader shall fetch */
    SIM_WHILE_ERASED,   /* one bank: the image is gone */
    SIM_BEFORE_TRIAL,   /* the first firmware shipped is pending */
    SIM_DECIDED         /* it was confirmed or rejected */
};

/* Happens once, before a start. */
enum sim_loss {
    SIM_NO_LOSS,
    SIM_LOSE_UNIT_0,
    SIM_LOSE_UNIT_1,
    SIM_LOSE_BOTH_UNITS,
    SIM_ROT_RUNNING,      /* a bit of the confirmed image flips */
    SIM_ROT_HEADER,       /* a bit of its signature */
    SIM_ROT_TABLE,        /* a bit of its relocation table */
    SIM_ROT_STANDBY,      /* a bit of the other bank's image */
    SIM_ROT_BOTH,         /* a bit of either bank's image */
    SIM_ROT_NEW,          /* one bank: a bit of the image that is to be tried */
    SIM_WEAR_OUT_STANDBY, /* a page of the other bank can't be erased any more */
    SIM_WEAR_OUT_UNIT,    /* nor record unit 1 */
    SIM_FREEZE_STANDBY,   /* a page of the other bank says yes to everything, and does nothing */
    SIM_FREEZE_UNIT       /* so does record unit 1 */
};

/* How a record unit is lost. */
enum sim_way { SIM_BLANK, SIM_GARBLED, SIM_DEAD, SIM_BIT_ERRORS };

struct sim_scenario {
    const char *name;
    const char *text;
    struct sim_recipe firmware[SIM_FIRMWARES]; /* the first is the factory's; ended by one without version */
    enum sim_file file[SIM_FIRMWARES];         /* what is shipped of them */
    uint8_t ends_with; /* the firmware that runs, confirmed, in the end; SIM_NONE: no bank can, recovery */
    uint8_t by_way_of; /* was confirmed before it; 0: whatever */
    enum tdm_reason reason;    /* is told to the co-processor, if nothing is cut; 0: none has to be */
    enum tdm_reason or_reason; /* or this one */
    enum sim_trick trick;
    uint8_t at_percent; /* of the file the trick is played; 0: at half */
    enum sim_loss loss;
    enum sim_way way;
    enum sim_when when;
    uint32_t line_one_in; /* one byte in so many is lost, flipped or repeated; 0: a good line */
    uint32_t fifo_bytes;  /* of the UART, whose driver sleeps while flash is written; 0: it does not */
    bool while_writing;   /* the trick waits until the flash is written: a first transfer may only check */
    bool resumes;         /* the transfer that was cut off goes on: the bank's header is not erased again */
    bool plain_peer;      /* the co-processor knows none of our extensions */
    bool takes_bin;       /* device and bootloader take images without a signature (R12) */
    bool fetch_decodes;   /* so does a bootloader that fetches take encoded ones */
    bool large;           /* images of more than a frame, where the layout has room */
    bool refused;         /* nothing shipped may cost an erase (invariant 8) */
    uint32_t one_in;      /* cases take long: only one of so many is run; 0: all */
    bool real_signatures; /* ECDSA P-256 instead of the simulator's own scheme */
    unsigned wear_max;    /* erases of a page of the bank that takes updates; 0: not checked */
    uint8_t updates; /* banks that are filled without faults: what the budget allows for; 0: not checked */
};

/* Ended by one without a name. No name stands in both. */
extern const struct sim_scenario sim_scenarios_two_banks[];
extern const struct sim_scenario sim_scenarios_one_bank[];
/* Those for devices with as many banks as layout has. */
const struct sim_scenario *sim_scenarios(const struct sim_layout *layout);

/* Of either; NULL if there is none of that name. */
const struct sim_scenario *sim_scenario_find(const char *name);

unsigned sim_scenario_firmwares(const struct sim_scenario *scenario);

#endif
