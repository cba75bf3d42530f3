/* The simulated flash keeps the rules of the real one, and cuts do what their letters say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/torture.h"

static struct sim_flash flash;
static const uint8_t zeros[32], data[8] = {0x0F, 1, 2, 3, 4, 5, 6, 7};
static uint32_t seed; /* of the next cut */

static uint32_t open_flash(const char *layout)
{
    seed = 2;
    assert_true(sim_flash_open(&flash, sim_small_layout(layout)));
    return sim_small_layout(layout)->places.bank[0].address;
}

static int close_flash(void **state)
{
    (void)state;
    sim_flash_close(&flash);
    return 0;
}

static int program(uint32_t address, const void *from, size_t bytes)
{
    return flash.flash.ops->program(flash.flash.ctx, address, from, bytes);
}

static int erase(uint32_t address)
{
    return flash.flash.ops->erase(flash.flash.ctx, address);
}

static int read(uint32_t address, void *to, size_t bytes)
{
    return flash.flash.ops->read(flash.flash.ctx, address, to, bytes);
}

static bool is_blank(uint32_t address, size_t bytes)
{
    return flash.flash.ops->is_blank(flash.flash.ctx, address, bytes) == 1;
}

/* Runs one operation that is cut; true if the power went. */
static bool cut_program(uint32_t address, enum sim_tear tear, const void *from, size_t bytes)
{
    const struct sim_cut cut = {0, tear, seed};
    jmp_buf power;

    flash.power = &power;
    sim_flash_arm(&flash, &cut);
    if (setjmp(power) != 0)
        return true;
    (void)program(address, from, bytes);
    return false;
}

static bool cut_erase(uint32_t address, enum sim_tear tear)
{
    const struct sim_cut cut = {0, tear, seed};
    jmp_buf power;

    flash.power = &power;
    sim_flash_arm(&flash, &cut);
    if (setjmp(power) != 0)
        return true;
    (void)erase(address);
    return false;
}

static void bits_go_from_1_to_0_until_an_erase(void **state)
{
    static const uint8_t text[] = "of two units ...";
    uint32_t at = open_flash("small");

    (void)state;
    assert_int_equal(program(at + 8, text, 16), TDM_OK);
    assert_memory_equal(sim_flash_peek(&flash, at + 8, 16), text, 16);
    assert_true(is_blank(at + 24, 232));
    assert_int_equal(program(at, data, 8), TDM_OK);
    assert_memory_equal(sim_flash_peek(&flash, at, 8), data, 8);
    assert_int_equal(program(at, zeros, 8), TDM_OK);
    assert_int_equal(flash.violations, 0);
    assert_int_equal(program(at, "\1\0\0\0\0\0\0\0", 8), TDM_OK);
    assert_int_equal(flash.violations, 1);
    assert_int_equal(program(at, data, 8), TDM_OK);
    assert_true(flash.violations > 1);
    assert_memory_equal(sim_flash_peek(&flash, at, 8), zeros, 8);
    assert_int_equal(erase(at), TDM_OK);
    assert_true(is_blank(at, 256));
}

static void a_unit_takes_one_program_where_flash_programs_once(void **state)
{
    uint32_t at = open_flash("small-once");

    (void)state;
    assert_int_equal(program(at, data, 8), TDM_OK);
    assert_int_equal(flash.violations, 0);
    assert_int_equal(program(at, zeros, 8), TDM_OK);
    assert_int_equal(flash.violations, 1);
}

static void what_is_not_whole_units_or_outside_is_refused(void **state)
{
    uint32_t at = open_flash("small");

    (void)state;
    assert_int_equal(program(at + 4, data, 8), TDM_E_FLASH_PROGRAM);
    assert_int_equal(program(at, data, 4), TDM_E_FLASH_PROGRAM);
    assert_int_equal(erase(at + 8), TDM_E_FLASH_ERASE);
    assert_int_equal(erase(flash.base + flash.bytes), TDM_E_FLASH_ERASE);
    assert_int_equal(flash.violations, 4);
    assert_int_equal(program(at, data, 0), TDM_E_FLASH_PROGRAM);
    assert_int_equal(program(flash.base - 8, data, 8), TDM_E_FLASH_PROGRAM);
    assert_int_equal(program(flash.base + flash.bytes - 8, zeros, 16), TDM_E_FLASH_PROGRAM);
    assert_int_equal(flash.violations, 7);
    assert_int_equal(program(flash.base + flash.bytes - 8, zeros, 8), TDM_OK);
    assert_int_equal(flash.violations, 7);
}

