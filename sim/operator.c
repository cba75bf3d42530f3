/* The operator behind the co-processor: ships what the scenario says, one firmware after the other. */
#include <string.h>

#include "sim/world.h"

enum {
    QUIET_MS = 3000,   /* before the operator acts */
    TRIAL_MS = 600000, /* the longest that a trial may take to report */
    FAILURES = 2,      /* of one firmware before the operator gives up; a power cut excuses more */
    BAD_LINE_FAILURES = 8,
    ABORT_PACE_MS = 1500000
};

static void ship_next(struct sim_operator *ships)
{
    ships->item++;
    ships->failures = 0;
    ships->offered = false;
}

void sim_operator_sees(struct sim_world *world, bool runs_it, bool started)
{
    struct sim_operator *ships = &world->ships;

    if (ships->item >= world->judge.firmwares)
        return;
    if (runs_it && ships->offered)
        ship_next(ships);
    else if (ships->installed && started)
        ships->failures++; /* rolled back */
    ships->installed = false;
}

static void describe(struct tdm_ncp_firmware *file, const struct sim_firmware *firmware, uint8_t id)
{
    struct tdm_hash hash;

    memset(file, 0, sizeof *file);
    file->id = id;
    memcpy(file->name, "firmware.tdm", sizeof "firmware.tdm");
    file->bytes = firmware->file_bytes;
    memcpy(file->type, firmware->manifest.type, sizeof file->type);
    memcpy(file->version, firmware->manifest.version, sizeof file->version);
    file->crc32 = tdm_crc32(0, firmware->file, firmware->file_bytes);
    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, firmware->file, firmware->file_bytes);
    tdm_sha256_result(&hash, file->sha256);
    tdm_md5_init(&hash);
    tdm_md5_update(&hash, firmware->file, firmware->file_bytes);
    tdm_md5_result(&hash, file->md5);
}

static void offer(struct sim_world *world, uint8_t item)
{
    struct tdm_ncp_firmware file;

    world->ships.offered = true;
    sim_world_note(world, "the operator ships %s", world->firmware[item].recipe.version);
    describe(&file, &world->firmware[item], item);
    if (tdm_ncp_offer(&world->ncp, &file, world->now_ms) != TDM_OK)
        sim_judge_accuse(&world->judge, "the co-processor refused the operator's offer");
}

/* After one that failed encoded the whole package is shipped, where the scenario has it (R10). */
static unsigned failures_allowed(const struct sim_world *world)
{
    enum sim_file file = world->scenario->file[world->ships.item];
    bool encoded = file == SIM_COMPRESSED || file == SIM_DELTA;
    unsigned allowed = world->scenario->line_one_in != 0 ? BAD_LINE_FAILURES : FAILURES;

    return (encoded ? 1 : allowed) + 2 * world->cuts_done;
}

static bool is_cut_off(struct sim_world *world)
{
    struct sim_operator *ships = &world->ships;

    ships->cut_off = ships->cut_off && ships->back_ms - world->now_ms <= INT32_MAX;
    return ships->cut_off;
}

/* Nothing is left to ship: the device must come up again, twice, and still be well. */
static void rest(struct sim_world *world)
{
    if (world->ships.rests++ == 2)
        world->over = true;
    else
        sim_device_reset(world, world->ships.rests == 1 ? TDM_RESET_SOFT : TDM_RESET_POWER);
}

/* The bootloader could start an image, and gives an offer two minutes first. */
static bool waits_for_offer(const struct sim_world *world)
{
    return world->running == SIM_NONE && world->intact != TDM_NO_BANK && sim_judge_sees_fetch(&world->judge);
}

/* All was shipped, and the device waits in its bootloader for an image: it is shipped again. */
static bool needs_rescue(const struct sim_world *world)
{
    return world->ships.item >= world->judge.firmwares && world->running == SIM_NONE &&
           !waits_for_offer(world) && world->scenario->ends_with != SIM_NONE;
}

static uint32_t patience_ms(const struct sim_world *world)
{
    if (sim_trick_lasts(world))
        return ABORT_PACE_MS;
    return world->ships.installed ? TRIAL_MS : QUIET_MS;
}

void sim_operator_poll(struct sim_world *world)
{
    struct sim_operator *ships = &world->ships;

    if (sim_trick_offers_newer(world)) {
        ships->tricked = true;
        ships->item += world->scenario->trick == SIM_NEWER_OFFER;
        offer(world, 2);
        return;
    }
    if (!world->online || world->trial || is_cut_off(world) || tdm_ncp_updating(&world->ncp) ||
        world->now_ms - ships->quiet_ms < patience_ms(world))
        return;
    if (ships->item < world->judge.firmwares && ships->failures >= failures_allowed(world))
        ship_next(ships);
    if (needs_rescue(world))
        ships->item = world->scenario->ends_with;
    ships->quiet_ms = world->now_ms;
    ships->installed = false;
    if (sim_trick_lasts(world) && world->scenario->trick == SIM_ABORTS) { /* nothing is resumed */
        ships->item = ships->item == 1 ? 2 : 1;
    }
    if (ships->item < world->judge.firmwares)
        offer(world, ships->item);
    else if (!waits_for_offer(world))
        rest(world);
}
