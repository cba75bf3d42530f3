/* A device's life, over and over: updates that succeed, fail their self-test, hang, crash, find no link, lose
 * power; each time with the power cut at another flash operation, in every way a cut can hit one, or with one
 * or both record units lost before another start. A judge looks at every start (docs/BOOT.md, "Invariants"):
 *
 *   1  some bank runs
 *   2  what runs is an image that somebody signed, byte for byte; on trial at most attempts + retries times
 *   3  no image with a lower counter than a confirmed one
 *   6  no image that was rejected
 *   7  the number of trial starts is the product's
 *
 * and in the end the last healthy image must run, confirmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/boot/world.h"

#define STARTS_MAX 120 /* of one life */
#define OFFERS_MAX 2   /* of one image, complete ones, before the operator gives up */

/* What the operator ships, one after the other; the first is the factory's. */
static struct image images[] = {
    {.version = "1.0.0", .counter = 1, .behaviour = HEALTHY},
    {.version = "1.1.0", .counter = 1, .behaviour = HEALTHY},
    {.version = "1.2.0-bad", .counter = 1, .behaviour = FAILS_SELF_TEST},
    {.version = "1.3.0", .counter = 5, .behaviour = LOSES_POWER, .revoked_keys = 2},
    {.version = "1.4.0-hang", .counter = 5, .behaviour = HANGS},
    {.version = "1.5.0-mute", .counter = 6, .behaviour = FINDS_NO_LINK},
    {.version = "1.6.0-crash", .counter = 7, .behaviour = CRASHES},
    {.version = "1.7.0", .counter = 7, .behaviour = HEALTHY},
};
#define IMAGES (sizeof images / sizeof images[0])

/* What the world outside of the flash knows. Static: it survives the longjmp of a power cut. */
static struct {
    size_t shipped;  /* index of the image that the operator ships */
    unsigned offers; /* of it */
    unsigned trials; /* starts on trial since it was last pending */
    unsigned trials_allowed;
    size_t confirmed;      /* image that was confirmed last, for sure */
    size_t confirming;     /* image whose confirm was begun, IMAGES if none */
    bool rejected[IMAGES]; /* for sure */
    uint32_t floor;
    unsigned starts;
    bool rested; /* the last start ran a confirmed image, and shipped nothing */
} life;

static struct world world;
static struct world factory;

/* One fault of one life. */
struct fault {
    uint32_t operation; /* that the cut hits, counted from the last one */
    enum ram_flash_cut cut;
    uint32_t seed;
};

/* --- The judge --- */

static size_t image_in(uint8_t bank)
{
    size_t i;

    for (i = 0; i < IMAGES; i++) {
        if (world_holds(&world, bank, &images[i]))
            return i;
    }
    return IMAGES;
}

static void confirmed_for_sure(size_t image)
{
    life.confirmed = image;
    life.confirming = IMAGES;
    if (life.floor < images[image].counter)
        life.floor = images[image].counter;
}

static size_t judge(const struct tdm_boot_choice *choice)
{
    size_t image;

    assert_int_equal(choice->action, TDM_BOOT_RUN);
    image = image_in(choice->bank);
    assert_in_range(image, 0, IMAGES - 1);
    assert_true(images[image].counter >= life.floor);
    assert_false(life.rejected[image]);
    if (choice->trial) {
        life.trials++;
        assert_in_range(life.trials, 1, life.trials_allowed);
    } else {
        assert_true(image == life.confirmed || image == life.confirming);
        confirmed_for_sure(image);
    }
    assert_int_equal(world.ram.violations, 0);
    return image;
}

/* --- The application --- */

/* A trial of image in bank; returns how it ended, or that it confirmed (TDM_RESET_POWER is no end then). */
static bool confirms(size_t image, uint8_t bank, enum tdm_reset_cause *end)
{
    struct tdm_record_log log = world_log(&world);

    switch (images[image].behaviour) {
    case FAILS_SELF_TEST:
        assert_int_equal(tdm_boot_reject(&log, bank, TDM_REASON_SELF_TEST), TDM_OK);
        life.rejected[image] = true;
        *end = TDM_RESET_SOFT;
        return false;
    case HANGS:
        *end = TDM_RESET_WATCHDOG;
        return false;
    case CRASHES:
        *end = TDM_RESET_FAULT;
        return false;
    case FINDS_NO_LINK:
        *end = TDM_RESET_NO_LINK;
        return false;
    case LOSES_POWER:
        if (life.trials <= 2) {
            *end = TDM_RESET_POWER;
            return false;
        }
        break;
    default:
        break;
    }
    life.confirming = image;
    assert_int_equal(tdm_boot_confirm(&log, bank, &images[image].manifest), TDM_OK);
    confirmed_for_sure(image);
    return true;
}

/* The operator looks at what runs and at what the record says, and goes on to the next image where this one
 * is done. True: ship life.shipped. */
