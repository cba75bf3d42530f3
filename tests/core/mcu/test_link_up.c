#include "tests/core/mcu/fixture.h"

#include <string.h>

#include "tandem/decode.h"
#include "tandem/hand_over.h"

static struct fixture fixture;

static int setup(void **state)
{
    fixture_init(&fixture, 8, false);
    *state = &fixture;
    return 0;
}

/* The n-th call that was logged, without pings. */
static const struct ncp_stub_call *call_at(const struct fixture *f, size_t n)
{
    for (size_t i = 0; i < f->ncp.logged; i++)
        if (f->ncp.log[i].uid != 0x0101 && n-- == 0)
            return &f->ncp.log[i];
    fail_msg("fewer calls than expected");
    return NULL;
}

static void bring_up_says_who_it_is_in_the_order_of_the_specification(void **state)
{
    static const uint16_t order[] = {0x0201, 0x0304, 0x0301, 0x0103};
    struct fixture *f = *state;

    fixture_bring_up(f);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        assert_int_equal(call_at(f, i)->uid, order[i]);
    assert_memory_equal(ncp_stub_last(&f->ncp, 0x0304)->args, "product\0001.0.0\0build 0\0000.1.0", 28);
    assert_memory_equal(ncp_stub_last(&f->ncp, 0x0301)->args, "TMPL12345\0Product", 18);
    assert_int_equal(f->baud, 460800);
    assert_int_equal(f->ncp.baud, 460800);
    assert_int_equal(f->events[TDM_MCU_LINK_UP], 1);
}

static void the_first_report_tells_who_runs(void **state)
{
    struct fixture *f = *state;
    const struct ncp_stub_call *report;

    fixture_bring_up(f);
    report = ncp_stub_last(&f->ncp, 0x5401);
    assert_non_null(report);
    assert_int_equal(report->args[0], 1); /* started */
    assert_int_equal(report->args[1], 1); /* confirmed */
    assert_int_equal(report->args[2], 0);
    assert_int_equal(report->args[3], 32);
    assert_memory_equal(report->args + 5, f->running.digest, 32);
    assert_int_equal(report->args[37], 0); /* about: nothing */
    assert_string_equal((const char *)report->args + 39, "board-7");
    assert_int_equal(report->args[47], 2); /* counter floor */
    assert_int_equal(report->bytes, 51);
}

static void why_it_started_is_told_before_the_first_report(void **state)
{
    struct fixture *f = *state;
    const struct ncp_stub_call *start;

    f->ncp.knows_start = true;
    f->config.reset_cause = TDM_RESET_WATCHDOG;
    f->config.boots = 0x01020304;
    fixture_bring_up(f);
    start = ncp_stub_last(&f->ncp, 0x5403);
    assert_non_null(start);
    assert_memory_equal(start->args, "\2\4\3\2\1", 5);
    assert_int_equal(start->bytes, 5);
    assert_int_equal(start[1].uid, 0x5401);
    assert_int_equal(start[1].args[0], 1);
}

static void what_it_decodes_is_told_before_the_first_report(void **state)
{
    static struct tdm_mcu_decoding decoding;
    struct fixture *f = *state;
    const struct ncp_stub_call *told;

    f->ncp.knows_decodes = true;
    f->config.decoder = &tdm_mcu_decodes;
    f->config.decoding = &decoding;
    fixture_bring_up(f);
    told = ncp_stub_last(&f->ncp, 0x5405);
    assert_non_null(told);
    assert_memory_equal(told->args, "\3", 1);
    assert_int_equal(told->bytes, 1);
    assert_int_equal(told[1].uid, 0x5401);
}

static void a_client_that_decodes_nothing_says_nothing(void **state)
{
    struct fixture *f = *state;

    f->ncp.knows_decodes = true;
    fixture_bring_up(f);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5405), 0);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5401), 1);
}

static void with_one_bank_it_tells_what_the_bootloader_decodes(void **state)
{
    static struct tdm_mcu_decoding decoding;
    struct fixture *f = *state;

    f->ncp.knows_decodes = true;
    f->config.role = &tdm_mcu_hands_over;
    f->config.decoder = &tdm_mcu_decodes; /* its own, which installs nothing here */
    f->config.decoding = &decoding;
    f->config.role_decodes = TDM_DECODES_COMPRESSED;
    fixture_bring_up(f);
    assert_memory_equal(ncp_stub_last(&f->ncp, 0x5405)->args, "\1", 1);
}

