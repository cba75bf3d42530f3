/* Flash that gets lost or breaks in the middle of a case, as its scenario says. */
#include "sim/world.h"

/* A bit of each entry, another one each time. */
static void flip_entries(struct sim_world *world, const struct tdm_region *region)
{
    uint32_t unit = world->layout->program_bytes;
    uint32_t step = (TDM_RECORD_ENTRY_BYTES + unit - 1) / unit * unit;
    uint32_t at;

    for (at = 0; at + step <= region->bytes; at += step)
        sim_flash_flip(&world->flash,
                       region->address + at + (at / step * 11 + world->boots * 7) % TDM_RECORD_ENTRY_BYTES,
                       at / step % 8);
}

static void lose_unit(struct sim_world *world, unsigned unit)
{
    const struct tdm_region *region = &world->layout->places.record[unit];

    world->judge.unit_lost = true;
    switch (world->scenario->way) {
    case SIM_BLANK:
        sim_flash_blank(&world->flash, region);
        break;
    case SIM_GARBLED:
        sim_flash_garble(&world->flash, region, unit + 1);
        break;
    case SIM_DEAD:
        sim_flash_make_unreadable(&world->flash, region);
        break;
    case SIM_BIT_ERRORS:
        flip_entries(world, region);
        break;
    }
}

/* Where in a bank: in its image, table or stored signature. */
static uint32_t place_of(const struct sim_world *world, uint8_t bank, enum sim_loss loss)
{
    const struct tdm_region *region = &world->layout->places.bank[bank];
    uint32_t header = region->address + region->bytes - world->layout->places.header_bytes;
    uint32_t unit = world->layout->program_bytes;
    uint8_t firmware = sim_judge_identify(&world->judge, bank);

    if (loss == SIM_ROT_TABLE && firmware != SIM_NONE) {
        uint32_t table_bytes = world->firmware[firmware].image - world->firmware[firmware].table;

        return header - (table_bytes + unit - 1) / unit * unit;
    }
    if (loss == SIM_ROT_HEADER && firmware != SIM_NONE)
        return header + TDM_STORED_PREFIX_BYTES + world->firmware[firmware].head_bytes + 5;
    return region->address + 50;
}

static void rot(struct sim_world *world, uint8_t bank)
{
    sim_flash_flip(&world->flash, place_of(world, bank, world->scenario->loss), 4);
}

/* A record unit may have several pages, and the record does without one of them. */
static void each_page(struct sim_world *world, const struct tdm_region *region,
                      void (*spoil)(struct sim_flash *flash, uint32_t address))
{
    uint32_t offset;

    for (offset = 0; offset < region->bytes; offset += world->flash.flash.erase_bytes)
        spoil(&world->flash, region->address + offset);
}

static void lose_record(struct sim_world *world)
{
    switch (world->scenario->loss) {
    case SIM_LOSE_UNIT_0:
        lose_unit(world, 0);
        break;
    case SIM_LOSE_UNIT_1:
        lose_unit(world, 1);
        break;
    case SIM_LOSE_BOTH_UNITS:
        sim_judge_record_lost(&world->judge);
        lose_unit(world, 0);
        lose_unit(world, 1);
        break;
    case SIM_WEAR_OUT_UNIT:
        each_page(world, &world->layout->places.record[1], sim_flash_wear_out);
        break;
    case SIM_FREEZE_UNIT:
        each_page(world, &world->layout->places.record[1], sim_flash_freeze);
        break;
    default:
        break;
    }
}

/* The bank that an update is written to. */
static uint32_t standby(const struct sim_world *world)
{
    return world->layout->places.bank[sim_layout_has_one_bank(world->layout) ? 0 : 1].address;
}

static void lose_bank(struct sim_world *world)
{
    switch (world->scenario->loss) {
    case SIM_ROT_RUNNING:
    case SIM_ROT_HEADER:
    case SIM_ROT_TABLE:
        world->judge.running_rotted = true;
        rot(world, world->bank);
        break;
    case SIM_ROT_STANDBY:
        world->judge.new_rotted = true;
        rot(world, 1 - world->bank);
        break;
    case SIM_ROT_BOTH:
        world->judge.running_rotted = true;
        rot(world, 0);
        rot(world, 1);
        break;
    case SIM_ROT_NEW:
        world->judge.new_rotted = true;
        rot(world, 0);
        break;
    case SIM_WEAR_OUT_STANDBY:
        sim_flash_wear_out(&world->flash, standby(world));
        break;
    case SIM_FREEZE_STANDBY:
        sim_flash_freeze(&world->flash, standby(world));
        break;
    default:
        break;
    }
}

static bool is_time(const struct sim_world *world)
{
    const struct sim_judge *judge = &world->judge;

    switch (world->scenario->when) {
    case SIM_WHILE_FETCHING:
        return sim_judge_sees_fetch(judge);
    case SIM_WHILE_ERASED:
        return sim_judge_sees_no_image(judge);
    case SIM_BEFORE_TRIAL:
        return sim_judge_sees_pending(judge);
    case SIM_DECIDED:
        return judge->confirmed == 1 || judge->rejected == 1;
    default:
        return true;
    }
}

void sim_lose_if_due(struct sim_world *world)
{
    if (world->scenario->loss == SIM_NO_LOSS || world->loss_done || !is_time(world) ||
        (world->cuts_done > 0 && world->whole_starts < 1))
        return;
    world->loss_done = true;
    sim_judge_flash(&world->judge); /* as it is before */
    sim_world_note(world, "flash is lost: %s", world->scenario->text);
    lose_record(world);
    lose_bank(world);
}
