#include "sim/judge_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    FRAME_BYTES = 16384,       /* of an encoded payload */
    ENTRIES_PER_UPDATE = 5,    /* erasing, receiving, pending, trial, confirm */
    UNIT_ERASES_PER_UPDATE = 4 /* on flash that programs once */
};

void sim_judge_accuse(struct sim_judge *judge, const char *format, ...)
{
    va_list arguments;

    if (judge->guilty) {
        return;
    }
    judge->guilty = true;
    va_start(arguments, format);
    (void)vsnprintf(judge->verdict, sizeof judge->verdict, format, arguments);
    va_end(arguments);
}

/* --- Beginning --- */

static bool is_somewhere(const struct sim_judge *judge, uint8_t firmware)
{
    return firmware != SIM_NONE && (sim_judge_holds(judge, 0, &judge->firmware[firmware]) ||
                                    sim_judge_holds(judge, 1, &judge->firmware[firmware]));
}

static void note_confirmed(struct sim_judge *judge, uint8_t firmware)
{
    judge->confirmed = firmware;
    judge->confirming = SIM_NONE;
    judge->running_rotted = false;
    judge->gives_way = false;
    judge->was_confirmed[firmware] = true;
    if (judge->floor < judge->firmware[firmware].manifest.counter) {
        judge->floor = judge->firmware[firmware].manifest.counter;
    }
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

        if (firmware == SIM_NONE || !sim_judge_is_marked(judge, bank, &judge->firmware[firmware])) {
            continue;
        }
        judge->mark_lost = judge->mark_lost && firmware != judge->confirmed;
        if (judge->floor < judge->firmware[firmware].manifest.counter) {
            judge->floor = judge->firmware[firmware].manifest.counter;
        }
    }
}

/* --- What the flash must always hold --- */

static bool digest_is(const struct sim_judge *judge, uint8_t firmware, const uint8_t digest[DIGEST_BYTES])
{
    return firmware != SIM_NONE &&
           memcmp(judge->firmware[firmware].manifest.image_digest, digest, DIGEST_BYTES) == 0;
}

/* Weak units in a bank, where nothing else is left to run, are better than nothing; else they are erased. The
 * confirm mark comes later. */
static bool is_sound(const struct sim_judge *judge, uint8_t bank)
{
    struct tdm_region region = judge->layout->places.bank[bank];

    region.bytes -= sim_judge_units(judge, MARK_BYTES);
    return sim_flash_is_sound(judge->flash, &region);
}

/* What is about to be tried is complete, was signed, and is what the record says. */
static void judge_target(struct sim_judge *judge, const struct entry *entry)
{
    uint8_t firmware = entry->target < TDM_BANKS ? sim_judge_identify(judge, entry->target) : SIM_NONE;

    if (judge->new_rotted) {
        return;
    }
    if (firmware == SIM_NONE || !sim_firmware_may_run(&judge->firmware[firmware]) ||
        !digest_is(judge, firmware, entry->target_digest)) {
        sim_judge_accuse(judge,
                         "invariant 2: the record wants to try bank %u, which does not hold that image",
                         entry->target);
        return;
    }
    if (entry->active < TDM_BANKS && !judge->running_rotted && !is_sound(judge, entry->target)) {
        sim_judge_accuse(judge, "R2: bank %u is to be tried with units that a power cut left weak",
                         entry->target);
    }
}

static uint8_t firmware_of(const struct sim_judge *judge, const uint8_t digest[DIGEST_BYTES])
{
    uint8_t i = 0;

    while (i < judge->firmwares && !digest_is(judge, i, digest)) {
        i++;
    }
    return i < judge->firmwares ? i : SIM_NONE;
}

/* R9: the only image makes room for one that was streamed whole, and is what was signed. */
static void judge_replacement(struct sim_judge *judge, const struct entry *entry)
{
    uint8_t next = firmware_of(judge, entry->target_digest);

    if (next == SIM_NONE || !sim_firmware_may_run(&judge->firmware[next]) || !judge->streamed[next]) {
        sim_judge_accuse(judge, "R9: %s is erased for a package that was not checked to its end",
                         judge->firmware[judge->confirmed].recipe.version);
    }
}

