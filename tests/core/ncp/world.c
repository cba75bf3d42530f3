#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* --- The co-processor's operations --- */

static bool can_baud(void *ctx, uint32_t baud)
{
    (void)ctx;
    return baud == 38400 || baud == 115200 || baud == 2000000;
}

static void set_baud(void *ctx, uint32_t baud)
{
    struct world *world = ctx;

    world->baud = baud;
    world->bytes_at_switch = world->bytes_sent;
}

static void online(void *ctx, const struct tdm_ncp_device *device)
{
    struct world *world = ctx;

    assert_string_equal(device->template_id, "TMPL0vFkFmJM7");
    world->online = true;
    world->onlines++;
}

static void offline(void *ctx)
{
    struct world *world = ctx;

    assert_true(world->online);
    world->online = false;
    world->offlines++;
}

static void reboot(void *ctx)
{
    ((struct world *)ctx)->reboots++;
}

static int read_file(void *ctx, uint32_t id, uint32_t offset, void *to, size_t bytes)
{
    struct world *world = ctx;

    assert_int_equal(id, world->firmware.id);
    assert_true(offset + bytes <= world->firmware.bytes);
    memcpy(to, world->file + offset, bytes);
    return world->read_error;
}

static void progress(void *ctx, const struct tdm_ncp_progress *to)
{
    struct world *world = ctx;

    world->progress[world->progress_count++ % STUB_LOG] = *to;
}

static bool device_report(void *ctx, const struct tdm_ncp_device_report *report)
{
    struct world *world = ctx;

    world->report = *report;
    world->reports++;
    return true;
}

/* The host serves getNcpVersion in place of core/ncp, virtualWrite, and factoryTestConnect later. */
static int serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                 struct tdm_writer *results)
{
    struct world *world = ctx;

    if (!world->host_serves)
        return TDM_STATUS_UNKNOWN_UID;
    world->host_uid = uid;
    switch (uid) {
    case 0x0305:
        tdm_put_string(results, "host 2");
        tdm_put_bool(results, true);
        return TDM_STATUS_OK;
    case 0x0311:
        world->host_pin = tdm_get_u16(args);
        return TDM_STATUS_OK;
    case 0x033A:
        world->host_msg_id = msg_id;
        return TDM_SERVE_LATER;
    default:
        return TDM_STATUS_UNKNOWN_UID;
    }
}

static bool serves(void *ctx, uint16_t uid)
{
    const struct world *world = ctx;

    return world->host_serves && (uid == 0x0311 || uid == 0x033A);
}

static const struct tdm_ncp_ops ops = {
    .can_baud = can_baud,
    .set_baud = set_baud,
    .online = online,
    .offline = offline,
    .reboot = reboot,
    .read = read_file,
    .progress = progress,
    .device_report = device_report,
    .serve = serve,
    .serves = serves,
};

/* --- Its life --- */

void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->config =
        (struct tdm_ncp_config){TDM_NCP_CONFIG_DEFAULTS, .ops = &ops, .ctx = world, .version = "stub 1"};
    world->now_ms = UINT32_MAX - 10000;
    world->mcu.chunk = 256;
    world->mcu.answer_ms = 3;
    tdm_ncp_init(&world->ncp, &world->config, world->now_ms);
}

/* Everything that can happen at this millisecond. */
static uint32_t settle(struct world *world)
{
    uint32_t wait_ms = tdm_ncp_poll(&world->ncp, world->now_ms);
    uint8_t bytes[7];
    size_t count;

    assert_true(wait_ms > 0);
    while ((count = tdm_ncp_pull(&world->ncp, bytes, sizeof bytes, world->now_ms)) > 0) {
        for (size_t i = 0; i < count; i++) {
            world->bytes_sent++;
            if (!world->mcu.mute)
                stub_take_byte(world, bytes[i]);
        }
    }
    return wait_ms;
}

void world_run(struct world *world, uint32_t ms)
{
    uint32_t end_ms = world->now_ms + ms;

    while (world->now_ms != end_ms) {
        world->now_ms++;
        (void)settle(world);
        stub_run(world);
    }
}

/* --- The update --- */

void world_file(struct world *world, uint32_t bytes)
{
    static uint32_t last_id;

    for (uint32_t i = 0; i < bytes; i++)
        world->file[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
    world->firmware = (struct tdm_ncp_firmware){.id = ++last_id,
                                                .name = "app.bin",
                                                .bytes = bytes,
                                                .type = "demo",
                                                .version = "1.1.0",
                                                .build = "Nov 16 2023",
                                                .crc32 = stub_crc32(world->file, bytes)};
    memset(world->firmware.md5, 0x4D, sizeof world->firmware.md5);
    memcpy(world->firmware.sha256, &world->firmware.crc32,
           sizeof world->firmware.crc32); /* another file's differs */
}

void world_offer(struct world *world)
{
    assert_int_equal(tdm_ncp_offer(&world->ncp, &world->firmware, world->now_ms), TDM_OK);
}

int world_count(const struct world *world, enum tdm_ncp_stage stage)
{
    int count = 0;

    for (int i = 0; i < world->progress_count; i++)
        count += world->progress[i].stage == stage;
    return count;
}

const struct tdm_ncp_progress *world_last(const struct world *world)
{
    assert_true(world->progress_count > 0);
    return &world->progress[world->progress_count - 1];
}

void world_begin(struct world *world, uint32_t bytes)
{
    world_init(world);
    tdm_ncp_cloud_state(&world->ncp, TDM_STATE_CONNECTED);
    stub_initialize(world, "1.0.0");
    world_file(world, bytes);
}

void world_run_until_written(struct world *world, uint32_t bytes)
{
    for (int i = 0; i < 10000 && world->mcu.image_bytes < bytes; i++)
        world_run(world, 1);
    assert_true(world->mcu.image_bytes >= bytes);
}

void world_assert_installed(const struct world *world)
{
    assert_int_equal(world_last(world)->stage, TDM_NCP_INSTALLED);
    assert_int_equal(world->mcu.image_bytes, world->firmware.bytes);
    assert_memory_equal(world->mcu.image, world->file, world->firmware.bytes);
    assert_false(tdm_ncp_updating(&world->ncp));
}

void world_assert_failed(const struct world *world, uint8_t reason)
{
    assert_int_equal(world_last(world)->stage, TDM_NCP_FAILED);
    assert_int_equal(world_last(world)->reason, reason);
    assert_int_equal(world_count(world, TDM_NCP_FAILED), 1);
    assert_false(tdm_ncp_updating(&world->ncp));
}
