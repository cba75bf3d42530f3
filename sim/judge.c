#include "sim/judge_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sim_judge_accuse(struct sim_judge *judge, const char *format, ...)
{
    va_list arguments;

    if (judge->guilty)
        return;
    judge->guilty = true;
    va_start(arguments, format);
    (void)vsnprintf(judge->verdict, sizeof judge->verdict, format, arguments);
    va_end(arguments);
}

/* --- Beginning --- */

static void raise_floor(struct sim_judge *judge, uint8_t firmware)
{
    if (judge->floor < judge->firmware[firmware].manifest.counter)
        judge->floor = judge->firmware[firmware].manifest.counter;
}

static void note_confirmed(struct sim_judge *judge, uint8_t firmware)
{
    judge->confirmed = firmware;
    judge->confirming = SIM_NONE;
    judge->running_rotted = false;
    judge->gives_way = false;
    judge->was_confirmed[firmware] = true;
    raise_floor(judge, firmware);
}

void sim_judge_init(struct sim_judge *judge, const struct sim_scenario *scenario,
                    const struct sim_layout *layout, const struct sim_firmware *firmware,
                    const struct sim_flash *flash)
{
    memset(judge, 0, sizeof *judge);
    judge->scenario = scenario;
    judge->layout = layout;
    judge->firmware = firmware;
    judge->firmwares = sim_scenario_firmwares(scenario);
    judge->flash = flash;
    judge->on_trial = SIM_NONE;
    judge->was_on_trial = SIM_NONE;
    judge->rejected = SIM_NONE;
    note_confirmed(judge, 0);
}

bool sim_judge_sees_receiving(const struct sim_judge *judge)
{
    return sim_judge_entry(judge).state == STATE_RECEIVING;
}

bool sim_judge_sees_pending(const struct sim_judge *judge)
{
    return sim_judge_entry(judge).state == STATE_PENDING;
}

bool sim_judge_sees_fetch(const struct sim_judge *judge)
{
    return sim_judge_entry(judge).state == STATE_FETCH;
}

bool sim_judge_sees_no_image(const struct sim_judge *judge)
{
    return sim_judge_identify(judge, 0) == SIM_NONE && sim_judge_identify(judge, 1) == SIM_NONE;
}

void sim_judge_record_lost(struct sim_judge *judge)
{
    uint8_t bank;

    judge->record_lost = true;
    judge->mark_lost = true;
    judge->floor = 0;
    for (bank = 0; bank < TDM_BANKS; bank++) {
        uint8_t firmware = sim_judge_identify(judge, bank);

        if (firmware == SIM_NONE || !sim_judge_is_marked(judge, bank, &judge->firmware[firmware]))
            continue;
        judge->mark_lost = judge->mark_lost && firmware != judge->confirmed;
        raise_floor(judge, firmware);
    }
}

/* --- A start --- */

static void judge_trial(struct sim_judge *judge, uint8_t running)
{
    unsigned allowed = SIM_ATTEMPTS + SIM_SOFT_LIMIT + judge->unit_lost;

    judge->trials = running == judge->on_trial ? judge->trials + 1 : 1;
    judge->on_trial = running;
    judge->was_on_trial = running;
    if (judge->trials > allowed)
        sim_judge_accuse(judge, "invariant 7: %s was started on trial %u times in a row",
                         judge->firmware[running].recipe.version, judge->trials);
}

/* Runs as confirmed: it is, or it may have been in the moment of a power cut, or it was and the newer one is
 * gone. */
static void judge_confirmed_start(struct sim_judge *judge, uint8_t running)
{
    bool steps_in = judge->was_confirmed[running] && (judge->running_rotted || judge->record_lost);

    if (running != judge->confirmed && running != judge->confirming && !steps_in) {
        sim_judge_accuse(judge, "invariant 2: %s runs as if it were confirmed",
                         judge->firmware[running].recipe.version);
        return;
    }
    judge->on_trial = SIM_NONE;
    if (running == judge->confirming || steps_in)
        note_confirmed(judge, running);
}

/* R4: what was rejected is not to be found again where the record is lost. */
static void judge_rejected_header(struct sim_judge *judge, uint8_t bank)
{
    uint8_t beside = sim_judge_identify(judge, 1 - bank);

    if (beside != SIM_NONE && beside == judge->rejected && !judge->record_lost &&
        beside != sim_judge_identify(judge, bank))
        sim_judge_accuse(judge, "R4: the header of %s, which was rejected, is still there",
                         judge->firmware[beside].recipe.version);
}

/* A power cut may have hidden that the bootloader blamed the firmware that was on trial: then the record says
 * so, and it holds from now on. */
static void note_hidden_rejection(struct sim_judge *judge, const struct entry *entry)
{
    if (judge->was_on_trial != SIM_NONE &&
        judge->firmware[judge->was_on_trial].recipe.behaviour != SIM_HEALTHY &&
        sim_judge_digest_is(judge, judge->was_on_trial, entry->rejected_digest))
        judge->rejected = judge->was_on_trial;
}