static bool is_replacing(const struct entry *entry)
{
    return entry->active >= TDM_BANKS && entry->state >= STATE_ERASING && entry->state <= STATE_TRIAL;
}

static void judge_confirmed_image(struct sim_judge *judge, const struct entry *entry)
{
    bool one_bank = sim_layout_has_one_bank(judge->layout);

    if (judge->running_rotted || judge->confirmed == SIM_NONE) {
        return;
    }
    if (one_bank && is_replacing(entry)) {
        judge_replacement(judge, entry);
        judge->gives_way = true;
    }
    if (is_somewhere(judge, judge->confirmed) || is_somewhere(judge, judge->confirming)) {
        return;
    }
    if (!judge->gives_way) {
        sim_judge_accuse(judge, "invariant 1: the confirmed firmware %s is in no bank any more",
                         judge->firmware[judge->confirmed].recipe.version);
    }
    judge->confirmed = SIM_NONE;
}

void sim_judge_flash(struct sim_judge *judge)
{
    struct entry entry = sim_judge_entry(judge);

    judge_confirmed_image(judge, &entry);
    if (entry.sequence == 0) {
        if (!judge->record_lost) {
            sim_judge_accuse(judge, "invariant 4: no valid entry in either record unit");
        }
        return;
    }
    if (entry.state == STATE_PENDING || entry.state == STATE_TRIAL) {
        judge_target(judge, &entry);
    }
    if (entry.state == STATE_IDLE &&
        entry.active >= TDM_BANKS) { /* rolled back: what follows is another trial */
        judge->on_trial = SIM_NONE;
    }
    if (judge->flash->violations > 0) {
        sim_judge_accuse(judge,
                         "flash rules: 0 to 1, unaligned, outside, or a unit that must be erased first");
    }
}

/* --- A start --- */

static void judge_trial(struct sim_judge *judge, uint8_t running)
{
    unsigned allowed = SIM_ATTEMPTS + SIM_SOFT_LIMIT + judge->unit_lost;

    judge->trials = running == judge->on_trial ? judge->trials + 1 : 1;
    judge->on_trial = running;
    judge->was_on_trial = running;
    if (judge->trials > allowed) {
        sim_judge_accuse(judge, "invariant 7: %s was started on trial %u times in a row",
                         judge->firmware[running].recipe.version, judge->trials);
    }
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
    if (running == judge->confirming || steps_in) {
        note_confirmed(judge, running);
    }
}

/* R4: what was rejected is not to be found again where the record is lost. */
static void judge_rejected_header(struct sim_judge *judge, uint8_t bank)
{
    uint8_t beside = sim_judge_identify(judge, 1 - bank);

    if (beside != SIM_NONE && beside == judge->rejected && !judge->record_lost &&
        beside != sim_judge_identify(judge, bank)) {
        sim_judge_accuse(judge, "R4: the header of %s, which was rejected, is still there",
                         judge->firmware[beside].recipe.version);
    }
}

/* A power cut may have hidden that the bootloader blamed the firmware that was on trial: then the record says
 * so, and it holds from now on. */
static void note_hidden_rejection(struct sim_judge *judge, const struct entry *entry)
{
    if (judge->was_on_trial != SIM_NONE &&
        judge->firmware[judge->was_on_trial].recipe.behaviour != SIM_HEALTHY &&
        digest_is(judge, judge->was_on_trial, entry->rejected_digest)) {
        judge->rejected = judge->was_on_trial;
    }
}

static void judge_record_after_start(struct sim_judge *judge)
{
    struct entry entry = sim_judge_entry(judge);

    note_hidden_rejection(judge, &entry);
    if (judge->record_lost || entry.sequence == 0) {
        return;
    }
    if (entry.floor < judge->floor) {
        sim_judge_accuse(judge, "invariant 3: the counter floor fell to %u", (unsigned)entry.floor);
    }
    if (judge->rejected != SIM_NONE && !digest_is(judge, judge->rejected, entry.rejected_digest)) {
        sim_judge_accuse(judge, "invariant 4: the rejection of %s was lost",
                         judge->firmware[judge->rejected].recipe.version);
    }
}

