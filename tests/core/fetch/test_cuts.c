/* The power is cut at each operation of the flash, from the old image to the new one on trial. */
#include "bench.h"

static void nothing_to_do(void *ctx)
{
    (void)ctx;
}

static struct tdm_boot_choice choose(struct fixture *f)
{
    const struct tdm_boot_config config = {
        .flash = &f->ram.flash,
        .layout = &f->layout,
        .trust = f->config.trust,
        .attempts = 3,
        .soft_limit = 2,
        .check_image = bench_any_image,
        .arm_watchdog = nothing_to_do,
        .feed_watchdog = nothing_to_do,
    };
    struct tdm_boot_choice choice;

    tdm_boot_choose(&choice, &config, TDM_RESET_POWER, bench.front);
    return choice;
}

/* Start after start, until the new image is on trial. */
static void live(struct fixture *f)
{
    for (unsigned starts = 0; starts < 6; starts++) {
        struct tdm_boot_choice choice = choose(f);

        if (choice.action == TDM_BOOT_RUN && choice.trial && bench_holds_package(f))
            return;
        if (choice.action == TDM_BOOT_RUN && bench_record(f).state != TDM_BOOT_FETCH) {
            bench_assert_untouched_but(f, ERASE_BYTES);
            bench_hand_over(f);
            continue;
        }
        bench.offers = 1;
        assert_true(bench_runs_for(f, 2 * LONG_MS, &choice));
    }
    fail_msg("no image after six starts");
}

/* Cuts the power at operation n. False once the new image is on trial before operation n. */
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
    assert_int_equal(bench_record(f).state, TDM_BOOT_TRIAL);
    assert_int_equal(f->ram.violations, 0);
    return true;
}

static void survive_all_cuts(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    for (int cut = RAM_FLASH_BEFORE; cut < RAM_FLASH_CUTS; cut++) {
        uint32_t n = 0;
        bool was_cut;

        do {
            bench_start_in(f, program_bytes, program_once);
            bench_hand_over(f);
            was_cut = survive_cut(f, n, (enum ram_flash_cut)cut);
            n += CUT_STRIDE;
        } while (was_cut);
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
        cmocka_unit_test(a_power_cut_at_any_operation_ends_in_the_new_image),
        cmocka_unit_test(so_does_flash_that_programs_a_unit_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
