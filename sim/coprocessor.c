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
    DOWN_MS = 6 * 3600000,
    REFUSALS = 2, /* of the prefetch */
    CHUNK_PACE_MS = 50
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

static void ship_next(struct sim_operator *ships)
{
    ships->item++;
    ships->failures = 0;
    ships->offered = false;
}

/* The device is up: with what was shipped last, or without. */
static void note_device(struct sim_world *world, bool runs_it, bool started)
{
    struct sim_operator *ships = &world->ships;

    if (ships->item >= world->judge.firmwares) {
        return;
    }
    if (runs_it && ships->offered) {
        ship_next(ships);
    } else if (ships->installed && started) {
        ships->failures++; /* rolled back */
    }
    ships->installed = false;
}

/* One that tells nothing more is known by its version; on trial it runs already. */
static void online(void *ctx, const struct tdm_ncp_device *device)
{
    struct sim_world *world = ctx;
    uint8_t item = world->ships.item;

    world->online = true;
    world->ships.quiet_ms = world->now_ms;
    if (world->scenario->plain_peer && item < world->judge.firmwares) {
        note_device(world, strcmp(device->firmware.version, world->firmware[item].manifest.version) == 0,
                    true);
    }
    tdm_ncp_cloud_state(&world->ncp, TDM_STATE_CONNECTED);
}

static void offline(void *ctx)
{
    ((struct sim_world *)ctx)->online = false;
}

static bool aborts_all(enum sim_trick trick)
{
    return trick == SIM_ABORTS || trick == SIM_REPLAYS;
}

