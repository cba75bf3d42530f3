#include "tests/core/boot/choice.h"

#include <string.h>

struct world world;
struct image old = {.version = "1.0.0", .counter = 1};
struct image new = {.version = "1.1.0", .counter = 2};

int set_up(void **state)
{
    (void)state;
    image_build(&old);
    image_build(&new);
    world_init(&world, 512, 8, true);
    world_place(&world, 0, &old, true);
    world_place(&world, 1, &new, false);
    return 0;
}

int no_rule_was_broken(void **state)
{
    (void)state;
    return world.ram.violations == 0 ? 0 : -1;
}

struct tdm_record in_state(enum tdm_boot_state at, uint8_t attempts_left)
{
    struct tdm_record record;

    memset(&record, 0, sizeof record);
    record.state = (uint8_t)at;
    record.active = 0;
    record.target = at == TDM_BOOT_IDLE ? TDM_NO_BANK : 1;
    record.counter_floor = 1;
    record.attempts_left = attempts_left;
    if (at != TDM_BOOT_IDLE)
        memcpy(record.target_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    return record;
}

void record_twice(const struct tdm_record *record)
{
    world_record(&world, record);
    world_record(&world, record);
}

void given(enum tdm_boot_state at, uint8_t attempts_left)
{
    struct tdm_record record = in_state(at, attempts_left);

    record_twice(&record);
}

void runs(enum tdm_reset_cause cause, uint8_t bank, bool trial, uint8_t reason)
{
    const struct tdm_boot_choice *choice = world_start(&world, cause);

    assert_int_equal(choice->action, TDM_BOOT_RUN);
    assert_int_equal(choice->bank, bank);
    assert_int_equal(choice->trial, trial);
    assert_int_equal(choice->reason, reason);
    assert_int_equal(choice->vector_table, world.layout.bank[bank].address + 8);
}

void recovers(void)
{
    const struct tdm_boot_choice *choice = world_start(&world, TDM_RESET_POWER);

    assert_int_equal(choice->action, TDM_BOOT_RECOVER);
    assert_int_equal(choice->bank, TDM_NO_BANK);
    assert_int_equal(choice->reason, TDM_REASON_ACTIVE_INVALID);
}

struct tdm_record recorded(void)
{
    return world_log(&world).record;
}

void make_record_units_dead(void)
{
    world.ram.broken_unit = true;
    world.ram.broken_from = world.layout.record[0].address;
    world.ram.broken_to = world.layout.record[1].address + world.layout.record[1].bytes;
}
