/* The verdict at the end of a case: what runs, what the record says of it, and what the update cost. */
#include "sim/judge_read.h"

enum {
    FRAME_BYTES = 16384,       /* of an encoded payload */
    ENTRIES_PER_UPDATE = 5,    /* erasing, receiving, pending, trial, confirm */
    UNIT_ERASES_PER_UPDATE = 4 /* on flash that programs once */
};

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
    if (judge->flash->programmed > allowed)
        sim_judge_accuse(judge, "budget: %u bytes programmed, %u allowed", (unsigned)judge->flash->programmed,
                         (unsigned)allowed);
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

    if (banks > updates * bank_pages)
        sim_judge_accuse(judge, "budget: %u bank pages erased, %u allowed", (unsigned)banks,
                         (unsigned)(updates * bank_pages));
    if (records > units * unit_pages)
        sim_judge_accuse(judge, "budget: %u record pages erased, %u allowed", (unsigned)records,
                         (unsigned)(units * unit_pages));
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
    if (scenario->resumes && may_go_on(judge) && sim_flash_wear(judge->flash, &header) > 1)
        sim_judge_accuse(judge, "R2: a transfer that was cut off did not go on");
    if ((scenario->trick != SIM_NO_TRICK && !judge->tricked)) { /* the flash is too small for it */
        return;
    }
    if (scenario->reason != TDM_REASON_NONE && !judge->heard[scenario->reason] &&
        !judge->heard[scenario->or_reason])
        sim_judge_accuse(judge, "the co-processor was not told: %s", tdm_reason_slug(scenario->reason));
}

void sim_judge_end(struct sim_judge *judge, uint8_t running, unsigned cuts)
{
    const struct sim_scenario *scenario = judge->scenario;
    struct entry entry = sim_judge_entry(judge);
    /* By an operator who did not hear that it was confirmed. */
    bool shipped_again = judge->disturbed && scenario->loss != SIM_NO_LOSS;
    bool excused =
        (judge->mark_lost || shipped_again) && running != SIM_NONE && judge->was_confirmed[running];

    if (running != scenario->ends_with && !excused)
        sim_judge_accuse(judge, "in the end %s runs, and not %s",
                         running == SIM_NONE ? "nothing" : judge->firmware[running].recipe.version,
                         scenario->ends_with == SIM_NONE
                             ? "nothing"
                             : judge->firmware[scenario->ends_with].recipe.version);
    if (running != SIM_NONE && (!at_rest(judge, &entry) || entry.active >= TDM_BANKS ||
                                sim_judge_identify(judge, entry.active) != running))
        sim_judge_accuse(judge, "in the end the record does not say what runs (state %u, active %u)",
                         entry.state, entry.active);
    if (scenario->refused && sim_flash_erases(judge->flash, target_bank(judge)) > 0)
        sim_judge_accuse(judge, "invariant 8: a page was erased for a package that must be refused");
    if (scenario->wear_max > 0 && sim_flash_wear(judge->flash, target_bank(judge)) > scenario->wear_max)
        sim_judge_accuse(judge, "R10: a page was erased %u times, %u allowed",
                         (unsigned)sim_flash_wear(judge->flash, target_bank(judge)), scenario->wear_max);
    if (!judge->was_confirmed[scenario->by_way_of] && !judge->disturbed)
        sim_judge_accuse(judge, "%s was not installed on the way",
                         judge->firmware[scenario->by_way_of].recipe.version);
    if (cuts == 0)
        judge_uncut(judge);
}
