/* The bootloader of the simulated device as it fetches: core/fetch with the functions of a port that has a
 * simulated line and clock. It blocks, so the rest of the world runs inside of what it waits for. */
#include <string.h>

#include "sim/world.h"
#include "tandem/fetch_plain.h"

enum { RETRY_MS = 300000 /* PRODUCT_RETRY_MS of bootloader/product.h */ };

/* --- The rest of the world --- */

static uint32_t sooner(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool is_over(struct sim_world *world)
{
    return world->reset || world->over || world->judge.guilty || sim_world_is_late(world);
}

/* One turn of it, and the time until the next, if nothing came in. Where the bootloader's life ends in it,
 * there is no way back. */
static void turn(struct sim_world *world, uint32_t wait_ms)
{
    world->fed = false;
    wait_ms = sooner(wait_ms, sim_ncp_poll(world));
    wait_ms = sooner(wait_ms, sim_line_wait_ms(&world->to_ncp, world->now_ms));
    wait_ms = sooner(wait_ms, sim_line_wait_ms(&world->to_mcu, world->now_ms));
    if (!world->fed)
        world->now_ms += wait_ms > 0 ? wait_ms : 1;
    if (is_over(world))
        longjmp(*world->fetch_end, 1);
}

/* --- What the bootloader asks of its port --- */

void sim_fetcher_receive(struct sim_world *world, const uint8_t *bytes, size_t count)
{
    while (count-- > 0 && world->uart_count < SIM_UART_BYTES)
        world->uart[(world->uart_first + world->uart_count++) % SIM_UART_BYTES] = *bytes++;
}

static int receive(void *ctx, uint32_t wait_ms)
{
    struct sim_world *world = ctx;
    uint8_t byte;

    if (world->uart_count == 0)
        turn(world, wait_ms);
    if (world->uart_count == 0)
        return -1;
    byte = world->uart[world->uart_first];
    world->uart_first = (world->uart_first + 1) % SIM_UART_BYTES;
    world->uart_count--;
    return byte;
}

/* A frame goes onto the line as a whole. */
static void send(void *ctx, uint8_t byte)
{
    struct sim_world *world = ctx;

    if (world->sent_count < sizeof world->sent)
        world->sent[world->sent_count++] = byte;
    if (byte != TDM_FRAME_END)
        return;
    while (!sim_line_has_room(&world->to_ncp))
        turn(world, 1);
    sim_fault_send(world, &world->to_ncp, world->sent, world->sent_count);
    world->sent_count = 0;
}

static bool is_drained(const struct sim_world *world)
{
    return sim_line_wait_ms(&world->to_ncp, world->now_ms) == UINT32_MAX;
}

static void set_baud(void *ctx, uint32_t baud)
{
    struct sim_world *world = ctx;

    world->to_ncp.baud = baud;
    world->to_mcu.peer_baud = baud;
}

static uint32_t now_ms(void *ctx)
{
    return ((const struct sim_world *)ctx)->now_ms;
}

static void reset(void *ctx)
{
    struct sim_world *world = ctx;

    while (!is_drained(world))
        turn(world, 1);
    sim_device_reset(world, TDM_RESET_SOFT);
    longjmp(*world->fetch_end, 1);
}

static void note(void *ctx, const char *line)
{
    sim_world_note(ctx, "%s", line);
}

/* --- Its life --- */

bool sim_fetcher_start(struct sim_world *world, const struct tdm_boot_choice *choice)
{
    const struct sim_scenario *scenario = world->scenario;
    struct tdm_fetch *fetch = &world->fetch;

    world->fetch_product = (struct tdm_fetch_product){
        .receive = receive,
        .send = send,
        .set_baud = set_baud,
        .now_ms = now_ms,
        .feed_watchdog = sim_client_no_watchdog,
        .reset = reset,
        .check_image = sim_client_check_image,
        .log = note,
        .decoder = scenario->fetch_decodes ? &tdm_fetch_decodes : NULL,
        .decoding = &world->fetch_decoding,
        .plain = scenario->takes_bin ? &tdm_fetch_takes_plain : NULL,
        .type = SIM_TYPE,
        .library = "",
        .hardware = SIM_HARDWARE,
        .template_id = "TMPLsim",
        .template_name = "Simulated",
        .target_baud = 460800,
        .retry_ms = RETRY_MS,
        .attempts = SIM_ATTEMPTS,
    };
    memset(&world->fetch_decoding, 0xA5, sizeof world->fetch_decoding);
    memset(fetch, 0, sizeof *fetch);
    fetch->product = &world->fetch_product;
    fetch->ctx = world;
    fetch->flash = &world->flash.flash;
    fetch->layout = &world->layout->places;
    fetch->front = world->boot_buffer;
    fetch->trust = (struct tdm_trust){.keys = &world->keys, .verify = world->verify};
    return tdm_fetch_is_wanted(fetch, choice);
}

void sim_fetcher_run(struct sim_world *world)
{
    jmp_buf end;

    world->uart_count = 0;
    world->sent_count = 0;
    set_baud(world, 38400);
    world->fetch_end = &end;
    if (setjmp(end) == 0)
        tdm_fetch_run(&world->fetch);
}
