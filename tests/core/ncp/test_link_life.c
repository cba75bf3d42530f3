/* core/ncp/link_life.c and serve.c: initialising, rates, silence, and the calls that are served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    return 0;
}

static void call_u16(uint16_t uid, uint16_t value)
{
    uint8_t args[2] = {(uint8_t)value, (uint8_t)(value >> 8)};

    stub_invoke(&world, uid, args, 2);
}

static void set_baud(uint32_t baud)
{
    uint8_t args[4] = {(uint8_t)baud, (uint8_t)(baud >> 8), (uint8_t)(baud >> 16), (uint8_t)(baud >> 24)};

    stub_invoke(&world, 0x0201, args, 4);
}

static uint8_t get_state(void)
{
    stub_invoke(&world, 0x0306, "", 0);
    assert_int_equal(world.mcu.result[0], 0);
    return world.mcu.result[1];
}

static void starts_at_the_initial_rate_in_state_10_and_off_line(void **state)
{
    (void)state;
    assert_int_equal(world.baud, 38400);
    assert_int_equal(get_state(), 10);
    world_run(&world, 120000);
    assert_int_equal(world.onlines, 0);
    assert_int_equal(stub_count(&world, 0x0181), 0);
}

static void goes_on_line_with_what_the_mcu_said(void **state)
{
    (void)state;
    stub_initialize(&world, "1.0.0");
    assert_true(world.online);
    assert_string_equal(world.ncp.device.template_name, "QPower");
    assert_string_equal(world.ncp.device.firmware.type, "demo");
    assert_string_equal(world.ncp.device.firmware.version, "1.0.0");
    assert_string_equal(world.ncp.device.firmware.build, "Nov 16 2023");
    assert_string_equal(world.ncp.device.firmware.library, "1.3.2");
}

static void refuses_an_empty_or_endless_template(void **state)
{
    char args[200];

    (void)state;
    stub_invoke(&world, 0x0301, "\0QPower", 8);
    assert_memory_equal(world.mcu.result, "\0\0", 2);
    memset(args, 'T', sizeof args);
    args[100] = args[101] = '\0';
    stub_invoke(&world, 0x0301, args, 102);
    assert_memory_equal(world.mcu.result, "\0\0", 2);
    assert_int_equal(world.onlines, 0);
    assert_int_equal(get_state(), 10);
}

/* Type, version, build and library. */
static void refuses_an_endless_text_in_the_firmware_info(void **state)
{
    (void)state;
    for (int endless = 0; endless < 4; endless++) {
        char args[200] = {0};
        int bytes = 0;

        for (int text = 0; text < 4; text++) {
            int length = text == endless ? 100 : 5;

            memset(args + bytes, 'a', (size_t)length);
            bytes += length + 1;
        }
        stub_invoke(&world, 0x0304, args, bytes);
        assert_memory_equal(world.mcu.result, "\0\0", 2);
    }
}

static void tells_the_mcu_each_change_of_state(void **state)
{
    (void)state;
    tdm_ncp_cloud_state(&world.ncp, TDM_STATE_CONNECTING_CLOUD);
    stub_initialize(&world, "1.0.0");
    world_run(&world, 50);
    tdm_ncp_cloud_state(&world.ncp, TDM_STATE_CONNECTED);
    world_run(&world, 50);
    assert_int_equal(world.mcu.state_count, 2);
    assert_int_equal(world.mcu.states[0], 4);
    assert_int_equal(world.mcu.states[1], 5);
    assert_int_equal(get_state(), 5);
}

static void switches_the_rate_after_the_answer_is_out(void **state)
{
    (void)state;
    set_baud(2000000);
    assert_memory_equal(world.mcu.result, "\0\1", 2);
    world_run(&world, 5);
    assert_int_equal(world.baud, 2000000);
    assert_int_equal(world.bytes_at_switch, world.bytes_sent);
    assert_true(world.bytes_sent >= 9);
}

static void refuses_a_rate_that_the_uart_has_not(void **state)
{
    (void)state;
    set_baud(12345);
    assert_memory_equal(world.mcu.result, "\0\0", 2);
    world_run(&world, 50);
    assert_int_equal(world.baud, 38400);
}

