#include "sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    BOOTS_MAX = 80,                 /* of one case */
    OPERATION_MS = 4,               /* of the flash, where it is asked for */
    VIRTUAL_MAX_MS = 48u * 3600000u /* and its length */
};

/* --- The factory --- */

/* One entry: idle, bank A active, the counter floor of the factory's firmware (docs/BOOT.md, "The record").
 */
static void write_record(struct sim_world *world)
{
    struct tdm_record record = {.sequence = 1, .state = TDM_BOOT_IDLE, .target = TDM_NO_BANK};
    uint8_t entry[TDM_RECORD_ENTRY_BYTES];

    record.counter_floor = world->firmware[0].recipe.counter;
    tdm_record_encode(&record, entry);
    sim_flash_set(&world->factory, world->layout->places.record[0].address, entry, sizeof entry);
    record.sequence = 2; /* both units hold it: losing either loses nothing */
    tdm_record_encode(&record, entry);
    sim_flash_set(&world->factory, world->layout->places.record[1].address, entry, sizeof entry);
}

static bool build_firmware(struct sim_world *world, bool alike, const struct sim_image *images)
{
    const struct sim_scenario *scenario = world->scenario;
    const struct sim_terms terms = {world->layout, scenario->real_signatures, alike, scenario->large};
    unsigned count = sim_scenario_firmwares(scenario);
    unsigned i;

    for (i = 0; i < count; i++) {
        if (!sim_firmware_build(&world->firmware[i], &scenario->firmware[i], scenario->file[i], &terms,
                                images != NULL ? &images[i] : NULL, i > 0 ? &world->firmware[i - 1] : NULL))
            return false;
    }
    return true;
}

static bool open_world(struct sim_world *world, const struct sim_scenario *scenario,
                       const struct sim_layout *layout, const struct sim_image *images)
{
    bool alike = scenario->large;
    unsigned i;

    memset(world, 0, sizeof *world);
    world->scenario = scenario;
    world->layout = layout;
    sim_firmware_keys(&world->keys, scenario->real_signatures);
    world->verify = scenario->real_signatures ? tdm_p256_verify : sim_firmware_verify;
    for (i = 0; i < sim_scenario_firmwares(scenario); i++)
        alike = alike || scenario->file[i] == SIM_COMPRESSED || scenario->file[i] == SIM_DELTA;
    if (!build_firmware(world, alike, images)) {
        sim_world_close(world);
        return false;
    }
    if (!sim_flash_open(&world->factory, layout) || !sim_flash_open(&world->flash, layout)) {
        sim_world_close(world);
        return false;
    }
    sim_firmware_place(&world->firmware[0], &world->factory, layout, 0, true);
    write_record(world);
    return true;
}

bool sim_world_open(struct sim_world *world, const struct sim_scenario *scenario,
                    const struct sim_layout *layout)
{
    return open_world(world, scenario, layout, NULL);
}

bool sim_world_open_images(struct sim_world *world, const struct sim_scenario *scenario,
                           const struct sim_layout *layout, const struct sim_image images[2])
{
    return open_world(world, scenario, layout, images);
}

void sim_world_close(struct sim_world *world)
{
    unsigned i;

    for (i = 0; i < SIM_FIRMWARES; i++)
        sim_firmware_close(&world->firmware[i]);
    sim_flash_close(&world->factory);
    sim_flash_close(&world->flash);
}

