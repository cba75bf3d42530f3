/* Installation under power cuts: the power goes away before, during and after every flash operation of an
 * update, the device starts again from its running bank, and the next update must arrive whole. */
#include "tests/core/mcu/fixture.h"

#include <string.h>

static struct fixture fixture;
static uint8_t bank_a[BANK_BYTES];

static void start(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    fixture_init(f, program_bytes, program_once);
    f->options.image_bytes = 2501;
    fixture_build(f);
    memcpy(bank_a, ram_flash_at(&f->ram, BANK_A), BANK_BYTES);
}

static void update(struct fixture *f)
{
    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
}

static void assert_running_bank_is_safe(struct fixture *f)
{
    struct tdm_record_log log;

    assert_memory_equal(ram_flash_at(&f->ram, BANK_A), bank_a, BANK_BYTES);
    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    assert_int_equal(log.record.active, 0);
    assert_int_equal(log.record.counter_floor, 2);
}

/* Cuts the power at operation n. False once the update is over before operation n. */
static bool survive_cut(struct fixture *f, uint32_t n, enum ram_flash_cut cut)
{
    volatile bool was_cut = false;

    ram_flash_cut(&f->ram, n, cut, n * 7 + cut);
    if (setjmp(f->ram.power) == 0)
        update(f);
    else
        was_cut = true;
    f->ram.armed = false;
    assert_running_bank_is_safe(f);
    if (!was_cut)
        return false;
    fixture_power_up(f);
    update(f);
    assert_true(fixture_bank_b_holds_package(f));
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_PENDING);
    assert_int_equal(f->ram.violations, 0);
    return true;
}

static void survive_all_cuts(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    for (int cut = RAM_FLASH_BEFORE; cut < RAM_FLASH_CUTS; cut++) {
        uint32_t n = 0;

        do
            start(f, program_bytes, program_once);
        while (survive_cut(f, n++, (enum ram_flash_cut)cut));
        assert_true(n > 20);
    }
}

static void a_power_cut_at_any_operation_leaves_a_device_that_takes_the_next_update(void **state)
{
    (void)state;
    survive_all_cuts(&fixture, 8, false);
}

static void so_does_flash_that_programs_a_unit_once(void **state)
{
    (void)state;
    survive_all_cuts(&fixture, 16, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_at_any_operation_leaves_a_device_that_takes_the_next_update),
        cmocka_unit_test(so_does_flash_that_programs_a_unit_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