static void pings_a_silent_mcu_and_stays_when_it_answers(void **state)
{
    (void)state;
    stub_initialize(&world, "1.0.0");
    world_run(&world, 24900);
    assert_int_equal(stub_count(&world, 0x0181), 0);
    assert_string_equal(tdm_ncp_link_slug(&world.ncp), "up");
    world_run(&world, 200);
    assert_int_equal(stub_count(&world, 0x0181), 1);
    world_run(&world, 120000);
    assert_true(world.online);
    assert_int_equal(world.offlines, 0);
}

static void gives_a_silent_mcu_up_after_five_pings_and_falls_back(void **state)
{
    struct tdm_ncp_counters counters;

    (void)state;
    stub_initialize(&world, "1.0.0");
    set_baud(115200);
    world.mcu.mute = true;
    world_run(&world, 49500);
    assert_true(world.online);
    assert_string_equal(tdm_ncp_link_slug(&world.ncp), "silent");
    world_run(&world, 1000);
    assert_false(world.online);
    assert_int_equal(world.baud, 38400);
    tdm_ncp_counters(&world.ncp, &counters);
    assert_int_equal(counters.lost, 1);
    assert_int_equal(counters.sessions, 1);
    assert_string_equal(tdm_ncp_link_slug(&world.ncp), "down");
    world.mcu.mute = false;
    assert_int_equal(get_state(), 10);
    stub_initialize(&world, "1.0.0");
    assert_true(world.online);
    assert_int_equal(world.onlines, 2);
}

static void leaves_a_raised_rate_that_nobody_uses(void **state)
{
    (void)state;
    set_baud(2000000);
    world.mcu.mute = true;
    world_run(&world, 52000);
    assert_int_equal(world.baud, 38400);
    assert_int_equal(world.offlines, 0);
}

static void noise_is_no_sign_of_life(void **state)
{
    (void)state;
    stub_initialize(&world, "1.0.0");
    world.mcu.mute = true;
    for (int i = 0; i < 52; i++) {
        tdm_ncp_receive(&world.ncp, (const uint8_t *)"\xAA\x55\x55\xBB garbage \xCC", 13, world.now_ms);
        world_run(&world, 1000);
    }
    assert_false(world.online);
}

/* After a restart of ours at the same rate, an MCU that only pings notices nothing. */
static void tells_an_mcu_that_speaks_without_initializing(void **state)
{
    (void)state;
    world_run(&world, 20000);
    assert_int_equal(world.mcu.state_count, 0);
    stub_invoke(&world, 0x0101, "", 0);
    world_run(&world, 4900);
    assert_int_equal(world.mcu.state_count, 0);
    world_run(&world, 200);
    assert_int_equal(world.mcu.state_count, 1);
    assert_int_equal(world.mcu.states[0], 10);
    world_run(&world, 20000);
    assert_int_equal(world.mcu.state_count, 1);
    stub_invoke(&world, 0x0101, "", 0);
    stub_initialize(&world, "1.0.0");
    world_run(&world, 20000);
    assert_int_equal(world.mcu.states[world.mcu.state_count - 1], 3);
    assert_int_equal(world.mcu.state_count, 2);
}

static void so_it_does_one_that_pings_all_the_time(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        stub_invoke(&world, 0x0101, "", 0);
        world_run(&world, 1000);
    }
    assert_int_equal(world.mcu.state_count, 1);
    assert_int_equal(world.mcu.states[0], 10);
}

static void reboots_when_asked_and_waits_for_initialize(void **state)
{
    (void)state;
    stub_initialize(&world, "1.0.0");
    set_baud(115200);
    stub_invoke(&world, 0x0102, "", 0);
    assert_memory_equal(world.mcu.result, "\0\1", 2);
    world_run(&world, 20);
    assert_false(world.online);
    assert_int_equal(world.baud, 38400);
    assert_int_equal(get_state(), 10);
    assert_int_equal(world.reboots, 1);
    stub_invoke(&world, 0x0102, "", 0);
    world_run(&world, 20);
    assert_int_equal(world.reboots, 2);
    assert_int_equal(world.offlines, 1);
    stub_initialize(&world, "1.0.0");
    world_run(&world, 100);
    assert_int_equal(stub_count(&world, 0x0182), 0);
}

