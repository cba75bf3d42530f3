/* The co-processor, which is core/ncp, and the operator behind it, who ships what the scenario says. */
#include <string.h>

#include "sim/world.h"

enum {
    QUIET_MS = 3000,   /* before the operator acts */
    TRIAL_MS = 600000, /* the longest that a trial may take to report */
    FAILURES = 2,      /* of one firmware before the operator gives up; a power cut excuses more */
    BAD_LINE_FAILURES = 8,
    SILENCE_MS = 70000,
    DAY_MS = 24 * 3600000,
    ABORT_PACE_MS = 1500000,
    DOWN_MS = 6 * 3600000
};

/* --- Effects of core/ncp --- */

static bool can_baud(void *ctx, uint32_t baud)
{
    (void)ctx;
    return baud <= 460800;
}

static void set_baud(void *ctx, uint32_t baud)
{
    struct sim_world *world = ctx;

    world->to_mcu.baud = baud;
    world->to_ncp.peer_baud = baud;
}

static void online(void *ctx, const struct tdm_ncp_device *device)
{
    struct sim_world *world = ctx;

    (void)device;
    world->online = true;
    world->ships.quiet_ms = world->now_ms;
    tdm_ncp_cloud_state(&world->ncp, TDM_STATE_CONNECTED);
}

static void offline(void *ctx)
{
    ((struct sim_world *)ctx)->online = false;
}

static bool is_within_a_day(const struct sim_world *world)
{
    return world->scenario->trick == SIM_ABORTS && world->now_ms - world->born_ms < DAY_MS;
}

static bool is_aborted(const struct sim_world *world, uint32_t id, uint32_t offset)
{
    return is_within_a_day(world) && offset > world->firmware[id].bytes / 2;
}

static int read_file(void *ctx, uint32_t id, uint32_t offset, void *to, size_t bytes)
{
    struct sim_world *world = ctx;

    if (world->read_fails || is_aborted(world, id, offset)) {
        world->read_fails = false;
        return TDM_E_FLASH_READ;
    }
    memcpy(to, world->firmware[id].package + offset, bytes);
    if (offset + bytes == world->firmware[id].bytes) {
        sim_judge_streamed(&world->judge, (uint8_t)id);
    }
    return TDM_OK;
}

/* On a device with one bank the first transfer only checks, and the second one writes. */
static bool is_time_for_trick(const struct sim_world *world)
{
    return !world->scenario->while_writing || sim_judge_sees_receiving(&world->judge);
}

/* In the middle of a transfer. */
static void play_trick(struct sim_world *world)
{
    world->ships.tricked = true;
    switch (world->scenario->trick) {
    case SIM_MCU_RESTARTS:
        sim_device_reset(world, TDM_RESET_WATCHDOG);
        break;
    case SIM_DOWNLOAD_FAILS:
        world->read_fails = true;
        break;
    case SIM_NETWORK_DOWN:
        world->read_fails = true;
        world->ships.cut_off = true;
        world->ships.back_ms = world->now_ms + DOWN_MS;
        break;
    case SIM_LINE_SILENT:
        world->silent = true;
        world->silent_until_ms = world->now_ms + SILENCE_MS;
        break;
    default:
        break;
    }
}

static void on_progress(void *ctx, const struct tdm_ncp_progress *progress)
{
    struct sim_world *world = ctx;
    struct sim_operator *ships = &world->ships;

    ships->quiet_ms = world->now_ms;
    if (progress->stage != TDM_NCP_TRANSFERRING) {
        sim_world_note(world, "co-processor: %s %s", tdm_ncp_stage_slug(progress->stage),
                       progress->reason != TDM_REASON_NONE ? tdm_reason_slug(progress->reason) : "");
    }
    switch (progress->stage) {
    case TDM_NCP_TRANSFERRING:
        if (!ships->tricked && progress->bytes > progress->size / 2 && is_time_for_trick(world)) {
            play_trick(world);
        }
        break;
    case TDM_NCP_INSTALLED:
        ships->installed = true;
        break;
    case TDM_NCP_FAILED:
        ships->failures += progress->id == ships->item && world->scenario->trick != SIM_ABORTS;
        break;
    default:
        break;
    }
}

static bool on_report(void *ctx, const struct tdm_ncp_device_report *report)
{
    struct sim_world *world = ctx;
    struct sim_operator *ships = &world->ships;
    const uint8_t *wanted = world->firmware[ships->item].manifest.image_digest;
    bool runs =
        report->running_bytes == TDM_SHA256_BYTES && memcmp(report->running, wanted, TDM_SHA256_BYTES) == 0;

    ships->quiet_ms = world->now_ms;
    if (report->state == 1 && ships->item < world->judge.firmwares) {
        if (runs) {
            ships->item++;
            ships->failures = 0;
        } else if (ships->installed && report->event == TDM_DEVICE_STARTED) {
            ships->failures++; /* rolled back */
        }
        ships->installed = false;
    }
    return true;
}

static const struct tdm_ncp_ops ncp_ops = {
    .can_baud = can_baud,
    .set_baud = set_baud,
    .online = online,
    .offline = offline,
    .read = read_file,
    .progress = on_progress,
    .device_report = on_report,
};

void sim_ncp_start(struct sim_world *world)
{
    world->ncp_config =
        (struct tdm_ncp_config){.ops = &ncp_ops, .ctx = world, .version = "0.0.0", TDM_NCP_CONFIG_DEFAULTS};
    world->online = false;
    sim_line_clear(&world->to_mcu);
    tdm_ncp_init(&world->ncp, &world->ncp_config, world->now_ms);
    tdm_ncp_cloud_state(&world->ncp, TDM_STATE_CONNECTED);
}