static void judge_running(struct sim_judge *judge, uint8_t running)
{
    const struct sim_firmware *firmware = &judge->firmware[running];

    if (!sim_firmware_may_run(firmware)) {
        sim_judge_accuse(judge, "invariant 2: %s runs, which must not", firmware->recipe.version);
    }
    if (firmware->manifest.counter < judge->floor) {
        sim_judge_accuse(judge, "invariant 3: %s runs below the counter floor", firmware->recipe.version);
    }
    if (running == judge->rejected && !judge->record_lost) {
        sim_judge_accuse(judge, "invariant 6: %s runs, which was rejected", firmware->recipe.version);
    }
}

static void begin_start(struct sim_judge *judge, bool blamed)
{
    judge->starts++;
    if (blamed && judge->on_trial != SIM_NONE) {
        judge->rejected = judge->on_trial;
    }
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

        if (may_run(judge, firmware) && !(spent && firmware == judge->was_on_trial)) {
            sim_judge_accuse(judge, "invariant 1: the bootloader runs nothing, although bank %u holds %s",
                             bank, judge->firmware[firmware].recipe.version);
        }
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
        judge->streamed[i] =
            judge->streamed[i] || digest_is(judge, firmware, judge->firmware[i].manifest.image_digest);
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
    if (judge->confirming != firmware) {
        sim_judge_accuse(judge, "invariant 2: %s was confirmed without its self-test",
                         judge->firmware[firmware].recipe.version);
    }
    note_confirmed(judge, firmware);
}

void sim_judge_rejected(struct sim_judge *judge, uint8_t firmware)
{
    judge->rejected = firmware;
}

/* --- The end --- */

/* docs/BOOT.md, "What an update costs". A device with one bank records that its bootloader shall fetch. */
static uint32_t hand_overs(const struct sim_judge *judge)
{
    return sim_layout_has_one_bank(judge->layout) ? 1 : 0;
}

static uint32_t entries_per_update(const struct sim_judge *judge)
{
    return ENTRIES_PER_UPDATE + hand_overs(judge);
}

static void judge_bytes(struct sim_judge *judge)
{
    uint32_t allowed = 0;
    unsigned i;

    for (i = 1; i <= judge->scenario->updates; i++) {
        const struct sim_firmware *firmware = &judge->firmware[i];

        allowed += sim_judge_units(judge, firmware->bytes - firmware->image) +
                   sim_judge_units(judge, firmware->image - firmware->table) +
                   sim_judge_units(judge, 8 + firmware->head_bytes + 64) +
                   entries_per_update(judge) * sim_judge_units(judge, ENTRY_BYTES) +
                   sim_judge_units(judge, MARK_BYTES);
    }
    if (judge->flash->programmed > allowed) {
        sim_judge_accuse(judge, "budget: %u bytes programmed, %u allowed", (unsigned)judge->flash->programmed,
                         (unsigned)allowed);
    }
}

static uint32_t pages_erased(const struct sim_judge *judge, const struct tdm_region regions[2])
{
    return sim_flash_erases(judge->flash, &regions[0]) + sim_flash_erases(judge->flash, &regions[1]);
}

static void judge_erases(struct sim_judge *judge)
{
    const struct tdm_layout *places = &judge->layout->places;
    uint32_t updates = judge->scenario->updates;
    uint32_t entries = places->record[0].bytes / sim_judge_units(judge, ENTRY_BYTES);
    uint32_t units = judge->layout->program_once ? (UNIT_ERASES_PER_UPDATE + hand_overs(judge)) * updates
                                                 : 1 + entries_per_update(judge) * updates / entries;
    uint32_t banks = pages_erased(judge, places->bank);
    uint32_t records = pages_erased(judge, places->record);
    uint32_t bank_pages = places->bank[0].bytes / judge->layout->erase_bytes;
    uint32_t unit_pages = places->record[0].bytes / judge->layout->erase_bytes;

    if (banks > updates * bank_pages) {
        sim_judge_accuse(judge, "budget: %u bank pages erased, %u allowed", (unsigned)banks,
                         (unsigned)(updates * bank_pages));
    }
    if (records > units * unit_pages) {
        sim_judge_accuse(judge, "budget: %u record pages erased, %u allowed", (unsigned)records,
                         (unsigned)(units * unit_pages));
    }
}