static void reboots_the_mcu_when_the_network_side_asks(void **state)
{
    (void)state;
    stub_initialize(&world, "1.0.0");
    tdm_ncp_reboot_mcu(&world.ncp);
    world_run(&world, 50);
    assert_int_equal(stub_count(&world, 0x0182), 1);
}

/* --- Calls --- */

static void has_uid_says_what_is_served(void **state)
{
    (void)state;
    for (uint32_t uid = 0; uid < 0x6000; uid++) {
        bool has, known;

        if (uid == 0x0102 || (uid > 0x0400 && uid < 0x5400))
            continue; /* a reboot; ranges of nobody, for speed */
        call_u16(0x0103, (uint16_t)uid);
        assert_int_equal(world.mcu.result[0], 0);
        has = world.mcu.result[1] != 0;
        stub_invoke(&world, (uint16_t)uid, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
        known = world.mcu.result[0] != 0x13;
        assert_int_equal(has, known);
    }
    call_u16(0x0103, 0x5401);
    assert_int_equal(world.mcu.result[1], 1);
    call_u16(0x0103, 0x0441);
    assert_int_equal(world.mcu.result[1], 0);
}

static void answers_what_it_does_not_serve_with_status_13(void **state)
{
    (void)state;
    stub_invoke(&world, 0x0399, "", 0);
    assert_int_equal(world.mcu.result_bytes, 1);
    assert_int_equal(world.mcu.result[0], 0x13);
}

static void answers_wrong_arguments_with_status_15(void **state)
{
    (void)state;
    stub_invoke(&world, 0x0201, "\1\2", 2); /* short */
    assert_int_equal(world.mcu.result[0], 0x15);
    stub_invoke(&world, 0x0101, "x", 1); /* long */
    assert_int_equal(world.mcu.result[0], 0x15);
    stub_invoke(&world, 0x0301, "no end", 6);
    assert_int_equal(world.mcu.result[0], 0x15);
}

static void tells_its_version(void **state)
{
    (void)state;
    stub_invoke(&world, 0x0305, "", 0);
    assert_int_equal(world.mcu.result_bytes, 1 + 7 + 1);
    assert_memory_equal(world.mcu.result, "\0stub 1\0\1", 9);
}

/* --- Calls of the host --- */

static void the_host_goes_first(void **state)
{
    (void)state;
    world.host_serves = true;
    stub_invoke(&world, 0x0305, "", 0);
    assert_memory_equal(world.mcu.result, "\0host 2\0\1", 9);
    stub_invoke(&world, 0x0306, "", 0); /* which it leaves to core/ncp */
    assert_int_equal(world.host_uid, 0x0306);
    assert_memory_equal(world.mcu.result, "\0\12", 2);
}

static void has_uid_asks_the_host(void **state)
{
    (void)state;
    call_u16(0x0103, 0x033A);
    assert_int_equal(world.mcu.result[1], 0);
    world.host_serves = true;
    call_u16(0x0103, 0x033A);
    assert_int_equal(world.mcu.result[1], 1);
    call_u16(0x0103, 0x0353);
    assert_int_equal(world.mcu.result[1], 0);
}

static void the_host_sees_only_whole_arguments(void **state)
{
    (void)state;
    world.host_serves = true;
    stub_oneway(&world, 0x0311, "\7\0\3\0ab", 6); /* short by one */
    assert_int_equal(world.host_uid, 0);
    stub_oneway(&world, 0x0311, "\7\0\2\0abc", 7); /* long by one */
    assert_int_equal(world.host_uid, 0);
    stub_oneway(&world, 0x0311, "\7\1\2\0ab", 6);
    assert_int_equal(world.host_pin, 0x107);
}

static void the_host_may_answer_later(void **state)
{
    struct tdm_writer results;

    (void)state;
    world.host_serves = true;
    stub_invoke(&world, 0x033A, "", 0);
    assert_int_equal(world.mcu.result_bytes, -1);
    assert_int_equal(tdm_ncp_answer_open(&world.ncp, world.host_msg_id, &results), TDM_OK);
    tdm_put_u8(&results, 6);
    assert_int_equal(tdm_ncp_answer_commit(&world.ncp, &results), TDM_OK);
    world_run(&world, 20);
    assert_int_equal(world.mcu.result_bytes, 2);
    assert_memory_equal(world.mcu.result, "\0\6", 2);
}

/* --- What the MCU is told --- */

static void tells_events_in_order(void **state)
{
    (void)state;
    tdm_ncp_event(&world.ncp, TDM_EVENT_CLICK); /* nobody is there */
    stub_initialize(&world, "1.0.0");
    tdm_ncp_event(&world.ncp, TDM_EVENT_LONG_PRESS);
    tdm_ncp_event(&world.ncp, TDM_EVENT_LONG_RELEASE);
    world_run(&world, 50);
    assert_int_equal(world.mcu.event_count, 2);
    assert_memory_equal(world.mcu.events, "\14\15", 2);
}

static void keeps_the_newest_events_of_many(void **state)
{
    (void)state;
    stub_initialize(&world, "1.0.0");
    for (int i = 0; i < TDM_NCP_EVENTS + 3; i++)
        tdm_ncp_event(&world.ncp, (enum tdm_event)(100 + i));
    world_run(&world, 50);
    assert_int_equal(world.mcu.event_count, TDM_NCP_EVENTS);
    assert_int_equal(world.mcu.events[0], 103);
}

static void tells_a_pin_and_its_value(void **state)
{
    (void)state;
    assert_true(tdm_ncp_pin_changed(&world.ncp, 7, "x", 1, world.now_ms));
    world_run(&world, 50);
    assert_int_equal(world.mcu.pin_count, 0); /* not initialised */
    stub_initialize(&world, "1.0.0");
    assert_true(tdm_ncp_pin_changed(&world.ncp, 0x107, "a\0b", 3, world.now_ms));
    world_run(&world, 50);
    assert_int_equal(world.mcu.pin_bytes, 7);
    assert_memory_equal(world.mcu.pin, "\7\1\3\0a\0b", 7);
}

static void nothing_is_told_while_an_answer_is_awaited(void **state)
{
    (void)state;
    stub_initialize(&world, "1.0.0");
    world.mcu.answer_ms = 500;
    tdm_ncp_reboot_mcu(&world.ncp);
    world_run(&world, 50);
    tdm_ncp_event(&world.ncp, TDM_EVENT_CLICK);
    assert_false(tdm_ncp_pin_changed(&world.ncp, 7, "x", 1, world.now_ms));
    world_run(&world, 400); /* the stub fails the test at whatever comes now */
    assert_int_equal(world.mcu.event_count, 0);
    world_run(&world, 400);
    assert_int_equal(world.mcu.event_count, 1);
    assert_true(tdm_ncp_pin_changed(&world.ncp, 7, "x", 1, world.now_ms));
}

static void counts_what_goes_over_the_line(void **state)
{
    struct tdm_ncp_counters before, after;

    (void)state;
    stub_invoke(&world, 0x0101, "", 0);
    tdm_ncp_counters(&world.ncp, &before);
    assert_int_equal(before.frames_in, 1);
    assert_int_equal(before.frames_out, 1);
    assert_int_equal(before.bytes_out, 8); /* as the golden frame of the result of ping */
    tdm_ncp_receive(&world.ncp, (const uint8_t *)"\xaa\x01\x02\xbbxyz", 7, world.now_ms);
    tdm_ncp_counters(&world.ncp, &after);
    assert_int_equal(after.bad_crc, 1);
    assert_int_equal(after.noise, 3);
    assert_int_equal(after.bytes_in - before.bytes_in, 7);
    assert_int_equal(after.frames_in, 1);
}

static void takes_a_device_report(void **state)
{
    uint8_t args[3 + 2 + 32 + 2 + 12 + 5 + 4] = {1, 2, 32, 32, 0};

    (void)state;
    memset(args + 5, 0xA5, 32);
    args[37] = 12;
    memset(args + 39, 0x5A, 12);
    memcpy(args + 51, "mps2\0\x04\x03\x02\x01", 9);
    stub_invoke(&world, 0x5401, args, sizeof args);
    assert_memory_equal(world.mcu.result, "\0\1", 2);
    assert_int_equal(world.report.event, TDM_DEVICE_STARTED);
    assert_int_equal(world.report.state, 2);
    assert_int_equal(world.report.reason, TDM_REASON_SELF_TEST);
    assert_int_equal(world.report.running_bytes, 32);
    assert_int_equal(world.report.running[31], 0xA5);
    assert_int_equal(world.report.about_bytes, 12);
    assert_int_equal(world.report.about[11], 0x5A);
    assert_string_equal(world.report.hardware, "mps2");
    assert_int_equal(world.report.counter, 0x01020304);
}

static void adds_what_the_mcu_decodes_to_the_report_that_follows(void **state)
{
    (void)state;
    stub_invoke(&world, 0x5405, "\3", 1);
    assert_memory_equal(world.mcu.result, "\0\1", 2);
    stub_report(&world, 1, 0);
    assert_int_equal(world.report.decodes, 3);
    stub_report(&world, 1, 0); /* of an MCU that does not tell */
    assert_int_equal(world.report.decodes, 0);
}

static void adds_why_the_mcu_started_to_the_report_that_follows(void **state)
{
    (void)state;
    stub_invoke(&world, 0x5403, "\3\4\0\0\1", 5);
    assert_memory_equal(world.mcu.result, "\0\1", 2);
    stub_report(&world, 1, 0);
    assert_true(world.report.has_start);
    assert_int_equal(world.report.cause, 3);
    assert_int_equal(world.report.boots, 0x01000004);
    stub_report(&world, 3, 0);
    assert_false(world.report.has_start);
    stub_report(&world, 1, 0); /* of an MCU that does not tell */
    assert_false(world.report.has_start);
}

static void refuses_a_device_report_that_makes_no_sense(void **state)
{
    uint8_t odd_digest[] = {1, 1, 0, 3, 0, 1, 2, 3, 0, 0, 'h', 0, 0, 0, 0, 0};
    uint8_t odd_event[] = {9, 1, 0, 0, 0, 0, 0, 'h', 0, 0, 0, 0, 0};

    (void)state;
    stub_invoke(&world, 0x5401, odd_digest, sizeof odd_digest);
    assert_memory_equal(world.mcu.result, "\0\0", 2);
    stub_invoke(&world, 0x5401, odd_event, sizeof odd_event);
    assert_memory_equal(world.mcu.result, "\0\0", 2);
    assert_int_equal(world.reports, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(starts_at_the_initial_rate_in_state_10_and_off_line),
        TEST(goes_on_line_with_what_the_mcu_said),
        TEST(refuses_an_empty_or_endless_template),
        TEST(refuses_an_endless_text_in_the_firmware_info),
        TEST(tells_the_mcu_each_change_of_state),
        TEST(switches_the_rate_after_the_answer_is_out),
        TEST(refuses_a_rate_that_the_uart_has_not),
        TEST(pings_a_silent_mcu_and_stays_when_it_answers),
        TEST(gives_a_silent_mcu_up_after_five_pings_and_falls_back),
        TEST(leaves_a_raised_rate_that_nobody_uses),
        TEST(noise_is_no_sign_of_life),
        TEST(tells_an_mcu_that_speaks_without_initializing),
        TEST(so_it_does_one_that_pings_all_the_time),
        TEST(reboots_when_asked_and_waits_for_initialize),
        TEST(reboots_the_mcu_when_the_network_side_asks),
        TEST(has_uid_says_what_is_served),
        TEST(answers_what_it_does_not_serve_with_status_13),
        TEST(answers_wrong_arguments_with_status_15),
        TEST(tells_its_version),
        TEST(the_host_goes_first),
        TEST(has_uid_asks_the_host),
        TEST(the_host_sees_only_whole_arguments),
        TEST(the_host_may_answer_later),
        TEST(tells_events_in_order),
        TEST(keeps_the_newest_events_of_many),
        TEST(tells_a_pin_and_its_value),
        TEST(nothing_is_told_while_an_answer_is_awaited),
        TEST(counts_what_goes_over_the_line),
        TEST(takes_a_device_report),
        TEST(adds_why_the_mcu_started_to_the_report_that_follows),
        TEST(adds_what_the_mcu_decodes_to_the_report_that_follows),
        TEST(refuses_a_device_report_that_makes_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
