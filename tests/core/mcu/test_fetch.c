/* A device without another bank: its application hands over, its bootloader checks, erases and writes; and a
 * bootloader with nothing left to start. */
#include <string.h>

#include "tandem/fetch.h"
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

/* RAM is lost, the co-processor starts anew, flash stays. */
static void restart(struct fixture *f)
{
    ncp_stub_init(&f->ncp);
    f->ncp.digests = 1;
    fixture_build(f);
    f->baud = 0;
    f->resets = 0;
    memset(&f->mcu, 0xA5, sizeof f->mcu);
    memset(&f->work, 0xA5, sizeof f->work);
    memset(f->chunk, 0xA5, sizeof f->chunk);
}

static void as_application(struct fixture *f)
{
    restart(f);
    f->config.running_bank = 0;
    f->config.role = &tdm_mcu_hands_over;
}

static void as_bootloader(struct fixture *f, uint8_t intact_bank)
{
    restart(f);
    f->config.running_bank = TDM_NO_BANK;
    f->config.intact_bank = intact_bank;
    f->config.role = &tdm_mcu_fetches;
    f->config.checking = &f->checking;
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

static uint32_t last_chunk(const struct fixture *f)
{
    return (f->package.length - 1) / sizeof f->chunk * sizeof f->chunk;
}

/* The first pass: every chunk but the last is answered, and then the file is asked for once more. */
static void check_pass(struct fixture *f)
{
    uint32_t last = last_chunk(f);

    for (uint32_t at = 0; at < last; at += f->ncp.chunk)
        assert_int_equal(fixture_write(f, at, f->ncp.chunk), 1);
    f->ncp.chunk = 0;
    assert_int_equal(fixture_write(f, last, f->package.length - last), NO_ANSWER);
    assert_int_not_equal(f->ncp.chunk, 0);
}

static void write_pass(struct fixture *f)
{
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    fixture_run(f, 200);
    assert_int_equal(f->resets, 1);
}

static bool bank_holds_package(const struct fixture *f)
{
    const struct package *p = &f->package;

    return memcmp(p->bytes + package_image(p), ram_flash_at(&f->ram, BANK_A), p->image_bytes) == 0;
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

/* --- The bootloader, with an image to lose --- */

static void enter_bootloader(struct fixture *f)
{
    start_in(f, 8, false);
    hand_over(f);
    as_bootloader(f, 0);
    fixture_accept(f);
}

static void the_bootloader_streams_the_file_once_before_it_erases(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    enter_bootloader(f);
    check_pass(f);
    assert_untouched(f);
    assert_int_equal(record_of(f).state, TDM_BOOT_FETCH);

    write_pass(f);
    assert_true(bank_holds_package(f));
    assert_int_equal(record_of(f).state, TDM_BOOT_PENDING);
    assert_int_equal(record_of(f).active, TDM_NO_BANK);
    assert_int_equal(record_of(f).target, 0);
    assert_int_equal(record_of(f).counter_floor, 2);
    assert_int_equal(f->ram.violations, 0);
}

/* The package is refused with this reason, and the image in the bank is as it was. */
static void assert_given_back(struct fixture *f, uint8_t expected)
{
    uint8_t reason;

    fixture_run(f, 300);
    assert_untouched(f);
    assert_int_equal(record_of(f).state, TDM_BOOT_IDLE);
    assert_int_equal(record_of(f).active, 0);
    assert_int_equal(record_of(f).last_reason, expected);
    assert_int_equal(f->resets, 1);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, expected);
}

static void a_wrong_signature_is_reported_and_the_image_starts_again(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    enter_bootloader(f);
    f->package.bytes[package_signature(&f->package)] ^= 1;
    assert_true(fixture_transfer(f, 0) < f->package.length);
    assert_given_back(f, TDM_REASON_SIGNATURE);
}

static void damage_in_the_last_byte_is_found_before_anything_is_erased(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    enter_bootloader(f);
    f->package.bytes[f->package.length - 1] ^= 0x10;
    assert_int_equal(fixture_transfer(f, 0), last_chunk(f));
    assert_given_back(f, TDM_REASON_DIGEST);
}

static void a_damaged_relocation_table_is_found_before_anything_is_erased(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    enter_bootloader(f);
    f->package.bytes[package_table(&f->package)] ^= 1;
    assert_true(fixture_transfer(f, 0) < f->package.length);
    assert_given_back(f, TDM_REASON_RELOCATIONS);
}

static void firmware_for_other_hardware_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    f->options.hardware = "board-8";
    fixture_build(f);
    hand_over(f);
    as_bootloader(f, 0);
    fixture_accept(f);
    assert_true(fixture_transfer(f, 0) < last_chunk(f));
    assert_given_back(f, TDM_REASON_HARDWARE);
}

