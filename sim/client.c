/* The update client of the simulated device: core/mcu with the operations of a port that has a simulated line
 * and clock. */
#include <string.h>

#include "sim/world.h"
#include "tandem/hand_over.h"
#include "tandem/plain.h"
#include "tandem/resume.h"
#include "tandem/stream.h"

enum { LONGEST_STEP_MS = 60000 };

/* --- What the client asks of its port --- */

int sim_client_check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                           uint32_t address)
{
    uint8_t vectors[8];
    unsigned i;

    (void)ctx;
    if (address != bank->address || flash->ops->read(flash->ctx, address, vectors, sizeof vectors) != TDM_OK)
        return TDM_E_VECTOR;
    for (i = 0; i < 4; i++) { /* an image starts with its own address */
        if (vectors[i] != (uint8_t)(bank->address >> 8 * i))
            return TDM_E_VECTOR;
    }
    return TDM_OK;
}

void sim_client_no_watchdog(void *ctx)
{
    (void)ctx;
}

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
    sim_device_reset(ctx, cause);
}

static void note_event(const struct sim_world *world, const struct tdm_mcu_event *event)
{
    static const char *const texts[] = {
        [TDM_MCU_LINK_UP] = "the link is up",
        [TDM_MCU_LINK_DOWN] = "the link is down",
        [TDM_MCU_UPDATE_OFFERED] = "an offer is accepted",
        [TDM_MCU_UPDATE_READY] = "the new image is complete",
        [TDM_MCU_UPDATE_ENDED] = "the update ended",
        [TDM_MCU_CONFIRMED] = "the image is confirmed",
        [TDM_MCU_REJECTED] = "the image is rejected",
    };

    if ((size_t)event->kind >= sizeof texts / sizeof texts[0] || texts[event->kind] == NULL)
        return;
    if (event->value != TDM_REASON_NONE)
        sim_world_note(world, "%s: %s", texts[event->kind], tdm_reason_slug(event->value));
    else
        sim_world_note(world, "%s", texts[event->kind]);
}

static void on_event(void *ctx, const struct tdm_mcu_event *event)
{
    struct sim_world *world = ctx;

    note_event(world, event);
    switch (event->kind) {
    case TDM_MCU_SELF_TEST:
        if (event->value == 1)
            sim_judge_passed_tests(&world->judge, world->running);
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
    .feed_watchdog = sim_client_no_watchdog,
    .check_image = sim_client_check_image,
    .event = on_event,
};

/* --- Who it is --- */

enum sim_behaviour sim_client_behaviour(const struct sim_world *world)
{
    return world->trial ? world->firmware[world->running].recipe.behaviour : SIM_HEALTHY;
}

static int self_test(void *ctx)
{
    const struct sim_world *world = ctx;

    if (world->now_ms - world->self_test_ends_ms > INT32_MAX)
        return 0;
    return sim_client_behaviour(world) == SIM_FAILS_SELF_TEST ? -1 : 1;
}

static const struct tdm_self_test list[] = {{"simulated", self_test, 10000}};
static const struct tdm_self_tests self_tests = TDM_SELF_TESTS(list);

static void configure(struct sim_world *world)
{
    world->config = (struct tdm_mcu_config){
        .type = SIM_TYPE,
        .version = world->firmware[world->running].manifest.version,
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
        .role = sim_layout_has_one_bank(world->layout) ? &tdm_mcu_hands_over : NULL,
        .resume = &tdm_mcu_resumes,
        .trust = {.keys = &world->keys,
                  .verify = world->verify,
                  .allow_unsigned = world->scenario->takes_bin},
        .plain = world->scenario->takes_bin ? &tdm_mcu_takes_plain : NULL,
        .offer = &world->offer,
        .decoder = &tdm_mcu_decodes,
        .decoding = &world->decoding,
        .attempts = SIM_ATTEMPTS,
        .target_baud = 460800,
        .chunk_bytes = sizeof world->chunk,
        .stream = sim_layout_has_one_bank(world->layout) ? NULL : &tdm_mcu_streams, /* either way is lived */
        .self_tests = &self_tests,
        .rx = world->rx,
        .rx_bytes = sizeof world->rx,
        .chunk = world->chunk,
        .work = &world->work,
    };
}

void sim_client_start(struct sim_world *world)
{
    configure(world);
    memset(&world->mcu, 0xA5, sizeof world->mcu); /* RAM after power-on */
    memset(&world->work, 0xA5, sizeof world->work);
    memset(&world->decoding, 0xA5, sizeof world->decoding);
    set_baud(world, 38400);
    if (tdm_mcu_check(&world->config) != TDM_OK)
        sim_judge_accuse(&world->judge, "the client can't work with its configuration");
    tdm_mcu_init(&world->mcu, &world->config, world->now_ms);
}

/* --- Its main loop --- */

void sim_client_receive(struct sim_world *world, const uint8_t *bytes, size_t count)
{
    tdm_mcu_receive(&world->mcu, bytes, count, world->now_ms);
}

static void send(struct sim_world *world)
{
    uint8_t piece[SIM_PIECE_BYTES];
    size_t count;

    while (sim_line_has_room(&world->to_ncp) &&
           (count = tdm_mcu_pull(&world->mcu, piece, sizeof piece, world->now_ms)) > 0)
        sim_fault_send(world, &world->to_ncp, piece, count);
}

static uint32_t sooner(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t sim_client_turn(struct sim_world *world)
{
    uint32_t wait_ms;

    world->fed = false;
    wait_ms = tdm_mcu_poll(&world->mcu, world->now_ms);
    send(world);
    wait_ms = sooner(wait_ms, sim_ncp_poll(world));
    wait_ms = sooner(wait_ms, sim_line_wait_ms(&world->to_ncp, world->now_ms));
    wait_ms = sooner(wait_ms, sim_line_wait_ms(&world->to_mcu, world->now_ms));
    return world->fed ? 0 : sooner(wait_ms, LONGEST_STEP_MS);
}
