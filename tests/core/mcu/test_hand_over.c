/* The application of a device without another bank hands over to the bootloader. */
#include <string.h>

#include "tandem/hand_over.h"
#include "tests/core/mcu/fixture.h"

static struct fixture fixture;
static struct tdm_mcu_ops operations;
static uint8_t before[BANK_BYTES];

/* --- The device --- */

static void start_in(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    fixture_init(f, program_bytes, program_once);
    f->layout.bank[1].bytes = 0;
    operations = *f->config.ops;
    operations.check_image = NULL;
    f->config.ops = &operations;
    f->config.role = &tdm_mcu_hands_over;
    f->options.image_bytes = 2501;
    fixture_build(f);
    memcpy(before, ram_flash_at(&f->ram, BANK_A), BANK_BYTES);
}

static struct tdm_record record_of(struct fixture *f)
{
    struct tdm_record_log log;

    (void)!tdm_record_load(&log, &f->ram.flash, &f->layout);
    return log.record;
}

/* An offer is taken and the device restarts into its bootloader. */
static void hand_over(struct fixture *f)
{
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    fixture_run(f, 500);
    assert_int_equal(f->resets, 1);
}

static void assert_untouched(struct fixture *f)
{
    assert_memory_equal(ram_flash_at(&f->ram, BANK_A), before, BANK_BYTES);
}

/* --- The application --- */

static void the_application_hands_over_once_the_co_processor_has_the_file(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    hand_over(f);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0345), 1);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0341), 0);
    assert_int_equal(record_of(f).state, TDM_BOOT_FETCH);
    assert_int_equal(record_of(f).active, 0);
    assert_int_equal(f->reset_cause, TDM_RESET_SOFT);
    assert_untouched(f);
}

static void a_file_that_the_co_processor_cannot_get_is_no_reason_to_leave(void **state)
{
    struct fixture *f = &fixture;
    uint8_t reason;

    (void)state;
    start_in(f, 8, false);
    f->ncp.prefetch = 5;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    fixture_run(f, 500);
    assert_int_equal(f->resets, 0);
    assert_int_equal(record_of(f).state, TDM_BOOT_IDLE);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_DOWNLOAD);
}

static void a_file_too_large_for_the_bank_is_refused_at_the_offer(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    f->package.length = BANK_BYTES + 1;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 0);
    assert_int_equal(f->ended_reason, TDM_REASON_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_application_hands_over_once_the_co_processor_has_the_file),
        cmocka_unit_test(a_file_that_the_co_processor_cannot_get_is_no_reason_to_leave),
        cmocka_unit_test(a_file_too_large_for_the_bank_is_refused_at_the_offer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