static void firmware_below_the_counter_floor_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    f->options.counter = 1;
    fixture_build(f);
    hand_over(f);
    as_bootloader(f, 0);
    fixture_accept(f);
    assert_true(fixture_transfer(f, 0) < last_chunk(f));
    assert_given_back(f, TDM_REASON_COUNTER);
}

static void the_image_that_is_there_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    f->options.version = "1.0.0";
    f->options.seed = 77;
    f->options.image_bytes = f->running.image_bytes;
    fixture_build(f);
    assert_memory_equal(f->package.digest, f->running.digest, sizeof f->package.digest);
    hand_over(f);
    as_bootloader(f, 0);
    fixture_accept(f);
    assert_true(fixture_transfer(f, 0) < last_chunk(f));
    assert_given_back(f, TDM_REASON_ALREADY_RUNNING);
}

/* Recovery: power cuts in the bootloader's transfer, too, lead on from where the flash ends. */
static void without_an_image_a_transfer_that_was_cut_off_goes_on(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    f->options.image_bytes = 6000;
    fixture_build(f);
    as_bootloader(f, TDM_NO_BANK);
    f->ncp.knows_resume = true;
    fixture_accept(f);
    for (uint32_t at = 0; at < 5120; at += 512)
        assert_int_equal(fixture_write(f, at, 512), 1);
    as_bootloader(f, TDM_NO_BANK); /* a new start */
    f->ncp.knows_resume = true;
    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(f->ncp.resumes, 1);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(bank_holds_package(f));
    assert_int_equal(f->ram.violations, 0);
}

static void another_file_in_the_second_pass_is_checked_as_the_first_one_was(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    enter_bootloader(f);
    check_pass(f);
    f->options.seed++;
    fixture_build(f);
    check_pass(f);
    assert_untouched(f);
    write_pass(f);
    assert_true(bank_holds_package(f));
}

static void a_second_pass_that_is_refused_needs_no_third(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    enter_bootloader(f);
    f->ncp.start_refusals = 2;
    check_pass(f);
    write_pass(f);
    assert_true(bank_holds_package(f));
}

static void an_offer_that_never_comes_ends_in_the_image_that_is_there(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    hand_over(f);
    as_bootloader(f, 0);
    fixture_bring_up(f);
    fixture_run(f, 119000);
    assert_int_equal(f->resets, 0);
    fixture_run(f, 2000);
    assert_int_equal(f->resets, 1);
    assert_int_equal(record_of(f).state, TDM_BOOT_IDLE);
    assert_untouched(f);
}

static void a_cancel_ends_in_the_image_that_is_there(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    enter_bootloader(f);
    assert_int_equal(fixture_write(f, 0, f->ncp.chunk), 1);
    assert_int_equal(fixture_cancel(f), 0xEE); /* a status without results */
    fixture_run(f, 300);
    assert_int_equal(f->resets, 1);
    assert_int_equal(record_of(f).last_reason, TDM_REASON_CANCELLED);
    assert_untouched(f);
}

/* --- The bootloader, with nothing to lose --- */