static void what_is_outside_does_not_read(void **state)
{
    uint8_t bytes[8] = {0};

    (void)state;
    open_flash("small");
    assert_int_equal(read(flash.base, bytes, 8), TDM_OK);
    assert_int_equal(read(flash.base + flash.bytes - 8, bytes, 8), TDM_OK);
    bytes[0] = 0;
    assert_int_equal(read(flash.base - 1, bytes, 1), TDM_E_FLASH_READ);
    assert_int_not_equal(bytes[0], 0); /* nobody shall take what was there for content */
    assert_int_equal(read(flash.base + flash.bytes - 7, bytes, 8), TDM_E_FLASH_READ);
    assert_int_equal(read(flash.base + flash.bytes + 1, bytes, 1), TDM_E_FLASH_READ);
    assert_false(is_blank(flash.base + flash.bytes - 64, 65));
    assert_non_null(sim_flash_peek(&flash, flash.base + flash.bytes - 8, 8));
    assert_null(sim_flash_peek(&flash, flash.base + flash.bytes - 8, 9));
}

static void wear_is_counted_by_page(void **state)
{
    uint32_t at = open_flash("small");
    const struct tdm_region two = {at, 512};

    (void)state;
    assert_int_equal(erase(at), TDM_OK);
    assert_int_equal(erase(at), TDM_OK);
    assert_int_equal(erase(at + 256), TDM_OK);
    assert_int_equal(sim_flash_erases(&flash, &two), 3);
    assert_int_equal(sim_flash_wear(&flash, &two), 2);
}

static void a_worn_page_fails_and_a_frozen_one_lies(void **state)
{
    uint32_t at = open_flash("small");

    (void)state;
    sim_flash_wear_out(&flash, at);
    assert_int_equal(program(at, data, 8), TDM_E_FLASH_PROGRAM);
    assert_int_equal(erase(at), TDM_E_FLASH_ERASE);
    sim_flash_freeze(&flash, at + 256);
    assert_int_equal(program(at + 256, data, 8), TDM_OK);
    assert_true(is_blank(at, 512));
    assert_int_equal(program(at + 512, data, 8), TDM_OK);
    sim_flash_freeze(&flash, at + 512);
    assert_int_equal(erase(at + 512), TDM_OK);
    assert_memory_equal(sim_flash_peek(&flash, at + 512, 8), data, 8);
}

static void watch(void *ctx, uint32_t address)
{
    *(uint32_t *)ctx = address;
}