static const struct ncp_stub_call *first_report_after(struct fixture *f, uint8_t reason)
{
    struct tdm_record_log log;
    struct tdm_record record;

    fixture_init(f, 8, false);
    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    record = log.record;
    record.last_reason = reason;
    memset(record.rejected_digest, 0xAB, sizeof record.rejected_digest);
    assert_int_equal(tdm_record_append(&log, &record), TDM_OK);
    fixture_bring_up(f);
    return ncp_stub_last(&f->ncp, 0x5401);
}

static void after_a_rejection_the_first_report_tells_which_image_and_why(void **state)
{
    for (uint8_t reason = TDM_REASON_SELF_TEST; reason <= TDM_REASON_FAULT; reason++) {
        const struct ncp_stub_call *report = first_report_after(*state, reason);

        assert_int_equal(report->args[2], reason);
        assert_int_equal(report->args[37], 12);
        assert_memory_equal(report->args + 39, "\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB", 12);
    }
}

static void one_that_blames_no_image_names_none(void **state)
{
    const struct ncp_stub_call *report = first_report_after(*state, TDM_REASON_NO_LINK);

    assert_int_equal(report->args[2], TDM_REASON_NO_LINK);
    assert_int_equal(report->args[37], 0);
}

static void a_transfer_that_failed_is_no_rollback_to_the_first_report(void **state)
{
    struct fixture *f = *state;
    struct tdm_record_log log;
    struct tdm_record record;

    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    record = log.record;
    record.last_reason = TDM_REASON_SILENCE;
    assert_int_equal(tdm_record_append(&log, &record), TDM_OK);
    fixture_bring_up(f);
    assert_int_equal(ncp_stub_last(&f->ncp, 0x5401)->args[2], TDM_REASON_NONE);
}

static void a_co_processor_that_listens_at_any_of_the_rates_is_found(void **state)
{
    static const uint32_t rates[] = {38400, 115200, 460800};
    struct fixture *f = *state;

    for (size_t i = 0; i < 3; i++) {
        fixture_init(f, 8, false);
        f->ncp.baud = rates[i];
        fixture_start(f);
        fixture_run(f, 800);
        assert_true(tdm_mcu_is_up(&f->mcu));
        assert_int_equal(f->baud, 460800);
    }
}

static void a_co_processor_that_comes_late_is_found(void **state)
{
    struct fixture *f = *state;

    f->ncp.silent = true;
    fixture_start(f);
    fixture_run(f, 20000);
    assert_false(tdm_mcu_is_up(&f->mcu));
    assert_true(f->ncp_resets > 0);
    f->ncp.silent = false;
    fixture_run(f, 4000);
    assert_true(tdm_mcu_is_up(&f->mcu));
}

static void a_refused_rate_leaves_the_link_at_the_rate_that_works(void **state)
{
    struct fixture *f = *state;

    f->ncp.raise_to_max = 115200;
    fixture_bring_up(f);
    assert_int_equal(f->baud, 38400);
}

static void a_co_processor_that_does_not_answer_about_the_rate_keeps_the_one_it_has(void **state)
{
    static const uint32_t rates[] = {38400, 115200};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        fixture_init(f, 8, false);
        f->ncp.baud = rates[i];
        f->ncp.ignores_raise = true;
        fixture_start(f);
        fixture_run(f, 2500);
        assert_true(tdm_mcu_is_up(&f->mcu));
        assert_int_equal(f->baud, rates[i]);
        assert_int_equal(ncp_stub_count(&f->ncp, 0x0201), 1);
    }
}

static void a_rate_that_the_line_does_not_carry_is_given_up(void **state)
{
    struct fixture *f = *state;

    f->ncp.deaf_when_raised = true;
    fixture_start(f);
    fixture_run(f, 2000);
    assert_false(tdm_mcu_is_up(&f->mcu));
    f->ncp.baud = 38400; /* it fell back after its 25 s of silence */
    f->ncp.deaf_when_raised = false;
    fixture_run(f, 3000);
    assert_true(tdm_mcu_is_up(&f->mcu));
}

static void a_sign_of_life_goes_out_at_least_every_fifteen_seconds(void **state)
{
    struct fixture *f = *state;
    size_t before;

    fixture_bring_up(f);
    for (int i = 0; i < 20; i++) {
        before = f->ncp.logged;
        fixture_run(f, 15000);
        assert_true(f->ncp.logged > before);
    }
    assert_int_equal(f->events[TDM_MCU_LINK_DOWN], 0);
}