static void without_an_image_it_writes_in_the_first_pass(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    ram_flash_blank(&f->ram, &f->layout.bank[0]);
    as_bootloader(f, TDM_NO_BANK);
    fixture_accept(f);
    write_pass(f);
    assert_true(bank_holds_package(f));
    assert_int_equal(record_of(f).state, TDM_BOOT_PENDING);
}

static void with_two_banks_and_no_image_it_recovers_the_first(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    f->layout.bank[1].bytes = BANK_BYTES;
    ram_flash_garble(&f->ram, &f->layout.bank[0], 1);
    ram_flash_garble(&f->ram, &f->layout.bank[1], 2);
    as_bootloader(f, TDM_NO_BANK);
    fixture_accept(f);
    write_pass(f);
    assert_true(bank_holds_package(f));
    assert_int_equal(record_of(f).target, 0);
}

static void after_a_failure_it_stays_and_takes_the_next_offer(void **state)
{
    struct fixture *f = &fixture;
    uint8_t reason;

    (void)state;
    start_in(f, 8, false);
    ram_flash_blank(&f->ram, &f->layout.bank[0]);
    as_bootloader(f, TDM_NO_BANK);
    fixture_accept(f);
    f->package.bytes[f->package.length - 1] ^= 1;
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    fixture_build(f); /* the digest of what was sent is not asked for: the bank's own decides */
    f->ncp.digests = -1;
    assert_int_equal(fixture_finish(f), 0);
    assert_int_equal(f->resets, 0);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_DIGEST);
    assert_int_equal(record_of(f).active, TDM_NO_BANK);

    f->ncp.digests = 1;
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    write_pass(f);
    assert_true(bank_holds_package(f));
}

static void it_checks_in_again_after_pauses_that_grow(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    ram_flash_blank(&f->ram, &f->layout.bank[0]);
    as_bootloader(f, TDM_NO_BANK);
    fixture_bring_up(f);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0301), 1);
    fixture_run(f, 32000);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0301), 2);
    fixture_run(f, 50000);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0301), 2);
    fixture_run(f, 15000);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0301), 3);
    assert_int_equal(f->resets, 0);
}

static void it_answers_ping_and_has_uid_while_it_waits(void **state)
{
    struct fixture *f = &fixture;
    const uint8_t uid[] = {0x41, 0x04};

    (void)state;
    start_in(f, 8, false);
    as_bootloader(f, TDM_NO_BANK);
    fixture_bring_up(f);
    assert_int_equal(fixture_call(f, 0x0181, NULL, 0, 100), 0xEE); /* a status without results */
    assert_int_equal(fixture_call(f, 0x0183, uid, sizeof uid, 100), 1);
}

/* --- Power cuts --- */

static void nothing_to_do(void *ctx)
{
    (void)ctx;
}

static int any_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                     uint32_t address)
{
    (void)ctx;
    (void)flash;
    (void)bank;
    (void)address;
    return TDM_OK;
}

static struct tdm_boot_choice choose(struct fixture *f)
{
    const struct tdm_boot_config config = {
        .flash = &f->ram.flash,
        .layout = &f->layout,
        .trust = f->config.trust,
        .attempts = 3,
        .soft_limit = 2,
        .check_image = any_image,
        .arm_watchdog = nothing_to_do,
        .feed_watchdog = nothing_to_do,
    };
    struct tdm_boot_choice choice;

    tdm_boot_choose(&choice, &config, TDM_RESET_POWER, f->work.front);
    return choice;
}

static void fetch(struct fixture *f, uint8_t intact_bank)
{
    as_bootloader(f, intact_bank);
    fixture_accept(f);
    if (intact_bank != TDM_NO_BANK)
        check_pass(f);
    write_pass(f);
}

static void confirm(struct fixture *f)
{
    as_application(f);
    fixture_bring_up(f);
    fixture_run(f, 200);
    assert_false(tdm_mcu_on_trial(&f->mcu));
}

/* One start: the bootloader chooses, and either fetches, or runs the old or the new image. True once the new
 * one is confirmed. */
