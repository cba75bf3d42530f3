/* What goes wrong with co-processor, line and operator once in a case, as the scenario has it. */
#include <string.h>

#include "sim/world.h"

enum { SILENCE_MS = 70000, DAY_MS = 24 * 3600000, DOWN_MS = 6 * 3600000, CHUNK_PACE_MS = 50 };

/* --- When --- */

bool sim_trick_aborts(enum sim_trick trick)
{
    return trick == SIM_ABORTS || trick == SIM_REPLAYS;
}

bool sim_trick_lasts(const struct sim_world *world)
{
    return sim_trick_aborts(world->scenario->trick) && world->now_ms - world->born_ms < DAY_MS;
}

/* So far, and no further, before the trick is played. */
static uint32_t trick_offset(const struct sim_world *world, uint32_t id)
{
    uint8_t percent = world->scenario->at_percent != 0 ? world->scenario->at_percent : 50;

    return (uint32_t)((uint64_t)world->firmware[id].file_bytes * percent / 100);
}

/* On a device with one bank the first transfer only checks, and the second one writes. */
static bool is_time_for_trick(const struct sim_world *world)
{
    return !world->scenario->while_writing || sim_judge_sees_receiving(&world->judge);
}

static bool is_half_way(const struct sim_world *world)
{
    return sim_device_offset(world) > trick_offset(world, world->ships.item) && is_time_for_trick(world);
}

bool sim_trick_offers_newer(const struct sim_world *world)
{
    const struct sim_operator *ships = &world->ships;
    enum sim_trick trick = world->scenario->trick;

    if (ships->tricked || ships->item != 1)
        return false;
    if (trick == SIM_OFFER_IN_TRIAL)
        return world->trial && world->online;
    if (trick == SIM_NEWER_WHEN_SENT)
        return ships->all_sent && is_time_for_trick(world);
    return trick == SIM_NEWER_OFFER && is_half_way(world);
}

/* --- What the co-processor reads --- */

static bool is_aborted(const struct sim_world *world, uint32_t id, uint32_t offset)
{
    uint32_t limit =
        world->scenario->trick == SIM_REPLAYS ? world->firmware[id].image : trick_offset(world, id);

    return sim_trick_lasts(world) && offset > limit;
}

/* The file is gone, and in one trick the network with it. */
static bool is_lost(struct sim_world *world, uint32_t id, uint32_t end)
{
    enum sim_trick trick = world->scenario->trick;
    struct sim_operator *ships = &world->ships;

    if ((trick != SIM_DOWNLOAD_FAILS && trick != SIM_NETWORK_DOWN) || ships->failures > 0 || id != 1 ||
        end <= trick_offset(world, id) || !is_time_for_trick(world))
        return false;
    ships->cut_off = trick == SIM_NETWORK_DOWN;
    ships->back_ms = world->now_ms + DOWN_MS;
    return true;
}

bool sim_trick_fails_read(struct sim_world *world, uint32_t id, uint32_t offset, uint32_t bytes)
{
    bool fails = is_aborted(world, id, offset) || is_lost(world, id, offset + bytes);

    world->ships.tricked = world->ships.tricked || fails;
    return fails;
}

void sim_trick_falsify(struct sim_world *world, uint32_t id, uint32_t offset, uint8_t *data, size_t bytes)
{
    enum sim_trick trick = world->scenario->trick;

    uint32_t from = trick_offset(world, id);
    size_t i;

    if (id != 1 || !is_time_for_trick(world))
        return;
    if (trick == SIM_SPOILS_DATA && !world->ships.tricked &&
        offset + bytes == world->firmware[id].file_bytes) {
        world->ships.tricked = true;
        data[bytes - 1] ^= 0x40;
    }
    from = from < world->firmware[id].image ? world->firmware[id].image : from;
    for (i = 0; trick == SIM_SWAPS_FILE && world->ships.failures == 0 && i < bytes; i++) {
        if (offset + i >= from) {
            data[i] = world->firmware[2].file[offset + i];
            world->ships.tricked = true;
        }
    }
}

/* --- In the middle of a transfer --- */

/* The delta's base is read no more as it was. */
static void spoil_base(struct sim_world *world)
{
    const struct sim_firmware *firmware = &world->firmware[world->running];
    const struct tdm_region *bank = &world->layout->places.bank[world->bank];
    uint32_t unit = world->layout->program_bytes;
    struct tdm_region hit = {bank->address + firmware->manifest.image_bytes * 7 / 8 / unit * unit, unit};

    world->judge.running_rotted = true;
    if (world->scenario->trick == SIM_BASE_DIES)
        sim_flash_make_unreadable(&world->flash, &hit);
    else
        sim_flash_garble(&world->flash, &hit, 1);
}

static void play(struct sim_world *world)
{
    world->ships.tricked = true;
    switch (world->scenario->trick) {
    case SIM_MCU_RESTARTS:
        sim_device_reset(world, TDM_RESET_WATCHDOG);
        break;
    case SIM_BASE_ROTS:
    case SIM_BASE_DIES:
        spoil_base(world);
        break;
    case SIM_STALLS:
        world->stalls = true;
        break;
    case SIM_LINE_SILENT:
        world->silent = true;
        world->silent_until_ms = world->now_ms + SILENCE_MS;
        break;
    default:
        break;
    }
}

static bool is_played_by_progress(enum sim_trick trick)
{
    return trick == SIM_MCU_RESTARTS || trick == SIM_LINE_SILENT || trick == SIM_STALLS ||
           trick == SIM_BASE_ROTS || trick == SIM_BASE_DIES;
}

void sim_trick_progress(struct sim_world *world, const struct tdm_ncp_progress *progress)
{
    struct sim_operator *ships = &world->ships;

    ships->all_sent = progress->bytes == progress->size;
    if (is_played_by_progress(world->scenario->trick) && !ships->tricked && !ships->all_sent &&
        progress->bytes > trick_offset(world, progress->id) && is_time_for_trick(world))
        play(world);
}

void sim_trick_poll(struct sim_world *world)
{
    struct sim_operator *ships = &world->ships;
    enum sim_trick trick = world->scenario->trick;

    world->stalls = world->stalls && sim_device_is_updating(world);
    if (ships->tricked || ships->item != 1 || !is_time_for_trick(world))
        return;
    if ((trick == SIM_NCP_RESTARTS || trick == SIM_BOTH_RESTART) && is_half_way(world)) {
        ships->tricked = true;
        sim_ncp_start(world);
        if (trick == SIM_BOTH_RESTART)
            sim_device_reset(world, TDM_RESET_POWER);
    } else if (trick == SIM_STREAMS_ON && ships->all_sent) {
        ships->tricked = true;
        world->streams_on = true;
        world->next_chunk_ms = world->now_ms;
    }
}

uint32_t sim_trick_stream(struct sim_world *world)
{
    uint8_t piece[SIM_PIECE_BYTES];

    while (tdm_ncp_pull(&world->ncp, piece, sizeof piece, world->now_ms) > 0) { /* never sent */
    }
    world->streams_on = sim_device_is_updating(world);
    if (world->now_ms - world->next_chunk_ms <= INT32_MAX && sim_line_has_room(&world->to_mcu)) {
        sim_fault_chunk(world, world->firmware[world->ships.item].file_bytes);
        world->next_chunk_ms = world->now_ms + CHUNK_PACE_MS;
    }
    return CHUNK_PACE_MS;
}
