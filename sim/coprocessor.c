/* The co-processor, which is core/ncp, and its end of the line. */
#include <string.h>

#include "sim/world.h"

enum { REFUSALS = 2 /* of the prefetch */ };

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

/* One that tells nothing more is known by its version; on trial it runs already. */
static void online(void *ctx, const struct tdm_ncp_device *device)
{
    struct sim_world *world = ctx;
    uint8_t item = world->ships.item;

    world->online = true;
    world->ships.quiet_ms = world->now_ms;
    if (world->scenario->plain_peer && item < world->judge.firmwares)
        sim_operator_sees(
            world, strcmp(device->firmware.version, world->firmware[item].manifest.version) == 0, true);
    tdm_ncp_cloud_state(&world->ncp, TDM_STATE_CONNECTED);
}

static void offline(void *ctx)
{
    ((struct sim_world *)ctx)->online = false;
}

static int read_file(void *ctx, uint32_t id, uint32_t offset, void *to, size_t bytes)
{
    struct sim_world *world = ctx;

    if (sim_trick_fails_read(world, id, offset, (uint32_t)bytes))
        return TDM_E_FLASH_READ;
    memcpy(to, world->firmware[id].file + offset, bytes);
    sim_trick_falsify(world, id, offset, to, bytes);
    if (offset + bytes == world->firmware[id].file_bytes)
        sim_judge_streamed(&world->judge, (uint8_t)id);
    return TDM_OK;
}

static void on_progress(void *ctx, const struct tdm_ncp_progress *progress)
{
    struct sim_world *world = ctx;
    struct sim_operator *ships = &world->ships;

    ships->quiet_ms = world->now_ms;
    sim_judge_heard(&world->judge, progress->reason);
    if (progress->stage != TDM_NCP_TRANSFERRING) {
        bool has_reason = progress->reason != TDM_REASON_NONE;

        sim_world_note(world, "co-processor: %s%s%s", tdm_ncp_stage_slug(progress->stage),
                       has_reason ? ", " : "", has_reason ? tdm_reason_slug(progress->reason) : "");
    }
    switch (progress->stage) {
    case TDM_NCP_TRANSFERRING:
        sim_trick_progress(world, progress);
        break;
    case TDM_NCP_INSTALLED:
        ships->installed = true;
        break;
    case TDM_NCP_FAILED:
        ships->failures += progress->id == ships->item && !sim_trick_aborts(world->scenario->trick);
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
    if (report->state == 1)
        sim_operator_sees(world, runs, report->event == TDM_DEVICE_STARTED);
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
        if (count > 0 && world->bank == TDM_NO_BANK)
            sim_fetcher_receive(world, piece, count);
        else if (count > 0)
            sim_client_receive(world, piece, count);
    }
    world->deaf = false;
}

static void carry(struct sim_world *world)
{
    uint8_t piece[2 * SIM_PIECE_BYTES];
    size_t count;

    world->to_ncp.dead = is_dead(world);
    world->to_mcu.dead = world->to_ncp.dead;
    while ((count = sim_line_receive(&world->to_ncp, piece, world->now_ms)) > 0)
        tdm_ncp_receive(&world->ncp, piece, count, world->now_ms);
    carry_to_device(world);
}

uint32_t sim_ncp_poll(struct sim_world *world)
{
    uint8_t piece[SIM_PIECE_BYTES];
    uint32_t wait_ms;
    size_t count;

    carry(world);
    sim_trick_poll(world);
    wait_ms = tdm_ncp_poll(&world->ncp, world->now_ms);
    if (world->streams_on)
        return sim_trick_stream(world);
    while (sim_line_has_room(&world->to_mcu) &&
           (count = tdm_ncp_pull(&world->ncp, piece, sizeof piece, world->now_ms)) > 0)
        sim_fault_send(world, &world->to_mcu, piece, count);
    sim_operator_poll(world);
    return wait_ms;
}