static void three_time_outs_bring_the_link_back_to_the_default_rate(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    f->ncp.silent = true;
    fixture_run(f, 13500);
    assert_false(tdm_mcu_is_up(&f->mcu));
    assert_int_equal(f->events[TDM_MCU_LINK_DOWN], 1);
    f->ncp.silent = false;
    f->ncp.baud = 38400;
    fixture_run(f, 4000);
    assert_true(tdm_mcu_is_up(&f->mcu));
    assert_int_equal(f->events[TDM_MCU_LINK_UP], 2);
}

static uint32_t ms_to_the_next_reset(struct fixture *f)
{
    uint32_t resets = f->ncp_resets;
    uint32_t ms = 0;

    while (f->ncp_resets == resets && ms++ < 60000)
        fixture_run(f, 1);
    return ms;
}

/* The rounds over all rates before its reset line is pulled are as many each time. */
static void a_lost_co_processor_has_as_much_time_to_answer_as_one_that_starts(void **state)
{
    struct fixture *f = *state;
    uint32_t ms;

    f->ncp.silent = true;
    fixture_start(f);
    ms = ms_to_the_next_reset(f);
    assert_in_range(ms_to_the_next_reset(f), ms + 1000, ms + 2000); /* a pause goes first */
    f->ncp.silent = false;
    fixture_run(f, 4000);
    assert_true(tdm_mcu_is_up(&f->mcu));
    f->ncp.silent = true;
    while (tdm_mcu_is_up(&f->mcu))
        fixture_run(f, 1);
    assert_in_range(ms_to_the_next_reset(f), ms - 10, ms + 10);
}

/* All of the rounds, after the time that a start takes; also where it is being looked for. */
static void an_announced_restart_is_waited_for_as_long_as_any(void **state)
{
    static const uint8_t rebooting = 1;
    struct fixture *f = *state;
    uint32_t ms;

    f->ncp.silent = true;
    fixture_start(f);
    ms = ms_to_the_next_reset(f);
    fixture_run(f, ms - 500);
    while (f->baud != f->ncp.baud) /* where it is heard */
        fixture_run(f, 1);
    ncp_stub_oneway(&f->ncp, 0x0421, &rebooting, 1);
    assert_in_range(ms_to_the_next_reset(f), ms + 490, ms + 510);
}

static void a_state_that_is_not_told_does_not_lose_the_link(void **state)
{
    struct fixture *f = *state;

    f->ncp.state_after_initialize = 0;
    fixture_bring_up(f);
    fixture_run(f, 45000);
    assert_int_equal(f->events[TDM_MCU_LINK_DOWN], 0);
    assert_true(ncp_stub_count(&f->ncp, 0x0306) >= 3);
}

static void state_10_is_answered_by_initializing_anew(void **state)
{
    static const uint8_t not_initialized = 10;
    struct fixture *f = *state;

    fixture_bring_up(f);
    ncp_stub_oneway(&f->ncp, 0x0411, &not_initialized, 1);
    fixture_run(f, 1000);
    assert_true(tdm_mcu_is_up(&f->mcu));
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0301), 2);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0304), 2);
    f->ncp.state = 10; /* and when it is only found out by asking */
    fixture_run(f, 12000);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0301), 3);
}

static void write_pin_for(struct fixture *f, uint32_t seconds)
{
    static struct tdm_mcu_pin pin;

    pin = (struct tdm_mcu_pin){.vpin = 0};
    for (uint32_t i = 0; i < seconds; i++) {
        if (tdm_mcu_is_up(&f->mcu))
            assert_int_equal(tdm_mcu_virtual_write(&f->mcu, &pin, 3, "21.5", f->now_ms), TDM_OK);
        fixture_run(f, 1000);
    }
}

/* Its writes get no answer: without a question of its own it would never learn of the restart. */
static void an_application_that_writes_all_the_time_finds_a_restarted_co_processor(void **state)
{
    struct fixture *f = *state;
    size_t asked;

    fixture_bring_up(f);
    asked = ncp_stub_count(&f->ncp, 0x0306);
    write_pin_for(f, 300);
    assert_in_range(ncp_stub_count(&f->ncp, 0x0306) - asked, 7, 10);
    f->ncp.state = 10;
    write_pin_for(f, 45);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0301), 2);
    f->ncp.silent = true;
    f->ncp.baud = 38400;
    write_pin_for(f, 45);
    assert_int_equal(f->events[TDM_MCU_LINK_DOWN], 2);
}