static void judge_record_after_start(struct sim_judge *judge)
{
    struct entry entry = sim_judge_entry(judge);

    note_hidden_rejection(judge, &entry);
    if (judge->record_lost || entry.sequence == 0)
        return;
    if (entry.floor < judge->floor)
        sim_judge_accuse(judge, "invariant 3: the counter floor fell to %u", (unsigned)entry.floor);
    if (judge->rejected != SIM_NONE && !sim_judge_digest_is(judge, judge->rejected, entry.rejected_digest))
        sim_judge_accuse(judge, "invariant 4: the rejection of %s was lost",
                         judge->firmware[judge->rejected].recipe.version);
}

static void judge_running(struct sim_judge *judge, uint8_t running)
{
    const struct sim_firmware *firmware = &judge->firmware[running];

    if (!sim_firmware_may_run(firmware))
        sim_judge_accuse(judge, "invariant 2: %s runs, which must not", firmware->recipe.version);
    if (firmware->manifest.counter < judge->floor)
        sim_judge_accuse(judge, "invariant 3: %s runs below the counter floor", firmware->recipe.version);
    if (running == judge->rejected && !judge->record_lost)
        sim_judge_accuse(judge, "invariant 6: %s runs, which was rejected", firmware->recipe.version);
}

static void begin_start(struct sim_judge *judge, bool blamed)
{
    judge->starts++;
    if (blamed && judge->on_trial != SIM_NONE)
        judge->rejected = judge->on_trial;
}

uint8_t sim_judge_start(struct sim_judge *judge, uint8_t bank, bool trial, bool blamed)
{
    uint8_t running = sim_judge_identify(judge, bank);

    begin_start(judge, blamed);
    if (running == SIM_NONE) {
        sim_judge_accuse(judge, "invariant 2: bank %u runs, and holds nothing that was signed", bank);
        return SIM_NONE;
    }
    judge_running(judge, running);
    if (trial) {
        judge_trial(judge, running);
    } else {
        judge_confirmed_start(judge, running);
        judge_rejected_header(judge, bank);
    }
    judge_record_after_start(judge);
    sim_judge_flash(judge);
    return running;
}

/* Could this firmware start, so that there is no need to fetch another one? */
static bool may_run(const struct sim_judge *judge, uint8_t firmware)
{
    return firmware != SIM_NONE && sim_firmware_may_run(&judge->firmware[firmware]) &&
           judge->firmware[firmware].manifest.counter >= judge->floor && firmware != judge->rejected;
}

static void judge_recovery(struct sim_judge *judge, bool spent)
{
    uint8_t bank;

    for (bank = 0; bank < TDM_BANKS; bank++) {
        uint8_t firmware = sim_judge_identify(judge, bank);

        if (may_run(judge, firmware) && !(spent && firmware == judge->was_on_trial))
            sim_judge_accuse(judge, "invariant 1: the bootloader runs nothing, although bank %u holds %s",
                             bank, judge->firmware[firmware].recipe.version);
    }
    judge->on_trial = SIM_NONE;
}

void sim_judge_fetches(struct sim_judge *judge, uint8_t intact, bool blamed, bool spent)
{
    uint8_t firmware = intact < TDM_BANKS ? sim_judge_identify(judge, intact) : SIM_NONE;

    struct entry entry = sim_judge_entry(judge);

    begin_start(judge, blamed);
    note_hidden_rejection(judge, &entry);
    if (intact >= TDM_BANKS) {
        judge_recovery(judge, spent);
    } else if (firmware == SIM_NONE) {
        sim_judge_accuse(judge, "invariant 2: bank %u is called intact, and holds nothing that was signed",
                         intact);
    } else {
        judge_running(judge, firmware);
        judge_confirmed_start(judge, firmware);
    }
    judge_record_after_start(judge);
    sim_judge_flash(judge);
}

void sim_judge_streamed(struct sim_judge *judge, uint8_t firmware)
{
    unsigned i;

    for (i = 0; i < judge->firmwares; i++) { /* another shipment of the same one counts */
        judge->streamed[i] = judge->streamed[i] ||
                             sim_judge_digest_is(judge, firmware, judge->firmware[i].manifest.image_digest);
    }
}

void sim_judge_heard(struct sim_judge *judge, uint8_t reason)
{
    judge->heard[reason] = reason != TDM_REASON_NONE;
}

/* --- What the firmware did --- */

void sim_judge_passed_tests(struct sim_judge *judge, uint8_t firmware)
{
    judge->confirming = firmware;
}

void sim_judge_confirmed(struct sim_judge *judge, uint8_t firmware)
{
    if (judge->confirming != firmware)
        sim_judge_accuse(judge, "invariant 2: %s was confirmed without its self-test",
                         judge->firmware[firmware].recipe.version);
    note_confirmed(judge, firmware);
}

void sim_judge_rejected(struct sim_judge *judge, uint8_t firmware)
{
    judge->rejected = firmware;
}