void sim_world_note(const struct sim_world *world, const char *format, ...)
{
    char line[160];
    va_list arguments;

    if (world->note == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    world->note(world->note_ctx, world->now_ms - world->born_ms, line);
}

/* --- The case --- */

static enum sim_place place_at(const struct sim_world *world, uint32_t address)
{
    const struct tdm_layout *places = &world->layout->places;
    unsigned i;

    for (i = 0; i < 2; i++) {
        if (address - places->record[i].address < places->record[i].bytes)
            return SIM_RECORD_0 + i;
    }
    return address - places->bank[0].address < places->bank[0].bytes ? SIM_BANK_A : SIM_BANK_B;
}

/* Each decision that is recorded is looked at. */
static void watch(void *ctx, uint32_t address)
{
    struct sim_world *world = ctx;
    enum sim_place place = place_at(world, address);

    if (world->scenario->fifo_bytes > 0) { /* nobody empties the UART meanwhile */
        world->now_ms += OPERATION_MS;
        world->deaf = true;
    }
    if (world->places < SIM_OPERATIONS_MAX)
        world->place[world->places++] = (uint8_t)place;
    if (place <= SIM_RECORD_1)
        sim_judge_flash(&world->judge);
}

static void begin(struct sim_world *world, const struct sim_cut *cuts, unsigned count)
{
    sim_flash_copy(&world->flash, &world->factory);
    sim_judge_init(&world->judge, world->scenario, world->layout, world->firmware, &world->flash);
    memset(&world->ships, 0, sizeof world->ships);
    world->ships.item = 1;
    world->now_ms = UINT32_MAX - 20000; /* the clock wraps within the case */
    world->born_ms = world->now_ms;
    world->silent = false;
    for (world->cuts = 0; world->cuts < count; world->cuts++)
        world->cut[world->cuts] = cuts[world->cuts];
    world->cuts_done = 0;
    world->boots = 0;
    world->boots_since_cut = 0;
    world->boots_after_cut = 0;
    world->loss_done = false;
    world->whole_starts = 0;
    world->places = 0;
    world->over = false;
    world->stalls = false;
    world->streams_on = false;
    world->deaf = false;
    world->cause = TDM_RESET_POWER;
    world->bank = 0;
    world->intact = 0;
    world->running = 0;
    world->trial = false;
    sim_line_init(&world->to_ncp, world->scenario->line_one_in, 1);
    sim_line_init(&world->to_mcu, world->scenario->line_one_in, 2);
    sim_ncp_start(world);
}

static void arm(struct sim_world *world)
{
    const struct sim_cut *next = world->cuts_done < world->cuts ? &world->cut[world->cuts_done] : NULL;

    world->frames = 0;
    sim_flash_arm(&world->flash, next != NULL && next->tear < SIM_TEAR_COUNT ? next : NULL);
}

void sim_world_fault_done(struct sim_world *world)
{
    world->cuts_done++;
    arm(world);
}

static void after_cut(struct sim_world *world)
{
    const struct sim_cut *cut = &world->cut[world->cuts_done++];

    sim_world_note(world, "power cut in operation %u%s", (unsigned)cut->operation,
                   cut->seed & 1 ? ", the co-processor's too" : "");
    sim_judge_flash(&world->judge);
    world->cause = TDM_RESET_POWER;
    world->whole_starts = 0;
    world->boots_since_cut = 0;
    sim_line_clear(&world->to_ncp);
    if (cut->seed & 1)
        sim_ncp_start(world);
    arm(world);
}

/* True while an image runs that is confirmed, or as good as. */
static bool is_settled(const struct sim_world *world)
{
    return world->running != SIM_NONE && !world->trial;
}

/* A confirmed image runs again: how many boots did that take? */
static void count_boots(struct sim_world *world)
{
    bool settled = is_settled(world);

    world->boots_since_cut++;
    if (world->cuts_done > 0 && world->boots_since_cut > world->boots_after_cut && settled &&
        world->whole_starts == 0)
        world->boots_after_cut = world->boots_since_cut;
    world->whole_starts += settled;
}

bool sim_world_is_late(struct sim_world *world)
{
    if (world->boots > BOOTS_MAX || world->now_ms - world->born_ms > VIRTUAL_MAX_MS) {
        sim_judge_accuse(&world->judge, "the device does not come to rest");
        return true;
    }
    return false;
}

static void live(struct sim_world *world)
{
    while (!world->over && !world->judge.guilty) {
        world->boots++;
        sim_lose_if_due(world);
        sim_device_start(world);
        count_boots(world);
    }
}

void sim_world_run(struct sim_world *world, const struct sim_cut *cuts, unsigned count,
                   struct sim_outcome *outcome)
{
    jmp_buf power;

    begin(world, cuts, count);
    world->flash.power = &power;
    world->flash.watch = watch;
    world->flash.watch_ctx = world;
    arm(world);
    if (setjmp(power) != 0)
        after_cut(world);
    live(world);
    world->judge.tricked = world->ships.tricked;
    sim_judge_end(&world->judge, world->running, world->cuts_done);
    memset(outcome, 0, sizeof *outcome);
    outcome->guilty = world->judge.guilty;
    memcpy(outcome->verdict, world->judge.verdict, sizeof outcome->verdict);
    outcome->cuts = world->cuts_done;
    outcome->boots = world->boots;
    outcome->boots_after_cut = world->boots_after_cut;
    outcome->operations = world->flash.operations;
    outcome->frames = world->frames;
    outcome->virtual_ms = world->now_ms - world->born_ms;
}