static void an_announced_restart_begins_from_the_first_ping(void **state)
{
    static const uint8_t rebooting = 1;
    struct fixture *f = *state;

    fixture_bring_up(f);
    ncp_stub_oneway(&f->ncp, 0x0421, &rebooting, 1);
    fixture_run(f, 10);
    assert_false(tdm_mcu_is_up(&f->mcu));
    assert_int_equal(f->baud, 38400);
    f->ncp.baud = 38400;
    fixture_run(f, 2000);
    assert_true(tdm_mcu_is_up(&f->mcu));
}

static void a_refused_initialize_is_tried_again(void **state)
{
    struct fixture *f = *state;
    size_t pings;

    f->ncp.initialize_answer = false;
    fixture_start(f);
    fixture_run(f, 4000);
    pings = ncp_stub_count(&f->ncp, 0x0101);
    fixture_run(f, 8000);
    assert_false(tdm_mcu_is_up(&f->mcu));
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0101), pings); /* the rate is not looked for again ... */
    assert_in_range(ncp_stub_count(&f->ncp, 0x0301), 2, 4);
    fixture_run(f, 25000);
    assert_true(ncp_stub_count(&f->ncp, 0x0101) > pings); /* ... but in the end */
    f->ncp.initialize_answer = true;
    fixture_run(f, 6000);
    assert_true(tdm_mcu_is_up(&f->mcu));
}

static void a_report_that_gets_no_answer_is_sent_again_but_not_for_ever(void **state)
{
    struct fixture *f = *state;

    f->ncp.report_losses = 1;
    fixture_bring_up(f);
    fixture_run(f, 3000);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5401), 2);

    fixture_init(f, 8, false);
    f->ncp.report_losses = 100;
    fixture_bring_up(f);
    fixture_run(f, 30000);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5401), 3);
    assert_true(tdm_mcu_is_up(&f->mcu));
}

/* --- What the client serves --- */

static int has_uid(struct fixture *f, uint16_t uid)
{
    uint8_t args[2] = {(uint8_t)uid, (uint8_t)(uid >> 8)};

    return fixture_call(f, 0x0183, args, sizeof args, 1000);
}

static void it_says_truthfully_what_it_serves(void **state)
{
    static const uint16_t served[] = {0x0181, 0x0182, 0x0183, 0x0411, 0x0412,
                                      0x0421, 0x0441, 0x0442, 0x0443, 0x0444};
    struct fixture *f = *state;

    fixture_bring_up(f);
    for (size_t i = 0; i < sizeof served / sizeof served[0]; i++)
        assert_int_equal(has_uid(f, served[i]), 1);
    assert_int_equal(has_uid(f, 0x5481), 0);
    assert_int_equal(has_uid(f, 0x0101), 0);
    assert_int_equal(fixture_call(f, 0x5481, NULL, 0, 1000), -0x13);
}

static void arguments_that_do_not_fit_are_answered_with_an_error(void **state)
{
    static const uint16_t uids[] = {0x0181, 0x0182, 0x0183, 0x0441, 0x0442, 0x0443, 0x0444};
    static const uint8_t rubbish[5] = {1, 2, 3, 4, 5};
    struct fixture *f = *state;

    fixture_bring_up(f);
    for (size_t i = 0; i < sizeof uids / sizeof uids[0]; i++)
        assert_int_equal(fixture_call(f, uids[i], rubbish, sizeof rubbish, 1000), -0x15);
    assert_int_equal(f->resets, 0);
}

static void a_reboot_is_answered_before_it_happens(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    assert_int_equal(fixture_call(f, 0x0182, NULL, 0, 1000), 1);
    fixture_run(f, 150);
    assert_int_equal(f->resets, 1);
    assert_int_equal(f->reset_cause, TDM_RESET_SOFT);
}

static void the_application_hears_of_pins_states_and_events(void **state)
{
    static const uint8_t pin[] = {7, 0, 2, 0, '4', '2'};
    static const uint8_t connecting = 4, click = 10;
    struct fixture *f = *state;

    fixture_bring_up(f);
    ncp_stub_oneway(&f->ncp, 0x0412, pin, sizeof pin);
    ncp_stub_oneway(&f->ncp, 0x0411, &connecting, 1);
    ncp_stub_oneway(&f->ncp, 0x0421, &click, 1);
    ncp_stub_oneway(&f->ncp, 0x0412, pin, 3); /* cut short */
    fixture_run(f, 10);
    assert_int_equal(f->events[TDM_MCU_VPIN], 1);
    assert_int_equal(f->events[TDM_MCU_NCP_EVENT], 1);
    assert_int_equal(f->mcu.link.ncp_state, 4);
}