/* The third operation since it was armed; then no other. */
static void one_operation_is_cut_and_those_that_are_not_are_told(void **state)
{
    const struct sim_cut cut = {2, SIM_TEAR_AFTER, 2};
    static uint32_t at, told;
    jmp_buf power;

    (void)state;
    at = open_flash("small");
    flash.power = &power;
    flash.watch = watch;
    flash.watch_ctx = &told;
    assert_int_equal(erase(at), TDM_OK);
    sim_flash_arm(&flash, &cut);
    if (setjmp(power) == 0) {
        assert_int_equal(program(at, data, 8), TDM_OK);
        assert_int_equal(told, at);
        assert_int_equal(erase(at + 256), TDM_OK);
        assert_int_equal(told, at + 256);
        (void)erase(at);
        fail_msg("the power stayed");
    }
    assert_true(is_blank(at, 8));
    assert_int_equal(told, at + 256);
    assert_int_equal(flash.operations, 3);
    flash.operations = 2;
    assert_int_equal(erase(at), TDM_OK);
    sim_flash_arm(&flash, &cut);
    sim_flash_arm(&flash, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(erase(at), TDM_OK);
}

static void a_cut_before_changes_nothing_and_one_after_everything(void **state)
{
    uint32_t at = open_flash("small");
    const struct tdm_region page = {at, 256};

    (void)state;
    assert_true(cut_program(at, SIM_TEAR_BEFORE, zeros, 8));
    assert_true(is_blank(at, 8));
    assert_true(cut_program(at, SIM_TEAR_AFTER, zeros, 8));
    assert_memory_equal(sim_flash_peek(&flash, at, 8), zeros, 8);
    assert_true(cut_erase(at, SIM_TEAR_BEFORE));
    assert_memory_equal(sim_flash_peek(&flash, at, 8), zeros, 8);
    assert_true(sim_flash_is_sound(&flash, &page));
    assert_true(cut_erase(at, SIM_TEAR_AFTER));
    assert_true(is_blank(at, 256));
    assert_true(sim_flash_is_sound(&flash, &page));
}

static void a_torn_program_leaves_some_bits_of_one_unit(void **state)
{
    uint32_t at = open_flash("small");
    uint8_t read[8];

    (void)state;
    assert_true(cut_program(at, SIM_TEAR_TORN, zeros, 8));
    assert_int_equal(flash.flash.ops->read(flash.flash.ctx, at, read, 8), TDM_OK);
    assert_memory_not_equal(read, zeros, 8);
    assert_false(is_blank(at, 8));
    assert_true(cut_program(at + 8, SIM_TEAR_UNREADABLE, zeros, 8));
    assert_int_equal(flash.flash.ops->read(flash.flash.ctx, at + 8, read, 8), TDM_E_FLASH_READ);
    assert_null(sim_flash_peek(&flash, at + 8, 8));
    assert_true(cut_program(at + 16, SIM_TEAR_UNSTABLE, zeros, 8));
    assert_null(sim_flash_peek(&flash, at + 16, 8));
}

/* Those before it are whole, those behind it are blank. */
static void a_cut_tears_any_of_the_units_that_are_programmed_at_once(void **state)
{
    uint32_t at = open_flash("small");
    uint8_t fallen[8] = {0}; /* bits of those behind whole ones */
    unsigned torn = 0;

    (void)state;
    for (seed = 0; seed < 64; seed++) {
        uint32_t unit = 0;

        assert_int_equal(erase(at), TDM_OK);
        assert_true(cut_program(at, SIM_TEAR_TORN, zeros, 32));
        while (unit < 3 && memcmp(sim_flash_peek(&flash, at + 8 * unit, 8), zeros, 8) == 0)
            unit++;
        assert_memory_not_equal(sim_flash_peek(&flash, at + 8 * unit, 8), zeros, 8);
        assert_false(is_blank(at + 8 * unit, 8));
        assert_true(is_blank(at + 8 * unit + 8, 32));
        torn |= 1u << unit;
        for (unsigned i = 0; unit > 0 && i < 8; i++)
            fallen[i] |= (uint8_t)~sim_flash_peek(&flash, at + 8 * unit, 8)[i];
    }
    assert_int_equal(torn, 15);
    assert_memory_equal(fallen, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
    assert_int_equal(flash.violations, 0);
}

/* So that the id of a case replays it. */
static void a_cut_of_the_same_seed_tears_the_same_bits(void **state)
{
    static const uint32_t seeds[] = {5, 6, 5};
    uint32_t at = open_flash("small");
    uint8_t torn[3][32];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        seed = seeds[i];
        assert_int_equal(erase(at), TDM_OK);
        assert_true(cut_program(at, SIM_TEAR_TORN, zeros, 32));
        memcpy(torn[i], sim_flash_peek(&flash, at, 32), 32);
    }
    assert_memory_equal(torn[0], torn[2], 32);
    assert_memory_not_equal(torn[0], torn[1], 32);
}

/* And only those that were under way do, whatever is cut elsewhere. */
static void unstable_bits_read_either_way_until_an_erase(void **state)
{
    static const uint8_t ends[8] = {0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F};
    uint32_t at = open_flash("small");
    uint8_t read_as_1[2] = {0}, read_as_0[2] = {0}, bytes[8];

    (void)state;
    assert_true(cut_program(at, SIM_TEAR_UNSTABLE, ends, 8));
    assert_true(cut_program(at + 8, SIM_TEAR_TORN, zeros, 8));
    for (int i = 0; i < 64; i++) {
        assert_int_equal(read(at, bytes, 8), TDM_OK);
        assert_memory_equal(bytes + 1, ends + 1, 6);
        for (unsigned end = 0; end < 2; end++) {
            read_as_1[end] |= bytes[7 * end];
            read_as_0[end] |= (uint8_t)~bytes[7 * end];
        }
        bytes[7] = 0x55;
        assert_int_equal(read(at, bytes, 7), TDM_OK);
        assert_int_equal(bytes[7], 0x55);
    }
    assert_memory_equal(read_as_1, "\xFF\xFF", 2);
    assert_memory_equal(read_as_0, "\xF0\xF0", 2);
    assert_null(sim_flash_peek(&flash, at, 8));
    assert_int_equal(erase(at), TDM_OK);
    assert_non_null(sim_flash_peek(&flash, at, 8));
    assert_true(is_blank(at, 8));
}

static void one_bit_makes_a_region_not_blank_and_so_does_an_error(void **state)
{
    static const uint8_t first[8] = {0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    uint32_t at = open_flash("small");
    const struct tdm_region unit = {at + 128, 8};

    (void)state;
    assert_int_equal(program(at, first, 8), TDM_OK);
    assert_false(is_blank(at, 256));
    assert_true(is_blank(at + 8, 248));
    sim_flash_make_unreadable(&flash, &unit);
    assert_false(is_blank(at + 8, 248));
}

/* Only flash with ECC tells it from blank. */
static void a_weak_program_reads_as_blank_and_is_not_where_flash_programs_once(void **state)
{
    static const char *const layouts[] = {"small", "small-once"};

    (void)state;
    for (unsigned once = 0; once < 2; once++) {
        uint32_t at = open_flash(layouts[once]);

        assert_true(cut_program(at, SIM_TEAR_WEAK, data, 8));
        assert_true(is_blank(at, 8));
        assert_int_equal(program(at, data, 8), TDM_OK);
        assert_int_equal(flash.violations, once);
        if (once == 0)
            sim_flash_close(&flash);
    }
}

static void an_erase_makes_good_whatever_a_cut_left(void **state)
{
    uint32_t at = open_flash("small-once");
    const struct tdm_region page = {at, 256};

    (void)state;
    for (unsigned tear = SIM_TEAR_BEFORE; tear < SIM_TEAR_COUNT; tear++) {
        assert_true(cut_program(at, (enum sim_tear)tear, zeros, 8));
        assert_true(cut_erase(at, (enum sim_tear)tear));
        assert_int_equal(erase(at), TDM_OK);
        assert_true(sim_flash_is_sound(&flash, &page));
        assert_true(is_blank(at, 256));
        assert_int_equal(program(at, data, 8), TDM_OK);
        assert_int_equal(erase(at), TDM_OK);
    }
    assert_int_equal(flash.violations, 0);
}

/* An erase that had hardly begun changes nothing that reads. */
static void a_faint_erase_leaves_what_does_not_read_unreadable(void **state)
{
    uint32_t at = open_flash("small");
    const struct tdm_region unit = {at, 8};
    uint8_t byte;

    (void)state;
    assert_int_equal(program(at + 8, data, 8), TDM_OK);
    sim_flash_make_unreadable(&flash, &unit);
    assert_true(cut_erase(at, SIM_TEAR_FAINT));
    assert_int_equal(read(at, &byte, 1), TDM_E_FLASH_READ);
    assert_memory_equal(sim_flash_peek(&flash, at + 8, 8), data, 8);
    assert_true(cut_erase(at, SIM_TEAR_UNREADABLE));
    assert_int_equal(read(at + 8, &byte, 1), TDM_E_FLASH_READ);
    assert_true(cut_erase(at, SIM_TEAR_TORN));
    assert_int_equal(read(at, &byte, 1), TDM_OK);
}

/* --- Past all rules --- */

static void what_is_set_is_there_whatever_was_before_and_is_programmed(void **state)
{
    static const uint8_t text[] = "of two units ...";
    uint32_t at = open_flash("small-once");

    (void)state;
    assert_int_equal(program(at, zeros, 8), TDM_OK);
    assert_true(cut_program(at + 8, SIM_TEAR_UNSTABLE, zeros, 8));
    sim_flash_set(&flash, at, text, 16);
    assert_memory_equal(sim_flash_peek(&flash, at, 16), text, 16);
    assert_true(is_blank(at + 16, 240));
    assert_int_equal(program(at + 16, zeros, 8), TDM_OK);
    assert_int_equal(flash.violations, 0);
    sim_flash_set(&flash, at + 24, text + 16, 1);
    assert_int_equal(program(at + 24, zeros, 8), TDM_OK);
    assert_int_equal(flash.violations, 1);
}

static void a_region_is_garbled_by_a_seed_and_blanked_and_nothing_else_is(void **state)
{
    static const uint32_t seeds[] = {5, 6, 5};
    uint32_t at = open_flash("small");
    const struct tdm_region pages = {at + 256, 512};
    uint8_t garbage[3][512];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        sim_flash_garble(&flash, &pages, seeds[i]);
        memcpy(garbage[i], sim_flash_peek(&flash, at + 256, 512), 512);
    }
    assert_memory_equal(garbage[0], garbage[2], 512);
    assert_memory_not_equal(garbage[0], garbage[1], 8);
    assert_memory_not_equal(garbage[0] + 504, garbage[1] + 504, 8);
    assert_true(is_blank(at, 256));
    assert_true(is_blank(at + 768, 256));
    sim_flash_set(&flash, at, zeros, 8);
    sim_flash_set(&flash, at + 768, zeros, 8);
    sim_flash_blank(&flash, &pages);
    assert_true(is_blank(at + 256, 512));
    assert_false(is_blank(at, 8));
    assert_false(is_blank(at + 768, 8));
}

static void a_copy_has_content_faults_and_wear(void **state)
{
    static struct sim_flash copy;
    uint32_t at = open_flash("small");
    const struct tdm_region page = {at, 256}, unreadable = {at + 8, 8};
    const struct sim_cut cut = {0, SIM_TEAR_AFTER, 2};

    (void)state;
    assert_true(sim_flash_open(&copy, sim_small_layout("small")));
    assert_int_equal(erase(at), TDM_OK);
    assert_int_equal(program(at, data, 8), TDM_OK);
    assert_int_equal(program(at, zeros, 4), TDM_E_FLASH_PROGRAM);
    sim_flash_make_unreadable(&flash, &unreadable);
    assert_true(cut_program(at + 16, SIM_TEAR_UNSTABLE, data, 8));
    sim_flash_wear_out(&flash, at + 256);
    sim_flash_arm(&copy, &cut);
    sim_flash_copy(&copy, &flash);
    assert_memory_equal(sim_flash_peek(&copy, at, 8), data, 8);
    assert_null(sim_flash_peek(&copy, at + 8, 8));
    assert_null(sim_flash_peek(&copy, at + 16, 8));
    assert_int_equal(sim_flash_wear(&copy, &page), 1);
    assert_int_equal(copy.programmed, 8);
    assert_int_equal(copy.violations, 1);
    assert_int_equal(copy.flash.ops->erase(copy.flash.ctx, at), TDM_OK); /* and no cut */
    assert_int_equal(copy.flash.ops->erase(copy.flash.ctx, at + 256), TDM_E_FLASH_ERASE);
    sim_flash_close(&copy);
}

static void a_faint_program_reads_well_and_is_known(void **state)
{
    uint32_t at = open_flash("small");
    const struct tdm_region unit = {at, 8};

    (void)state;
    assert_true(cut_program(at, SIM_TEAR_FAINT, data, 8));
    assert_memory_equal(sim_flash_peek(&flash, at, 8), data, 8);
    assert_false(sim_flash_is_sound(&flash, &unit));
    assert_int_equal(program(at, data, 8), TDM_OK); /* to the full */
    assert_true(sim_flash_is_sound(&flash, &unit));
    assert_int_equal(flash.violations, 0);
}

static void what_a_cut_erase_left_must_be_erased_again(void **state)
{
    static const enum sim_tear tears[] = {SIM_TEAR_TORN, SIM_TEAR_WEAK, SIM_TEAR_FAINT, SIM_TEAR_UNSTABLE};
    uint32_t at = open_flash("small");
    unsigned i;

    (void)state;
    assert_int_equal(program(at + 256, zeros, 8), TDM_OK);
    for (i = 0; i < sizeof tears / sizeof tears[0]; i++) {
        assert_int_equal(program(at, zeros, 8), TDM_OK);
        assert_int_equal(program(at + 16, zeros, 8), TDM_OK);
        assert_true(cut_erase(at, tears[i]));
        assert_memory_equal(sim_flash_peek(&flash, at + 256, 8), zeros, 8);
        assert_int_equal(is_blank(at, 256), tears[i] == SIM_TEAR_WEAK);
        assert_int_equal(sim_flash_peek(&flash, at + 16, 8) == NULL, tears[i] == SIM_TEAR_UNSTABLE);
        assert_non_null(sim_flash_peek(&flash, at + 24, 8));
        assert_int_equal(flash.violations, i);
        assert_int_equal(program(at + 8, zeros, 8), TDM_OK);
        assert_int_equal(flash.violations, i + 1);
        assert_int_equal(erase(at), TDM_OK);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bits_go_from_1_to_0_until_an_erase, close_flash),
        cmocka_unit_test_teardown(a_unit_takes_one_program_where_flash_programs_once, close_flash),
        cmocka_unit_test_teardown(what_is_not_whole_units_or_outside_is_refused, close_flash),
        cmocka_unit_test_teardown(wear_is_counted_by_page, close_flash),
        cmocka_unit_test_teardown(a_worn_page_fails_and_a_frozen_one_lies, close_flash),
        cmocka_unit_test_teardown(a_cut_before_changes_nothing_and_one_after_everything, close_flash),
        cmocka_unit_test_teardown(a_torn_program_leaves_some_bits_of_one_unit, close_flash),
        cmocka_unit_test_teardown(what_is_outside_does_not_read, close_flash),
        cmocka_unit_test_teardown(one_operation_is_cut_and_those_that_are_not_are_told, close_flash),
        cmocka_unit_test_teardown(a_cut_tears_any_of_the_units_that_are_programmed_at_once, close_flash),
        cmocka_unit_test_teardown(a_cut_of_the_same_seed_tears_the_same_bits, close_flash),
        cmocka_unit_test_teardown(one_bit_makes_a_region_not_blank_and_so_does_an_error, close_flash),
        cmocka_unit_test_teardown(unstable_bits_read_either_way_until_an_erase, close_flash),
        cmocka_unit_test_teardown(a_weak_program_reads_as_blank_and_is_not_where_flash_programs_once,
                                  close_flash),
        cmocka_unit_test_teardown(an_erase_makes_good_whatever_a_cut_left, close_flash),
        cmocka_unit_test_teardown(a_faint_erase_leaves_what_does_not_read_unreadable, close_flash),
        cmocka_unit_test_teardown(what_is_set_is_there_whatever_was_before_and_is_programmed, close_flash),
        cmocka_unit_test_teardown(a_region_is_garbled_by_a_seed_and_blanked_and_nothing_else_is, close_flash),
        cmocka_unit_test_teardown(a_copy_has_content_faults_and_wear, close_flash),
        cmocka_unit_test_teardown(a_faint_program_reads_well_and_is_known, close_flash),
        cmocka_unit_test_teardown(what_a_cut_erase_left_must_be_erased_again, close_flash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