static bool wants_to_ship(size_t running)
{
    struct tdm_record_log log = world_log(&world);

    while (life.shipped < IMAGES &&
           (running == life.shipped || life.offers >= OFFERS_MAX ||
            tdm_boot_is_rejected(&log, images[life.shipped].manifest.image_digest))) {
        life.shipped++;
        life.offers = 0;
    }
    return life.shipped < IMAGES;
}

/* One start of the processor: bootloader, then the image. Returns the cause of the next. */
static enum tdm_reset_cause live_once(enum tdm_reset_cause cause)
{
    const struct tdm_boot_choice *choice = world_start(&world, cause);
    enum tdm_reset_cause end = TDM_RESET_SOFT;
    size_t running = judge(choice);
    uint8_t bank = choice->bank;

    if (choice->reason == TDM_REASON_WATCHDOG || choice->reason == TDM_REASON_FAULT)
        life.rejected[life.shipped] = true; /* this start rolled it back */
    if (choice->trial) {
        life.rested = false;
        return confirms(running, bank, &end) ? TDM_RESET_SOFT : end;
    }
    if (!life.rested) { /* a start in between, in which nothing is written any more */
        life.rested = true;
        return TDM_RESET_SOFT;
    }
    if (wants_to_ship(running)) {
        life.rested = false;
        life.trials = 0;
        life.trials_allowed = WORLD_ATTEMPTS + world.config.soft_limit;
        world_install(&world, bank, &images[life.shipped]);
        life.offers++;
    }
    return TDM_RESET_SOFT;
}

static void begin_life(void)
{
    memset(&life, 0, sizeof life);
    life.shipped = 1;
    life.confirming = IMAGES;
    life.floor = images[0].counter;
    world_copy(&world, &factory);
}

static bool is_over(void)
{
    return life.shipped == IMAGES;
}

static void judge_end(void)
{
    struct tdm_record_log log = world_log(&world);

    assert_int_equal(life.confirmed, IMAGES - 1);
    assert_int_equal(log.record.state, TDM_BOOT_IDLE);
    assert_int_equal(log.record.counter_floor, 7);
    assert_int_equal(log.record.revoked_keys, 2);
    assert_int_equal(image_in(log.record.active), IMAGES - 1);
}

/* --- Power cuts --- */

/* Lives a life with cuts, each counted from the one before. Returns how many of them happened. */
static unsigned live_with_cuts(const struct fault *faults, unsigned count)
{
    static enum tdm_reset_cause cause;
    static unsigned cuts;

    begin_life();
    cause = TDM_RESET_POWER;
    cuts = 0;
    if (setjmp(world.ram.power) != 0) {
        cause = TDM_RESET_POWER;
        cuts++;
    }
    if (cuts < count)
        ram_flash_cut(&world.ram, faults[cuts].operation, faults[cuts].cut, faults[cuts].seed);
    while (!is_over()) {
        assert_in_range(++life.starts, 1, STARTS_MAX);
        cause = live_once(cause);
    }
    world.ram.armed = false;
    judge_end();
    return cuts;
}

static void make_factory(uint32_t erase_bytes, uint32_t program_bytes, bool program_once)
{
    struct tdm_record record;
    size_t i;

    for (i = 0; i < IMAGES; i++)
        image_build(&images[i]);
    world_init(&factory, erase_bytes, program_bytes, program_once);
    world_place(&factory, 0, &images[0], true);
    memset(&record, 0, sizeof record);
    record.state = TDM_BOOT_IDLE;
    record.target = TDM_NO_BANK;
    record.counter_floor = images[0].counter;
    world_record(&factory, &record);
}

static int small_units(void **state)
{
    (void)state;
    make_factory(1024, 4, false);
    return 0;
}

static int wide_units(void **state)
{
    (void)state;
    make_factory(512, 32, false);
    return 0;
}

static int program_once(void **state)
{
    (void)state;
    make_factory(512, 8, true);
    return 0;
}

static void without_faults_the_last_healthy_image_runs_in_the_end(void **state)
{
    (void)state;
    assert_int_equal(live_with_cuts(NULL, 0), 0);
    assert_true(life.rejected[2]);
    assert_true(life.rejected[4]);
    assert_true(life.rejected[6]);
    assert_false(life.rejected[5]); /* no link is no blame */
}

static void a_cut_at_any_operation_is_survived(void **state)
{
    struct fault fault = {0, RAM_FLASH_BEFORE, 0};
    unsigned lives = 0;
    int cut;

    (void)state;
    for (cut = RAM_FLASH_BEFORE; cut < RAM_FLASH_CUTS; cut++) {
        fault.cut = (enum ram_flash_cut)cut;
        fault.operation = 0;
        while (live_with_cuts(&fault, 1) == 1) {
            fault.operation += CUT_STRIDE;
            fault.seed++;
            lives++;
        }
    }
    print_message("%u lives\n", lives);
}