static bool is_within_a_day(const struct sim_world *world)
{
    return aborts_all(world->scenario->trick) && world->now_ms - world->born_ms < DAY_MS;
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

static bool is_aborted(const struct sim_world *world, uint32_t id, uint32_t offset)
{
    uint32_t limit =
        world->scenario->trick == SIM_REPLAYS ? world->firmware[id].image : trick_offset(world, id);

    return is_within_a_day(world) && offset > limit;
}

/* The file is gone, and in one trick the network with it. */
static bool is_lost(struct sim_world *world, uint32_t id, uint32_t end)
{
    enum sim_trick trick = world->scenario->trick;
    struct sim_operator *ships = &world->ships;

    if ((trick != SIM_DOWNLOAD_FAILS && trick != SIM_NETWORK_DOWN) || ships->failures > 0 || id != 1 ||
        end <= trick_offset(world, id) || !is_time_for_trick(world)) {
        return false;
    }
    ships->cut_off = trick == SIM_NETWORK_DOWN;
    ships->back_ms = world->now_ms + DOWN_MS;
    return true;
}

/* Bytes that are not those of the file that was offered, if the trick says so. */
static void falsify(struct sim_world *world, uint32_t id, uint32_t offset, uint8_t *data, size_t bytes)
{
    enum sim_trick trick = world->scenario->trick;

    uint32_t from = trick_offset(world, id);
    size_t i;

    if (id != 1 || !is_time_for_trick(world)) {
        return;
    }
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

static int read_file(void *ctx, uint32_t id, uint32_t offset, void *to, size_t bytes)
{
    struct sim_world *world = ctx;

    if (is_aborted(world, id, offset) || is_lost(world, id, offset + (uint32_t)bytes)) {
        world->ships.tricked = true;
        return TDM_E_FLASH_READ;
    }
    memcpy(to, world->firmware[id].file + offset, bytes);
    falsify(world, id, offset, to, bytes);
    if (offset + bytes == world->firmware[id].file_bytes) {
        sim_judge_streamed(&world->judge, (uint8_t)id);
    }
    return TDM_OK;
}

/* The delta's base is read no more as it was. */
static void spoil_base(struct sim_world *world)
{
    const struct sim_firmware *firmware = &world->firmware[world->running];
    const struct tdm_region *bank = &world->layout->places.bank[world->bank];
    uint32_t unit = world->layout->program_bytes;
    struct tdm_region hit = {bank->address + firmware->manifest.image_bytes * 7 / 8 / unit * unit, unit};

    world->judge.running_rotted = true;
    if (world->scenario->trick == SIM_BASE_DIES) {
        sim_flash_make_unreadable(&world->flash, &hit);
    } else {
        sim_flash_garble(&world->flash, &hit, 1);
    }
}

/* In the middle of a transfer. */
static void play_trick(struct sim_world *world)
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

static void on_progress(void *ctx, const struct tdm_ncp_progress *progress)
{
    struct sim_world *world = ctx;
    struct sim_operator *ships = &world->ships;

    ships->quiet_ms = world->now_ms;
    sim_judge_heard(&world->judge, progress->reason);
    if (progress->stage != TDM_NCP_TRANSFERRING) {
        sim_world_note(world, "co-processor: %s %s", tdm_ncp_stage_slug(progress->stage),
                       progress->reason != TDM_REASON_NONE ? tdm_reason_slug(progress->reason) : "");
    }
    switch (progress->stage) {
    case TDM_NCP_TRANSFERRING:
        ships->all_sent = progress->bytes == progress->size;
        if (is_played_by_progress(world->scenario->trick) && !ships->tricked && !ships->all_sent &&
            progress->bytes > trick_offset(world, progress->id) && is_time_for_trick(world)) {
            play_trick(world);
        }
        break;
    case TDM_NCP_INSTALLED:
        ships->installed = true;
        break;
    case TDM_NCP_FAILED:
        ships->failures += progress->id == ships->item && !aborts_all(world->scenario->trick);
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
    sim_judge_heard(&world->judge, report->reason);
    if (report->state == 1) {
        note_device(world, runs, report->event == TDM_DEVICE_STARTED);
    }
    return true;
}

/* What is served otherwise than core/ncp does. */
static int serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                 struct tdm_writer *results)
{
    struct sim_world *world = ctx;

    (void)msg_id;
    (void)args;
    if (uid == TDM_UID_NCP_HAS_UID && world->scenario->plain_peer) {
        tdm_put_bool(results, false);
        return TDM_STATUS_OK;
    }
    if (uid == TDM_UID_OTA_PREFETCH && world->scenario->trick == SIM_NO_PREFETCH &&
        world->ships.refusals++ < REFUSALS) {
        world->ships.tricked = true;
        tdm_put_u8(results, TDM_PREFETCH_CONNECT);
        return TDM_STATUS_OK;
    }
    return TDM_STATUS_UNKNOWN_UID;
}

static bool serves(void *ctx, uint16_t uid)
{
    (void)ctx;
    (void)uid;
    return false;
}

static const struct tdm_ncp_ops ncp_ops = {
    .can_baud = can_baud,
    .set_baud = set_baud,
    .online = online,
    .offline = offline,
    .read = read_file,
    .progress = on_progress,
    .device_report = on_report,
    .serve = serve,
    .serves = serves,
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
    if (tdm_ncp_offer(&world->ncp, &file, world->now_ms) != TDM_OK) {
        sim_judge_accuse(&world->judge, "the co-processor refused the operator's offer");
    }
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
    if (world->ships.rests++ == 2) {
        world->over = true;
    } else {
        sim_device_reset(world, world->ships.rests == 1 ? TDM_RESET_SOFT : TDM_RESET_POWER);
    }
}

static bool is_half_way(const struct sim_world *world)
{
    return world->mcu.update.offset > trick_offset(world, world->ships.item) && is_time_for_trick(world);
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
    if (trick == SIM_NEWER_WHEN_SENT) {
        return ships->all_sent && is_time_for_trick(world);
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
        ship_next(ships);
    }
    if (needs_rescue(world)) {
        ships->item = world->scenario->ends_with;
    }
    ships->quiet_ms = world->now_ms;
    ships->installed = false;
    if (is_within_a_day(world) && world->scenario->trick == SIM_ABORTS) { /* nothing is resumed */
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

/* What comes in while flash is written stays in the UART, as far as it has room. */
static void carry_to_device(struct sim_world *world)
{
    uint8_t piece[2 * SIM_PIECE_BYTES];
    size_t room = SIZE_MAX;
    size_t count;

    while ((count = sim_line_receive(&world->to_mcu, piece, world->now_ms)) > 0) {
        if (world->deaf) {
            world->deaf = false;
            room = world->scenario->fifo_bytes;
        }
        count = count < room ? count : room;
        room -= count;
        world->fed = true;
        if (count > 0) {
            sim_client_receive(world, piece, count);
        }
    }
    world->deaf = false;
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
    carry_to_device(world);
}

/* The co-processor streams on until the device has had enough. */
static uint32_t stream_on(struct sim_world *world)
{
    uint8_t piece[SIM_PIECE_BYTES];

    while (tdm_ncp_pull(&world->ncp, piece, sizeof piece, world->now_ms) > 0) { /* never sent */
    }
    world->streams_on = tdm_mcu_is_updating(&world->mcu);
    if (world->now_ms - world->next_chunk_ms <= INT32_MAX && sim_line_has_room(&world->to_mcu)) {
        sim_fault_chunk(world, world->firmware[world->ships.item].file_bytes);
        world->next_chunk_ms = world->now_ms + CHUNK_PACE_MS;
    }
    return CHUNK_PACE_MS;
}

/* Those that are no matter of core/ncp's progress. */
static void play_outside(struct sim_world *world)
{
    struct sim_operator *ships = &world->ships;
    enum sim_trick trick = world->scenario->trick;

    if (ships->tricked || ships->item != 1 || !is_time_for_trick(world)) {
        return;
    }
    if ((trick == SIM_NCP_RESTARTS || trick == SIM_BOTH_RESTART) && is_half_way(world)) {
        ships->tricked = true;
        sim_ncp_start(world);
        if (trick == SIM_BOTH_RESTART) {
            sim_device_reset(world, TDM_RESET_POWER);
        }
    } else if (trick == SIM_STREAMS_ON && ships->all_sent) {
        ships->tricked = true;
        world->streams_on = true;
        world->next_chunk_ms = world->now_ms;
    }
}

uint32_t sim_ncp_poll(struct sim_world *world)
{
    uint8_t piece[SIM_PIECE_BYTES];
    uint32_t wait_ms;
    size_t count;

    carry(world);
    play_outside(world);
    world->stalls = world->stalls && tdm_mcu_is_updating(&world->mcu);
    wait_ms = tdm_ncp_poll(&world->ncp, world->now_ms);
    if (world->streams_on) {
        return stream_on(world);
    }
    while (sim_line_has_room(&world->to_mcu) &&
           (count = tdm_ncp_pull(&world->ncp, piece, sizeof piece, world->now_ms)) > 0) {
        sim_fault_send(world, &world->to_mcu, piece, count);
    }
    operate(world);
    return wait_ms;
}