/* Where the record takes no more entries, an update that was begun stays begun. */
static bool at_rest(const struct sim_judge *judge, const struct entry *entry)
{
    bool stuck = judge->scenario->loss == SIM_WEAR_OUT_UNIT || judge->scenario->loss == SIM_FREEZE_UNIT;

    return entry->state == STATE_IDLE || (stuck && entry->state < STATE_PENDING);
}

/* Where the first update goes to. */
static const struct tdm_region *target_bank(const struct sim_judge *judge)
{
    return &judge->layout->places.bank[sim_layout_has_one_bank(judge->layout) ? 0 : 1];
}

/* Is there a place where a transfer that was cut off late can go on, below the page with the relocation
 * table?
 */
static bool may_go_on(const struct sim_judge *judge)
{
    bool encoded = judge->scenario->file[1] == SIM_COMPRESSED || judge->scenario->file[1] == SIM_DELTA;
    uint32_t bytes = judge->firmware[1].manifest.image_bytes;

    return bytes > (encoded ? FRAME_BYTES : 4 * judge->layout->erase_bytes);
}

/* What holds where nothing was cut off but by the scenario itself. */
static void judge_uncut(struct sim_judge *judge)
{
    const struct sim_scenario *scenario = judge->scenario;
    const struct tdm_region *bank = target_bank(judge);
    struct tdm_region header = {bank->address + bank->bytes - judge->layout->places.header_bytes,
                                judge->layout->places.header_bytes};

    if (scenario->updates > 0) {
        judge_bytes(judge);
        judge_erases(judge);
    }
    if (scenario->resumes && may_go_on(judge) && sim_flash_wear(judge->flash, &header) > 1) {
        sim_judge_accuse(judge, "R2: a transfer that was cut off did not go on");
    }
    if ((scenario->trick != SIM_NO_TRICK && !judge->tricked)) { /* the flash is too small for it */
        return;
    }
    if (scenario->reason != TDM_REASON_NONE && !judge->heard[scenario->reason] &&
        !judge->heard[scenario->or_reason]) {
        sim_judge_accuse(judge, "the co-processor was not told: %s", tdm_reason_slug(scenario->reason));
    }
}

void sim_judge_end(struct sim_judge *judge, uint8_t running, unsigned cuts)
{
    const struct sim_scenario *scenario = judge->scenario;
    struct entry entry = sim_judge_entry(judge);
    bool excused = judge->mark_lost && running != SIM_NONE && judge->was_confirmed[running];

    if (running != scenario->ends_with && !excused) {
        sim_judge_accuse(judge, "in the end %s runs, and not %s",
                         running == SIM_NONE ? "nothing" : judge->firmware[running].recipe.version,
                         scenario->ends_with == SIM_NONE
                             ? "nothing"
                             : judge->firmware[scenario->ends_with].recipe.version);
    }
    if (running != SIM_NONE && (!at_rest(judge, &entry) || entry.active >= TDM_BANKS ||
                                sim_judge_identify(judge, entry.active) != running)) {
        sim_judge_accuse(judge, "in the end the record does not say what runs (state %u, active %u)",
                         entry.state, entry.active);
    }
    if (scenario->refused && sim_flash_erases(judge->flash, target_bank(judge)) > 0) {
        sim_judge_accuse(judge, "invariant 8: a page was erased for a package that must be refused");
    }
    if (scenario->wear_max > 0 && sim_flash_wear(judge->flash, target_bank(judge)) > scenario->wear_max) {
        sim_judge_accuse(judge, "R10: a page was erased %u times, %u allowed",
                         (unsigned)sim_flash_wear(judge->flash, target_bank(judge)), scenario->wear_max);
    }
    if (!judge->was_confirmed[scenario->by_way_of]) {
        sim_judge_accuse(judge, "%s was not installed on the way",
                         judge->firmware[scenario->by_way_of].recipe.version);
    }
    if (cuts == 0) {
        judge_uncut(judge);
    }
}
