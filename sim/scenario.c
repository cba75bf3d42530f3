#include "sim/scenario.h"

#include <string.h>

#define FACTORY                                                                                              \
    {                                                                                                        \
        "1.0.0", 1, SIM_HEALTHY, SIM_INTACT                                                                  \
    }
#define GOOD                                                                                                 \
    {                                                                                                        \
        "1.1.0", 1, SIM_HEALTHY, SIM_INTACT                                                                  \
    }
#define NEWER                                                                                                \
    {                                                                                                        \
        "1.2.0", 2, SIM_HEALTHY, SIM_INTACT                                                                  \
    }

const struct sim_scenario sim_scenarios[] = {
    /* --- Updates, and firmware that is bad in every way --- */
    {.name = "healthy",
     .text = "an update that works",
     .firmware = {FACTORY, GOOD},
     .ends_with = 1,
     .updates = 1},
    {.name = "three-updates",
     .text = "three updates that work, the counter rises",
     .firmware = {FACTORY, GOOD, NEWER, {"1.3.0", 3, SIM_HEALTHY, SIM_INTACT}},
     .ends_with = 3,
     .updates = 3},
    {.name = "self-test",
     .text = "the new firmware fails its self-test, and is shipped again",
     .firmware = {FACTORY, {"1.1.0-bad", 1, SIM_FAILS_SELF_TEST, SIM_INTACT}},
     .ends_with = 0},
    {.name = "hang",
     .text = "the new firmware hangs",
     .firmware = {FACTORY, {"1.1.0-hang", 1, SIM_HANGS, SIM_INTACT}}},
    {.name = "crash",
     .text = "the new firmware crashes",
     .firmware = {FACTORY, {"1.1.0-crash", 1, SIM_CRASHES, SIM_INTACT}}},
    {.name = "no-link",
     .text = "the new firmware does not reach the co-processor",
     .firmware = {FACTORY, {"1.1.0-mute", 1, SIM_FINDS_NO_LINK, SIM_INTACT}}},
    {.name = "restarts",
     .text = "the new firmware restarts for no reason",
     .firmware = {FACTORY, {"1.1.0-loop", 1, SIM_RESTARTS, SIM_INTACT}}},
    {.name = "power-in-trial",
     .text = "power is lost twice during the trial of a good firmware",
     .firmware = {FACTORY, {"1.1.0-dim", 1, SIM_LOSES_POWER, SIM_INTACT}},
     .ends_with = 1},
    {.name = "good-after-bad",
     .text = "a firmware that fails, then one that crashes, then a good one",
     .firmware = {FACTORY,
                  {"1.1.0-bad", 1, SIM_FAILS_SELF_TEST, SIM_INTACT},
                  {"1.2.0-crash", 2, SIM_CRASHES, SIM_INTACT},
                  NEWER},
     .ends_with = 3},

    /* --- Packages that must be refused --- */
    {.name = "bad-signature",
     .text = "a package whose signature was tampered with",
     .firmware = {FACTORY, {"1.1.0", 1, SIM_HEALTHY, SIM_BAD_SIGNATURE}},
     .refused = true},
    {.name = "other-key",
     .text = "a package that is signed by another key",
     .firmware = {FACTORY, {"1.1.0", 1, SIM_HEALTHY, SIM_OTHER_KEY}},
     .refused = true},
    {.name = "other-type",
     .text = "a package of another firmware type",
     .firmware = {FACTORY, {"1.1.0", 1, SIM_HEALTHY, SIM_OTHER_TYPE}},
     .refused = true},
    {.name = "other-hardware",
     .text = "a package for other hardware",
     .firmware = {FACTORY, {"1.1.0", 1, SIM_HEALTHY, SIM_OTHER_HARDWARE}},
     .refused = true},
    {.name = "bad-table",
     .text = "a package whose relocation table was tampered with",
     .firmware = {FACTORY, {"1.1.0", 1, SIM_HEALTHY, SIM_BAD_TABLE}}},
    {.name = "bad-image",
     .text = "a package whose image was tampered with",
     .firmware = {FACTORY, {"1.1.0", 1, SIM_HEALTHY, SIM_BAD_IMAGE}}},
    {.name = "downgrade",
     .text = "an update that raises the counter, then a package of before",
     .firmware = {FACTORY, {"1.1.0", 5, SIM_HEALTHY, SIM_INTACT}, {"1.2.0-old", 4, SIM_HEALTHY, SIM_INTACT}},
     .ends_with = 1},
    {.name = "replay",
     .text = "1.1.0, 1.2.0, then 1.1.0 again, which no counter forbids",
     .firmware = {FACTORY, GOOD, {"1.2.0", 1, SIM_HEALTHY, SIM_INTACT}, GOOD},
     .ends_with = 1},

    /* --- The co-processor, the line, the operator --- */
    {.name = "ncp-restarts",
     .text = "the co-processor restarts during the transfer",
     .firmware = {FACTORY, GOOD},
     .ends_with = 1,
     .trick = SIM_NCP_RESTARTS},
    {.name = "mcu-restarts",
     .text = "the device restarts during the transfer",
     .firmware = {FACTORY, GOOD},
     .ends_with = 1,
     .trick = SIM_MCU_RESTARTS},
    {.name = "cancel",
     .text = "the co-processor cancels during the transfer",
     .firmware = {FACTORY, GOOD},
     .ends_with = 1,
     .trick = SIM_DOWNLOAD_FAILS},
    {.name = "silence",
     .text = "the line is dead for 70 s during the transfer",
     .firmware = {FACTORY, GOOD},
     .ends_with = 1,
     .trick = SIM_LINE_SILENT},
    {.name = "newer-offer",
     .text = "a newer firmware is offered during the transfer",
     .firmware = {FACTORY, GOOD, NEWER},
     .ends_with = 2,
     .trick = SIM_NEWER_OFFER},
    {.name = "offer-in-trial",
     .text = "a firmware is offered to one that is on trial",
     .firmware = {FACTORY, GOOD, NEWER},
     .ends_with = 2,
     .trick = SIM_OFFER_IN_TRIAL},
    {.name = "bad-line",
     .text = "one byte in 600 is lost, flipped, repeated or late",
     .firmware = {FACTORY, GOOD},
     .ends_with = 1,
     .line_one_in = 600},

    /* --- Flash that is lost, rots or wears out --- */
    {.name = "lose-unit-0",
     .text = "record unit 0 is blank once the first firmware is rejected",
     .firmware = {FACTORY, {"1.1.0-bad", 1, SIM_FAILS_SELF_TEST, SIM_INTACT}, NEWER},
     .ends_with = 2,
     .loss = SIM_LOSE_UNIT_0,
     .when = SIM_DECIDED},
    {.name = "lose-unit-1",
     .text = "record unit 1 reads as an error once the first firmware is rejected",
     .firmware = {FACTORY, {"1.1.0-bad", 1, SIM_FAILS_SELF_TEST, SIM_INTACT}, NEWER},
     .ends_with = 2,
     .loss = SIM_LOSE_UNIT_1,
     .way = SIM_DEAD,
     .when = SIM_DECIDED},
    {.name = "lose-unit-confirmed",
     .text = "record unit 0 is noise once the update is confirmed",
     .firmware = {FACTORY, {"1.1.0", 3, SIM_HEALTHY, SIM_INTACT}, {"1.2.0-old", 2, SIM_HEALTHY, SIM_INTACT}},
     .ends_with = 1,
     .loss = SIM_LOSE_UNIT_0,
     .way = SIM_GARBLED,
     .when = SIM_DECIDED},
    {.name = "lose-record",
     .text = "both record units are noise once the update is confirmed",
     .firmware = {FACTORY, {"1.1.0", 3, SIM_HEALTHY, SIM_INTACT}, {"1.2.0-old", 2, SIM_HEALTHY, SIM_INTACT}},
     .ends_with = 1,
     .loss = SIM_LOSE_BOTH_UNITS,
     .way = SIM_GARBLED,
     .when = SIM_DECIDED},
    {.name = "rot-running",
     .text = "the confirmed image rots; the one before still has its mark",
     .firmware = {FACTORY, GOOD},
     .ends_with = 0,
     .loss = SIM_ROT_RUNNING,
     .when = SIM_DECIDED},
    {.name = "rot-standby",
     .text = "the other bank rots before the next update",
     .firmware = {FACTORY, GOOD, NEWER},
     .ends_with = 2,
     .loss = SIM_ROT_STANDBY,
     .when = SIM_DECIDED},
    {.name = "rot-new",
     .text = "the new image rots before its trial, header intact; it is shipped again",
     .firmware = {FACTORY, GOOD},
     .ends_with = 1,
     .loss = SIM_ROT_STANDBY,
     .when = SIM_BEFORE_TRIAL},
    {.name = "rot-below-floor",
     .text = "the confirmed image rots, and the counter forbids the one before: recovery",
     .firmware = {FACTORY, {"1.1.0", 2, SIM_HEALTHY, SIM_INTACT}},
     .ends_with = SIM_NONE,
     .loss = SIM_ROT_RUNNING,
     .when = SIM_DECIDED},
    {.name = "worn-bank",
     .text = "a page of the other bank can't be erased: no update, but a device",
     .firmware = {FACTORY, GOOD},
     .ends_with = 0,
     .loss = SIM_WEAR_OUT_STANDBY},
    {.name = "worn-record",
     .text = "a record unit can't be erased nor programmed",
     .firmware = {FACTORY, GOOD},
     .ends_with = 0,
     .loss = SIM_WEAR_OUT_UNIT},
    {.name = NULL},
};

const struct sim_scenario *sim_scenario_find(const char *name)
{
    const struct sim_scenario *scenario = sim_scenarios;

    while (scenario->name != NULL && strcmp(scenario->name, name) != 0) {
        scenario++;
    }
    return scenario->name != NULL ? scenario : NULL;
}

unsigned sim_scenario_firmwares(const struct sim_scenario *scenario)
{
    unsigned count = 0;

    while (count < SIM_FIRMWARES && scenario->firmware[count].version != NULL) {
        count++;
    }
    return count;
}
