/* The device: the bootloader's choice, then the application, which is the update client with an image that
 * behaves as its recipe says. */
#include <string.h>

#include "sim/world.h"

enum {
    MISBEHAVES_AFTER_MS = 400, /* when an image hangs, crashes, ... */
    SELF_TEST_MS = 3000,
    STEPS_AT_ONCE = 1000, /* polls without a wait before the clock moves on all the same */
    LONGEST_STEP_MS = 1000
};

/* --- The bootloader --- */

static int check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                       uint32_t address)
{
    uint8_t vectors[8];

    (void)ctx;
    if (address != bank->address ||
        flash->ops->read(flash->ctx, address, vectors, sizeof vectors) != TDM_OK) {
        return TDM_E_VECTOR;
    }
    return TDM_OK;
}

static void no_watchdog(void *ctx)
{
    (void)ctx;
}

static void boot(struct sim_world *world)
{
    const struct tdm_boot_config config = {
        .flash = &world->flash.flash,
        .layout = &world->layout->places,
        .trust = {.keys = &world->keys, .verify = sim_firmware_verify},
        .attempts = SIM_ATTEMPTS,
        .soft_limit = SIM_SOFT_LIMIT,
        .check_image = check_image,
        .arm_watchdog = no_watchdog,
        .feed_watchdog = no_watchdog,
    };
    struct tdm_boot_choice choice;
    bool blamed;

    memset(world->boot_buffer, 0xA5, sizeof world->boot_buffer);
    tdm_boot_choose(&choice, &config, world->cause, world->boot_buffer);
    blamed = choice.reason == TDM_REASON_WATCHDOG || choice.reason == TDM_REASON_FAULT;
    world->bank = choice.action == TDM_BOOT_RUN ? choice.bank : TDM_NO_BANK;
    world->trial = choice.trial;
    world->running = sim_judge_start(&world->judge, world->bank, choice.trial, blamed);
    if (world->running == SIM_NONE) { /* recovery, or the case is lost */
        world->over = true;
    }
}

/* --- What the client asks of the application --- */

static void set_baud(void *ctx, uint32_t baud)
{
    struct sim_world *world = ctx;

    world->to_ncp.baud = baud;
    world->to_mcu.peer_baud = baud;
}

static bool drained(void *ctx)
{
    const struct sim_world *world = ctx;

    return sim_line_wait_ms(&world->to_ncp, world->now_ms) == UINT32_MAX;
}

static void reset(void *ctx, enum tdm_reset_cause cause)
{
    struct sim_world *world = ctx;

    world->reset = true;
    world->cause = cause;
}

static void on_event(void *ctx, const struct tdm_mcu_event *event)
{
    struct sim_world *world = ctx;

    switch (event->kind) {
    case TDM_MCU_SELF_TEST:
        if (event->value == 1) {
            sim_judge_passed_tests(&world->judge, world->running);
        }
        break;
    case TDM_MCU_CONFIRMED:
        sim_judge_confirmed(&world->judge, world->running);
        world->trial = false;
        break;
    case TDM_MCU_REJECTED:
        sim_judge_rejected(&world->judge, world->running);
        break;
    default:
        break;
    }
}

static const struct tdm_mcu_ops mcu_ops = {
    .set_baud = set_baud,
    .drained = drained,
    .reset = reset,
    .feed_watchdog = no_watchdog,
    .check_image = check_image,
    .event = on_event,
};

static enum sim_behaviour behaviour(const struct sim_world *world)
{
    return world->trial ? world->firmware[world->running].recipe.behaviour : SIM_HEALTHY;
}

static uint32_t self_test_ends_ms; /* the client knows no other clock than the one that it is given */

static int self_test(void *ctx)
{
    const struct sim_world *world = ctx;

    if (world->now_ms - self_test_ends_ms > INT32_MAX) {
        return 0;
    }
    return behaviour(world) == SIM_FAILS_SELF_TEST ? -1 : 1;
}

static const struct tdm_self_test self_tests[] = {{"simulated", self_test, 10000}};