/* The second hits the repair of the first. */
static void two_cuts_close_to_each_other_are_survived(void **state)
{
    static const enum ram_flash_cut kinds[] = {RAM_FLASH_TORN, RAM_FLASH_UNREADABLE};
    struct fault faults[2];
    unsigned first, second, lives = 0;

    (void)state;
    memset(faults, 0, sizeof faults);
    for (first = 0; first < 2; first++) {
        for (second = 0; second < 2; second++) {
            faults[0].cut = kinds[first];
            faults[1].cut = kinds[second];
            for (faults[1].operation = 0; faults[1].operation < 4; faults[1].operation++) {
                faults[0].operation = faults[1].operation; /* a quarter of the places each */
                while (live_with_cuts(faults, 2) > 0) {
                    faults[0].operation += 4 * CUT_STRIDE;
                    faults[0].seed = lives++;
                }
            }
        }
    }
    print_message("%u lives\n", lives);
}

/* --- Lost record units --- */

static void lose(uint8_t unit, unsigned how)
{
    const struct tdm_region *region = &world.layout.record[unit];

    if (how == 0)
        ram_flash_blank(&world.ram, region);
    else if (how == 1)
        ram_flash_garble(&world.ram, region, life.starts);
    else
        ram_flash_make_unreadable(&world.ram, region);
}

/* Lives a life in which units (a mask) get lost before a start. False if the life has no such start. */
static bool live_with_loss(unsigned before_start, unsigned units, unsigned how)
{
    enum tdm_reset_cause cause = TDM_RESET_POWER;
    bool lost = false;

    begin_life();
    while (!is_over()) {
        if (life.starts == before_start) {
            lost = true;
            life.trials_allowed++; /* an attempt may have been lost */
            if (units & 1)
                lose(0, how);
            if (units & 2)
                lose(1, how);
            if (units == 3) { /* what was rejected can't be known any more (invariant 4) */
                memset(life.rejected, 0, sizeof life.rejected);
            }
        }
        assert_in_range(++life.starts, 1, STARTS_MAX);
        cause = live_once(cause);
    }
    judge_end();
    return lost;
}

static void losing_either_record_unit_loses_no_decision(void **state)
{
    unsigned start, units, how, lives = 0;

    (void)state;
    for (units = 1; units <= 2; units++) {
        for (how = 0; how < 3; how++) {
            for (start = 0; live_with_loss(start, units, how); start++)
                lives++;
        }
    }
    print_message("%u lives\n", lives);
}

/* As live_with_cuts, with one cut; then, after one more start, a unit gets lost. */
static bool live_with_cut_and_loss(const struct fault *fault, uint8_t unit)
{
    static enum tdm_reset_cause cause;
    static unsigned starts_since_cut;
    static bool cut;

    begin_life();
    cause = TDM_RESET_POWER;
    starts_since_cut = 0;
    cut = false;
    if (setjmp(world.ram.power) != 0) {
        cause = TDM_RESET_POWER;
        cut = true;
    } else {
        ram_flash_cut(&world.ram, fault->operation, fault->cut, fault->seed);
    }
    while (!is_over()) {
        if (cut && starts_since_cut++ == 1) {
            life.trials_allowed++;
            lose(unit, fault->seed % 3);
        }
        assert_in_range(++life.starts, 1, STARTS_MAX);
        cause = live_once(cause);
    }
    world.ram.armed = false;
    judge_end();
    return cut;
}

static void losing_a_unit_after_the_start_that_follows_a_cut_loses_no_decision(void **state)
{
    struct fault fault = {0, RAM_FLASH_BEFORE, 0};
    unsigned lives = 0;
    int cut;

    (void)state;
    for (cut = RAM_FLASH_BEFORE; cut < RAM_FLASH_CUTS; cut++) {
        fault.cut = (enum ram_flash_cut)cut;
        fault.operation = 0;
        while (live_with_cut_and_loss(&fault, fault.seed / 3 % 2)) {
            lives += 1;
            fault.seed++;
            fault.operation += CUT_STRIDE;
        }
    }
    print_message("%u lives\n", lives);
}

static void losing_both_record_units_loses_no_firmware(void **state)
{
    unsigned start, how, lives = 0;

    (void)state;
    for (how = 0; how < 3; how++) {
        for (start = 0; live_with_loss(start, 3, how); start++)
            lives++;
    }
    print_message("%u lives\n", lives);
}

#define TESTS_ON(flash)                                                                                      \
    cmocka_unit_test_setup(without_faults_the_last_healthy_image_runs_in_the_end, flash),                    \
        cmocka_unit_test_setup(a_cut_at_any_operation_is_survived, flash),                                   \
        cmocka_unit_test_setup(losing_either_record_unit_loses_no_decision, flash),                          \
        cmocka_unit_test_setup(losing_both_record_units_loses_no_firmware, flash),                           \
        cmocka_unit_test_setup(losing_a_unit_after_the_start_that_follows_a_cut_loses_no_decision, flash)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TESTS_ON(small_units),
        TESTS_ON(wide_units),
        TESTS_ON(program_once),
        cmocka_unit_test_setup(two_cuts_close_to_each_other_are_survived, small_units),
        cmocka_unit_test_setup(two_cuts_close_to_each_other_are_survived, program_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
