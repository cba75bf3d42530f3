/* The device: the bootloader's choice, then the application, which is the update client with an image that
 * behaves as its recipe says; or what the bootloader does itself (docs/BOOT.md, "One bank and recovery"). */
#include <string.h>

#include "sim/world.h"

enum {
    MISBEHAVES_AFTER_MS = 40, /* when an image hangs, crashes, ... */
    SELF_TEST_MS = 100,
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

static void boot(struct sim_world *world)
{
    struct tdm_boot_choice choice;
    bool blamed;

    choose(world, &choice);
    blamed = choice.reason == TDM_REASON_WATCHDOG || choice.reason == TDM_REASON_FAULT;
    world->intact = choice.action == TDM_BOOT_RUN ? choice.bank : TDM_NO_BANK;
    world->trial = choice.trial;
    if (!sim_fetcher_start(world, &choice)) {
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
        sim_judge_fetches(&world->judge, world->intact, blamed, world->fetch.spent);
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
    if (world->now_ms - started_ms < MISBEHAVES_AFTER_MS)
        return;
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
        if (world->judge.trials <= 2)
            sim_device_reset(world, TDM_RESET_POWER);
        break;
    case SIM_DRAINS:
        sim_device_reset(world, TDM_RESET_POWER);
        break;
    default:
        break;
    }
}

static void run(struct sim_world *world)
{
    uint32_t started_ms = world->now_ms;
    unsigned steps = 0;

    world->self_test_ends_ms = started_ms + SELF_TEST_MS;
    sim_client_start(world);
    while (!world->reset && !world->over && !world->judge.guilty && !sim_world_is_late(world)) {
        uint32_t wait_ms = sim_client_turn(world);

        if (wait_ms == 0 && ++steps < STEPS_AT_ONCE)
            continue;
        if (world->reset)
            break;
        steps = 0;
        world->now_ms += wait_ms > 0 ? wait_ms : 1;
        misbehave(world, started_ms);
    }
}

void sim_device_start(struct sim_world *world)
{
    world->reset = false;
    boot(world);
    if (!world->judge.guilty && world->bank == TDM_NO_BANK)
        sim_fetcher_run(world);
    else if (!world->judge.guilty)
        run(world);
    sim_line_clear(&world->to_ncp);
}

bool sim_device_is_updating(const struct sim_world *world)
{
    return world->bank == TDM_NO_BANK ? world->fetch.busy : tdm_mcu_is_updating(&world->mcu);
}

uint32_t sim_device_offset(const struct sim_world *world)
{
    return world->bank == TDM_NO_BANK ? world->fetch.offset : world->mcu.file.offset;
}
