/* The simulated flash keeps the rules of the real one, and cuts do what their letters say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/torture.h"

static struct sim_flash flash;
static const uint8_t zeros[8], data[8] = {0x0F, 1, 2, 3, 4, 5, 6, 7};

static uint32_t open_flash(const char *layout)
{
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

static bool is_blank(uint32_t address, size_t bytes)
{
    return flash.flash.ops->is_blank(flash.flash.ctx, address, bytes) == 1;
}

/* Runs one operation that is cut; true if the power went. */
static bool cut_program(uint32_t address, enum sim_tear tear, const void *from, size_t bytes)
{
    const struct sim_cut cut = {0, tear, 2};
    jmp_buf power;

    flash.power = &power;
    sim_flash_arm(&flash, &cut);
    if (setjmp(power) != 0) {
        return true;
    }
    (void)program(address, from, bytes);
    return false;
}

static bool cut_erase(uint32_t address, enum sim_tear tear)
{
    const struct sim_cut cut = {0, tear, 2};
    jmp_buf power;

    flash.power = &power;
    sim_flash_arm(&flash, &cut);
    if (setjmp(power) != 0) {
        return true;
    }
    (void)erase(address);
    return false;
}

static void bits_go_from_1_to_0_until_an_erase(void **state)
{
    uint32_t at = open_flash("small");

    (void)state;
    assert_int_equal(program(at, data, 8), TDM_OK);
    assert_memory_equal(sim_flash_peek(&flash, at, 8), data, 8);
    assert_int_equal(program(at, zeros, 8), TDM_OK);
    assert_int_equal(flash.violations, 0);
    assert_int_equal(program(at, data, 8), TDM_OK);
    assert_true(flash.violations > 0);
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
}

static void a_cut_before_changes_nothing_and_one_after_everything(void **state)
{
    uint32_t at = open_flash("small");

    (void)state;
    assert_true(cut_program(at, SIM_TEAR_BEFORE, zeros, 8));
    assert_true(is_blank(at, 8));
    assert_true(cut_program(at, SIM_TEAR_AFTER, zeros, 8));
    assert_memory_equal(sim_flash_peek(&flash, at, 8), zeros, 8);
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
    for (i = 0; i < sizeof tears / sizeof tears[0]; i++) {
        assert_int_equal(program(at, zeros, 8), TDM_OK);
        assert_true(cut_erase(at, tears[i]));
        assert_int_equal(is_blank(at, 256), tears[i] == SIM_TEAR_WEAK);
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
        cmocka_unit_test_teardown(a_faint_program_reads_well_and_is_known, close_flash),
        cmocka_unit_test_teardown(what_a_cut_erase_left_must_be_erased_again, close_flash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