static void a_virtual_pin_is_written_as_text(void **state)
{
    struct tdm_mcu_pin pin = {.vpin = 0};
    struct fixture *f = *state;

    fixture_start(f);
    assert_int_equal(tdm_mcu_virtual_write(&f->mcu, &pin, 3, "21.5", 0), TDM_E_STATE);
    fixture_bring_up(f);
    assert_int_equal(tdm_mcu_virtual_write(&f->mcu, &pin, 3, "21.5", f->now_ms), TDM_OK);
    assert_int_equal(tdm_mcu_virtual_write(&f->mcu, &pin, 4, "22", f->now_ms), TDM_E_BUSY);
    fixture_run(f, 5);
    assert_memory_equal(ncp_stub_last(&f->ncp, 0x0311)->args, "\3\0\4\00021.5", 8);
}

static void without_a_boot_record_the_link_works_and_offers_are_refused(void **state)
{
    struct fixture *f = *state;

    ram_flash_blank(&f->ram, &f->layout.record[0]);
    ram_flash_blank(&f->ram, &f->layout.record[1]);
    fixture_bring_up(f);
    assert_int_equal(fixture_offer(f, "", ""), 0);
    assert_int_equal(f->ended_reason, TDM_REASON_NOT_CONFIRMED);
}

static void a_configuration_with_something_missing_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct tdm_mcu_config good = f->config;

#define ASSERT_REFUSED_WITHOUT(change)                                                                       \
    f->config = good;                                                                                        \
    f->config.change;                                                                                        \
    assert_int_equal(tdm_mcu_check(&f->config), TDM_E_ARGUMENT)

    ASSERT_REFUSED_WITHOUT(type = NULL);
    ASSERT_REFUSED_WITHOUT(template_id = NULL);
    ASSERT_REFUSED_WITHOUT(ops = NULL);
    ASSERT_REFUSED_WITHOUT(flash = NULL);
    ASSERT_REFUSED_WITHOUT(running_bank = TDM_NO_BANK);
    ASSERT_REFUSED_WITHOUT(trust.verify = NULL);
    ASSERT_REFUSED_WITHOUT(attempts = 0);
    ASSERT_REFUSED_WITHOUT(chunk_bytes = 63);
    ASSERT_REFUSED_WITHOUT(chunk_bytes = 513);
    ASSERT_REFUSED_WITHOUT(work = NULL);
    ASSERT_REFUSED_WITHOUT(self_tests = &(const struct tdm_self_tests){.count = 1});
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bring_up_says_who_it_is_in_the_order_of_the_specification),
        TEST(the_first_report_tells_who_runs),
        TEST(why_it_started_is_told_before_the_first_report),
        TEST(what_it_decodes_is_told_before_the_first_report),
        TEST(a_client_that_decodes_nothing_says_nothing),
        TEST(with_one_bank_it_tells_what_the_bootloader_decodes),
        TEST(after_a_rejection_the_first_report_tells_which_image_and_why),
        TEST(one_that_blames_no_image_names_none),
        TEST(a_transfer_that_failed_is_no_rollback_to_the_first_report),
        TEST(a_co_processor_that_listens_at_any_of_the_rates_is_found),
        TEST(a_co_processor_that_comes_late_is_found),
        TEST(a_refused_rate_leaves_the_link_at_the_rate_that_works),
        TEST(a_co_processor_that_does_not_answer_about_the_rate_keeps_the_one_it_has),
        TEST(a_rate_that_the_line_does_not_carry_is_given_up),
        TEST(a_sign_of_life_goes_out_at_least_every_fifteen_seconds),
        TEST(three_time_outs_bring_the_link_back_to_the_default_rate),
        TEST(a_lost_co_processor_has_as_much_time_to_answer_as_one_that_starts),
        TEST(an_announced_restart_is_waited_for_as_long_as_any),
        TEST(a_state_that_is_not_told_does_not_lose_the_link),
        TEST(state_10_is_answered_by_initializing_anew),
        TEST(an_application_that_writes_all_the_time_finds_a_restarted_co_processor),
        TEST(an_announced_restart_begins_from_the_first_ping),
        TEST(a_refused_initialize_is_tried_again),
        TEST(a_report_that_gets_no_answer_is_sent_again_but_not_for_ever),
        TEST(it_says_truthfully_what_it_serves),
        TEST(arguments_that_do_not_fit_are_answered_with_an_error),
        TEST(a_reboot_is_answered_before_it_happens),
        TEST(the_application_hears_of_pins_states_and_events),
        TEST(a_virtual_pin_is_written_as_text),
        TEST(without_a_boot_record_the_link_works_and_offers_are_refused),
        TEST(a_configuration_with_something_missing_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