/* --- The operator --- */

static void describe(struct tdm_ncp_firmware *file, const struct sim_firmware *firmware, uint8_t id)
{
    struct tdm_hash hash;

    memset(file, 0, sizeof *file);
    file->id = id;
    memcpy(file->name, "firmware.tdm", sizeof "firmware.tdm");
    file->bytes = firmware->bytes;
    memcpy(file->type, firmware->manifest.type, sizeof file->type);
    memcpy(file->version, firmware->manifest.version, sizeof file->version);
    file->crc32 = tdm_crc32(0, firmware->package, firmware->bytes);
    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, firmware->package, firmware->bytes);
    tdm_sha256_result(&hash, file->sha256);
    tdm_md5_init(&hash);
    tdm_md5_update(&hash, firmware->package, firmware->bytes);
    tdm_md5_result(&hash, file->md5);
}

static void offer(struct sim_world *world, uint8_t item)
{
    struct tdm_ncp_firmware file;

    sim_world_note(world, "the operator ships %s", world->firmware[item].recipe.version);
    describe(&file, &world->firmware[item], item);
    if (tdm_ncp_offer(&world->ncp, &file, world->now_ms) != TDM_OK) {
        sim_judge_accuse(&world->judge, "the co-processor refused the operator's offer");
    }
}

static unsigned failures_allowed(const struct sim_world *world)
{
    return (world->scenario->line_one_in != 0 ? BAD_LINE_FAILURES : FAILURES) + 2 * world->cuts_done;
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
    if (world->ships.rests++ == 2) {
        world->over = true;
    } else {
        sim_device_reset(world, world->ships.rests == 1 ? TDM_RESET_SOFT : TDM_RESET_POWER);
    }
}

static bool is_half_way(const struct sim_world *world)
{
    return world->mcu.update.offset > world->firmware[world->ships.item].bytes / 2 &&
           is_time_for_trick(world);
}

static bool plays_between(struct sim_world *world)
{
    struct sim_operator *ships = &world->ships;
    enum sim_trick trick = world->scenario->trick;

    if (ships->tricked || ships->item != 1) {
        return false;
    }
    if (trick == SIM_OFFER_IN_TRIAL) {
        return world->trial && world->online;
    }
    return trick == SIM_NEWER_OFFER && is_half_way(world);
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
    if (is_within_a_day(world)) {
        return ABORT_PACE_MS;
    }
    return world->ships.installed ? TRIAL_MS : QUIET_MS;
}

static void operate(struct sim_world *world)
{
    struct sim_operator *ships = &world->ships;

    if (plays_between(world)) {
        ships->tricked = true;
        ships->item += world->scenario->trick == SIM_NEWER_OFFER;
        offer(world, 2);
        return;
    }
    if (!world->online || world->trial || is_cut_off(world) || tdm_ncp_updating(&world->ncp) ||
        world->now_ms - ships->quiet_ms < patience_ms(world)) {
        return;
    }
    if (ships->item < world->judge.firmwares && ships->failures >= failures_allowed(world)) {
        ships->item++;
        ships->failures = 0;
    }
    if (needs_rescue(world)) {
        ships->item = world->scenario->ends_with;
    }
    ships->quiet_ms = world->now_ms;
    ships->installed = false;
    if (is_within_a_day(world)) { /* another one than last time: nothing is resumed */
        ships->item = ships->item == 1 ? 2 : 1;
    }
    if (ships->item < world->judge.firmwares) {
        offer(world, ships->item);
    } else if (!waits_for_offer(world)) {
        rest(world);
    }
}

/* --- Bytes --- */

static bool is_dead(struct sim_world *world)
{
    bool mute = world->trial && world->firmware[world->running].recipe.behaviour == SIM_FINDS_NO_LINK;

    world->silent = world->silent && world->silent_until_ms - world->now_ms <= INT32_MAX;
    return mute || world->silent;
}

static void carry(struct sim_world *world)
{
    uint8_t piece[2 * SIM_PIECE_BYTES];
    size_t count;

    world->to_ncp.dead = is_dead(world);
    world->to_mcu.dead = world->to_ncp.dead;
    while ((count = sim_line_receive(&world->to_ncp, piece, world->now_ms)) > 0) {
        tdm_ncp_receive(&world->ncp, piece, count, world->now_ms);
    }
    while ((count = sim_line_receive(&world->to_mcu, piece, world->now_ms)) > 0) {
        sim_client_receive(world, piece, count);
        world->fed = true;
    }
}

uint32_t sim_ncp_poll(struct sim_world *world)
{
    uint8_t piece[SIM_PIECE_BYTES];
    uint32_t wait_ms;
    size_t count;

    carry(world);
    if (world->scenario->trick == SIM_NCP_RESTARTS && !world->ships.tricked && world->mcu.update.offset > 0 &&
        is_time_for_trick(world)) {
        world->ships.tricked = true;
        sim_ncp_start(world);
    }
    wait_ms = tdm_ncp_poll(&world->ncp, world->now_ms);
    while (sim_line_has_room(&world->to_mcu) &&
           (count = tdm_ncp_pull(&world->ncp, piece, sizeof piece, world->now_ms)) > 0) {
        sim_fault_send(world, &world->to_mcu, piece, count);
    }
    operate(world);
    return wait_ms;
}
