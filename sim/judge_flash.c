/* What the flash must always hold, whatever the device was doing when the power went away. */
#include "sim/judge_read.h"

static bool is_somewhere(const struct sim_judge *judge, uint8_t firmware)
{
    return firmware != SIM_NONE && (sim_judge_holds(judge, 0, &judge->firmware[firmware]) ||
                                    sim_judge_holds(judge, 1, &judge->firmware[firmware]));
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

    if (judge->new_rotted)
        return;
    if (firmware == SIM_NONE || !sim_firmware_may_run(&judge->firmware[firmware]) ||
        !sim_judge_digest_is(judge, firmware, entry->target_digest)) {
        sim_judge_accuse(judge,
                         "invariant 2: the record wants to try bank %u, which does not hold that image",
                         entry->target);
        return;
    }
    if (entry->active < TDM_BANKS && !judge->running_rotted && !is_sound(judge, entry->target))
        sim_judge_accuse(judge, "R2: bank %u is to be tried with units that a power cut left weak",
                         entry->target);
}

static uint8_t firmware_of(const struct sim_judge *judge, const uint8_t digest[DIGEST_BYTES])
{
    uint8_t i = 0;

    while (i < judge->firmwares && !sim_judge_digest_is(judge, i, digest))
        i++;
    return i < judge->firmwares ? i : SIM_NONE;
}

/* R9: the only image makes room for one that was streamed whole, and is what was signed. */
static void judge_replacement(struct sim_judge *judge, const struct entry *entry)
{
    uint8_t next = firmware_of(judge, entry->target_digest);

    if (next == SIM_NONE || !sim_firmware_may_run(&judge->firmware[next]) || !judge->streamed[next])
        sim_judge_accuse(judge, "R9: %s is erased for a package that was not checked to its end",
                         judge->firmware[judge->confirmed].recipe.version);
}

static bool is_replacing(const struct entry *entry)
{
    return entry->active >= TDM_BANKS && entry->state >= STATE_ERASING && entry->state <= STATE_TRIAL;
}

static void judge_confirmed_image(struct sim_judge *judge, const struct entry *entry)
{
    bool one_bank = sim_layout_has_one_bank(judge->layout);

    if (judge->running_rotted || judge->confirmed == SIM_NONE)
        return;
    if (one_bank && is_replacing(entry)) {
        judge_replacement(judge, entry);
        judge->gives_way = true;
    }
    if (is_somewhere(judge, judge->confirmed) || is_somewhere(judge, judge->confirming))
        return;
    if (!judge->gives_way)
        sim_judge_accuse(judge, "invariant 1: the confirmed firmware %s is in no bank any more",
                         judge->firmware[judge->confirmed].recipe.version);
    judge->confirmed = SIM_NONE;
}

void sim_judge_flash(struct sim_judge *judge)
{
    struct entry entry = sim_judge_entry(judge);

    judge_confirmed_image(judge, &entry);
    if (entry.sequence == 0) {
        if (!judge->record_lost)
            sim_judge_accuse(judge, "invariant 4: no valid entry in either record unit");
        return;
    }
    if (entry.state == STATE_PENDING || entry.state == STATE_TRIAL)
        judge_target(judge, &entry);
    if (entry.state == STATE_IDLE &&
        entry.active >= TDM_BANKS) { /* rolled back: what follows is another trial */
        judge->on_trial = SIM_NONE;
    }
    if (judge->flash->violations > 0)
        sim_judge_accuse(judge,
                         "flash rules: 0 to 1, unaligned, outside, or a unit that must be erased first");
}