static bool live_once(struct fixture *f)
{
    struct tdm_boot_choice choice = choose(f);
    bool runs = choice.action == TDM_BOOT_RUN;

    if (!runs || record_of(f).state == TDM_BOOT_FETCH) {
        fetch(f, runs ? choice.bank : TDM_NO_BANK);
        return false;
    }
    assert_int_equal(choice.bank, 0);
    if (bank_holds_package(f)) {
        confirm(f);
        return true;
    }
    assert_memory_equal(ram_flash_at(&f->ram, BANK_A), before, BANK_BYTES - ERASE_BYTES);
    as_application(f);
    hand_over(f);
    return false;
}

static void live(struct fixture *f)
{
    unsigned starts = 0;

    while (!live_once(f))
        assert_true(++starts < 6);
}

/* Cuts the power at operation n. False once the new image is confirmed before operation n. */
static bool survive_cut(struct fixture *f, uint32_t n, enum ram_flash_cut cut)
{
    volatile bool was_cut = false;

    ram_flash_cut(&f->ram, n, cut, n * 7 + cut);
    if (setjmp(f->ram.power) == 0)
        live(f);
    else
        was_cut = true;
    f->ram.armed = false;
    if (!was_cut)
        return false;
    live(f);
    assert_true(bank_holds_package(f));
    assert_int_equal(record_of(f).active, 0);
    assert_int_equal(record_of(f).state, TDM_BOOT_IDLE);
    assert_int_equal(f->ram.violations, 0);
    return true;
}

static void survive_all_cuts(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    for (int cut = RAM_FLASH_BEFORE; cut < RAM_FLASH_CUTS; cut++) {
        uint32_t n = 0;

        do
            start_in(f, program_bytes, program_once);
        while (survive_cut(f, n++, (enum ram_flash_cut)cut));
        assert_true(n > 20);
    }
}

static void a_power_cut_at_any_operation_ends_in_the_new_image(void **state)
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
        cmocka_unit_test(the_application_hands_over_once_the_co_processor_has_the_file),
        cmocka_unit_test(a_file_that_the_co_processor_cannot_get_is_no_reason_to_leave),
        cmocka_unit_test(a_file_too_large_for_the_bank_is_refused_at_the_offer),
        cmocka_unit_test(the_bootloader_streams_the_file_once_before_it_erases),
        cmocka_unit_test(a_wrong_signature_is_reported_and_the_image_starts_again),
        cmocka_unit_test(damage_in_the_last_byte_is_found_before_anything_is_erased),
        cmocka_unit_test(a_damaged_relocation_table_is_found_before_anything_is_erased),
        cmocka_unit_test(firmware_for_other_hardware_is_refused_by_its_header),
        cmocka_unit_test(firmware_below_the_counter_floor_is_refused_by_its_header),
        cmocka_unit_test(the_image_that_is_there_is_refused_by_its_header),
        cmocka_unit_test(without_an_image_a_transfer_that_was_cut_off_goes_on),
        cmocka_unit_test(another_file_in_the_second_pass_is_checked_as_the_first_one_was),
        cmocka_unit_test(a_second_pass_that_is_refused_needs_no_third),
        cmocka_unit_test(an_offer_that_never_comes_ends_in_the_image_that_is_there),
        cmocka_unit_test(a_cancel_ends_in_the_image_that_is_there),
        cmocka_unit_test(without_an_image_it_writes_in_the_first_pass),
        cmocka_unit_test(with_two_banks_and_no_image_it_recovers_the_first),
        cmocka_unit_test(after_a_failure_it_stays_and_takes_the_next_offer),
        cmocka_unit_test(it_checks_in_again_after_pauses_that_grow),
        cmocka_unit_test(it_answers_ping_and_has_uid_while_it_waits),
        cmocka_unit_test(a_power_cut_at_any_operation_ends_in_the_new_image),
        cmocka_unit_test(so_does_flash_that_programs_a_unit_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