static void start_client(struct sim_world *world)
{
    const struct tdm_manifest *manifest = &world->firmware[world->running].manifest;

    world->config = (struct tdm_mcu_config){
        .type = manifest->type,
        .version = manifest->version,
        .build = "",
        .library = "",
        .hardware = SIM_HARDWARE,
        .template_id = "TMPLsim",
        .template_name = "Simulated",
        .ops = &mcu_ops,
        .ctx = world,
        .flash = &world->flash.flash,
        .layout = &world->layout->places,
        .running_bank = world->bank,
        .trust = {.keys = &world->keys, .verify = sim_firmware_verify},
        .attempts = SIM_ATTEMPTS,
        .target_baud = 460800,
        .chunk_bytes = sizeof world->chunk,
        .self_tests = self_tests,
        .self_test_count = 1,
        .rx = world->rx,
        .rx_bytes = sizeof world->rx,
        .tx = world->tx,
        .tx_bytes = sizeof world->tx,
        .chunk = world->chunk,
        .front = world->front,
    };
    memset(&world->mcu, 0xA5, sizeof world->mcu); /* RAM after power-on */
    memset(world->front, 0xA5, sizeof world->front);
    set_baud(world, 38400);
    if (tdm_mcu_init(&world->mcu, &world->config, world->now_ms) != TDM_OK) {
        sim_judge_accuse(&world->judge, "the client refused its configuration");
    }
}

/* --- The application --- */

void sim_device_receive(struct sim_world *world, const uint8_t *bytes, size_t count)
{
    tdm_mcu_receive(&world->mcu, bytes, count, world->now_ms);
}

static void send(struct sim_world *world)
{
    uint8_t piece[SIM_PIECE_BYTES];
    size_t count;

    while (sim_line_has_room(&world->to_ncp) &&
           (count = tdm_mcu_pull(&world->mcu, piece, sizeof piece, world->now_ms)) > 0) {
        sim_line_send(&world->to_ncp, piece, count, world->now_ms);
    }
}

/* The image does what its recipe says, once it has run for a while. */
static void misbehave(struct sim_world *world, uint32_t started_ms)
{
    if (world->now_ms - started_ms < MISBEHAVES_AFTER_MS) {
        return;
    }
    switch (behaviour(world)) {
    case SIM_HANGS:
        reset(world, TDM_RESET_WATCHDOG);
        break;
    case SIM_CRASHES:
        reset(world, TDM_RESET_FAULT);
        break;
    case SIM_RESTARTS:
        reset(world, TDM_RESET_SOFT);
        break;
    case SIM_LOSES_POWER:
        if (world->judge.trials <= 2) {
            reset(world, TDM_RESET_POWER);
        }
        break;
    default:
        break;
    }
}

static uint32_t sooner(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* One turn of the main loop, the co-processor's and the line's; returns the wait until the next. */
static uint32_t turn(struct sim_world *world)
{
    uint32_t wait_ms = tdm_mcu_poll(&world->mcu, world->now_ms);

    send(world);
    wait_ms = sooner(wait_ms, sim_ncp_poll(world));
    wait_ms = sooner(wait_ms, sim_line_wait_ms(&world->to_ncp, world->now_ms));
    wait_ms = sooner(wait_ms, sim_line_wait_ms(&world->to_mcu, world->now_ms));
    return sooner(wait_ms, LONGEST_STEP_MS);
}

static void run_application(struct sim_world *world)
{
    uint32_t started_ms = world->now_ms;
    unsigned steps = 0;

    self_test_ends_ms = started_ms + SELF_TEST_MS;
    start_client(world);
    while (!world->reset && !world->over && !world->judge.guilty && !sim_world_is_late(world)) {
        uint32_t wait_ms = turn(world);

        if (wait_ms == 0 && ++steps < STEPS_AT_ONCE) {
            continue;
        }
        steps = 0;
        world->now_ms += wait_ms > 0 ? wait_ms : 1;
        misbehave(world, started_ms);
    }
}

void sim_device_start(struct sim_world *world)
{
    world->reset = false;
    boot(world);
    if (!world->over && !world->judge.guilty) {
        run_application(world);
    }
    sim_line_clear(&world->to_ncp);
}
