/* The device: the bootloader's choice, then the application, which is the update client with an image that
 * behaves as its recipe says; or the bootloader's own fetch (docs/BOOT.md, "One bank and recovery"). */
#include <string.h>

#include "sim/world.h"

enum {
    MISBEHAVES_AFTER_MS = 40, /* when an image hangs, crashes, ... */
    SELF_TEST_MS = 100,
    RETRY_MS = 300000,   /* PRODUCT_RETRY_MS of bootloader/product.h */
    STEPS_AT_ONCE = 1000 /* turns without a wait before the clock moves on all the same */
};

/* --- The bootloader --- */

static void choose(struct sim_world *world, struct tdm_boot_choice *choice)
{
    const struct tdm_boot_config config = {
        .flash = &world->flash.flash,
        .layout = &world->layout->places,
        .trust = {.keys = &world->keys,
                  .verify = world->verify,
                  .allow_unsigned = world->scenario->takes_bin},
        .attempts = SIM_ATTEMPTS,
        .soft_limit = SIM_SOFT_LIMIT,
        .check_image = sim_client_check_image,
        .arm_watchdog = sim_client_no_watchdog,
        .feed_watchdog = sim_client_no_watchdog,
    };

    memset(world->boot_buffer, 0xA5, sizeof world->boot_buffer);
    tdm_boot_choose(choice, &config, world->cause, world->boot_buffer);
}

/* As bootloader/fetch.c has it. */
static bool record_asks(struct sim_world *world)
{
    struct tdm_record_log log;

    return tdm_record_load(&log, &world->flash.flash, &world->layout->places) == TDM_OK &&
           log.record.state == TDM_BOOT_FETCH;
}

static bool is_spent(const struct tdm_boot_choice *choice)
{
    return choice->action == TDM_BOOT_RECOVER &&
           (choice->reason == TDM_REASON_NO_LINK || choice->reason == TDM_REASON_RESTARTED ||
            choice->reason == TDM_REASON_POWER);
}

static void boot(struct sim_world *world)
{
    struct tdm_boot_choice choice;
    bool blamed;

    choose(world, &choice);
    blamed = choice.reason == TDM_REASON_WATCHDOG || choice.reason == TDM_REASON_FAULT;
    world->intact = choice.action == TDM_BOOT_RUN ? choice.bank : TDM_NO_BANK;
    world->intact_reason = choice.reason;
    world->trial = choice.trial;
    world->spent = is_spent(&choice);
    if (choice.action == TDM_BOOT_RUN && !record_asks(world)) {
        world->bank = choice.bank;
        world->running = sim_judge_start(&world->judge, choice.bank, choice.trial, blamed);
        sim_world_note(world, "bank %c starts, %s (%s)", 'A' + choice.bank,
                       choice.trial ? "on trial" : "confirmed", tdm_reason_slug(choice.reason));
    } else {
        sim_world_note(world, "the bootloader fetches, %s (%s)",
                       choice.action == TDM_BOOT_RUN ? "the image is intact" : "nothing can start",
                       tdm_reason_slug(choice.reason));
        world->bank = TDM_NO_BANK;
        world->running = SIM_NONE;
        sim_judge_fetches(&world->judge, world->intact, blamed, world->spent);
    }
}

void sim_device_reset(struct sim_world *world, enum tdm_reset_cause cause)
{
    world->reset = true;
    world->cause = cause;
}

/* --- What runs then --- */

/* The image does what its recipe says, once it has run for a while. */
static void misbehave(struct sim_world *world, uint32_t started_ms)
{
    if (world->now_ms - started_ms < MISBEHAVES_AFTER_MS) {
        return;
    }
    switch (sim_client_behaviour(world)) {
    case SIM_HANGS:
        sim_device_reset(world, TDM_RESET_WATCHDOG);
        break;
    case SIM_CRASHES:
        sim_device_reset(world, TDM_RESET_FAULT);
        break;
    case SIM_RESTARTS:
        sim_device_reset(world, TDM_RESET_SOFT);
        break;
    case SIM_LOSES_POWER:
        if (world->judge.trials <= 2) {
            sim_device_reset(world, TDM_RESET_POWER);
        }
        break;
    case SIM_DRAINS:
        sim_device_reset(world, TDM_RESET_POWER);
        break;
    default:
        break;
    }
}

/* As bootloader/fetch.c has it. */
static void give_up_waiting(struct sim_world *world, uint32_t *since_ms)
{
    if (!world->spent || tdm_mcu_is_updating(&world->mcu)) {
        *since_ms = world->now_ms;
    } else if (world->now_ms - *since_ms >= RETRY_MS) {
        sim_device_reset(world, TDM_RESET_SOFT);
    }
}

static void run(struct sim_world *world)
{
    uint32_t started_ms = world->now_ms;
    uint32_t waits_since_ms = started_ms;
    unsigned steps = 0;

    world->self_test_ends_ms = started_ms + SELF_TEST_MS;
    sim_client_start(world);
    while (!world->reset && !world->over && !world->judge.guilty && !sim_world_is_late(world)) {
        uint32_t wait_ms = sim_client_turn(world);

        if (wait_ms == 0 && ++steps < STEPS_AT_ONCE) {
            continue;
        }
        if (world->reset) {
            break;
        }
        steps = 0;
        world->now_ms += wait_ms > 0 ? wait_ms : 1;
        misbehave(world, started_ms);
        give_up_waiting(world, &waits_since_ms);
    }
}

void sim_device_start(struct sim_world *world)
{
    world->reset = false;
    boot(world);
    if (!world->judge.guilty) {
        run(world);
    }
    sim_line_clear(&world->to_ncp);
}
