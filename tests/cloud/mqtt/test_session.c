/* The life of a session: login, limits, end. The bytes are laid out by hand from the tables of the OASIS
 * standards. */
#include "tests/cloud/mqtt/bytes.h"
#include "tests/cloud/mqtt/device.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- Login ---- */

static void device_logs_in_with_its_token(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    assert_int_equal(d.session.state, MQTT_CONNECTED);
    assert_string_equal(d.token, "token");
    device_log_in(&d, MQTT_5);
    assert_int_equal(d.session.state, MQTT_CONNECTED);
}

static void login_arrives_in_every_split(void **state)
{
    uint8_t bytes[64];
    size_t count = bytes_of(LOGIN_5, bytes, sizeof bytes);

    (void)state;
    for (size_t cut = 0; cut < count; cut++) {
        struct device d;

        device_connect(&d);
        assert_int_equal(mqtt_session_receive(&d.session, bytes, cut, 0), 0);
        assert_int_equal(mqtt_session_receive(&d.session, bytes, count, 0), count);
        device_gets(&d, WELCOME_5);
    }
}

/* 3.1.1 does not ask for the shortest form (2.2.3), MQTT 5 does (1.5.5). */
static void a_length_longer_than_needed_is_taken_in_3_1_1_alone(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 9b 80 00 0004'MQTT' 04 c2 002d 0000 0006'device' 0005'token'");
    device_gets(&d, WELCOME_3);
    device_says(&d, "30 86 80 80 00 0004'ds/a' c0 80 00");
    assert_string_equal(d.log, "ds/a=;");
    device_gets(&d, "d0 00");
    device_log_in(&d, MQTT_5);
    device_says(&d, "30 87 00 0004'ds/a' 00");
    device_ends(&d, MQTT_END_MALFORMED, "e0 01 81");
}

static void wrong_token_is_refused_with_code_4_or_86(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 1b 0004'MQTT' 04 c2 002d 0000 0006'device' 0005'wrong'");
    device_ends(&d, MQTT_END_REFUSED, "20 02 00 04");
    device_connect(&d);
    device_says(&d, "10 1c 0004'MQTT' 05 c2 002d 00 0000 0006'device' 0005'wrong'");
    device_ends(&d, MQTT_END_REFUSED, "20 03 00 86 00");
}

static void wrong_user_name_and_no_login_at_all_are_refused(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 1a 0004'MQTT' 04 c2 002d 0000 0005'admin' 0005'token'");
    device_ends(&d, MQTT_END_REFUSED, "20 02 00 04");
    device_connect(&d);
    device_says(&d, "10 0c 0004'MQTT' 04 02 002d 0000");
    device_ends(&d, MQTT_END_REFUSED, "20 02 00 04");
}

static void packets_wait_while_the_login_is_decided(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    d.decide_later = true;
    assert_int_equal(device_says(&d, LOGIN_3_1_1 "c0 00"), 29);
    assert_int_equal(device_says(&d, "c0 00"), 0);
    device_gets(&d, "");
    mqtt_session_accept(&d.session, 0);
    device_gets(&d, WELCOME_3);
    assert_int_equal(device_says(&d, "c0 00"), 2);
    device_gets(&d, "d0 00");
}

static void packets_of_every_kind_are_told_and_may_wait_after_one(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    assert_int_equal(d.packets, 0);
    d.hold_at = 2;
    assert_int_equal(device_says(&d, "c0 00  82 09 0001 0004'down' 00  c0 00"), 13);
    assert_int_equal(d.packets, 2);
    device_gets(&d, "d0 00  90 03 0001 80");
    assert_int_equal(device_says(&d, "c0 00  40 02 0001  30 06 0004'ds/a'"), 14);
    assert_int_equal(d.packets, 5);
    device_gets(&d, "d0 00");
}

static void login_has_a_limit(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    assert_int_equal(mqtt_session_poll(&d.session, 1), 9999);
    mqtt_session_poll(&d.session, 10000);
    device_ends(&d, MQTT_END_LOGIN_TIMEOUT, "");
    device_connect(&d);
    d.decide_later = true;
    device_says(&d, LOGIN_3_1_1);
    mqtt_session_poll(&d.session, 10000);
    device_ends(&d, MQTT_END_LOGIN_TIMEOUT, "20 02 00 03");
    mqtt_session_accept(&d.session, 10000);
    device_gets(&d, "");
}

static void unknown_versions_are_refused_by_name(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 0f 0006'MQIsdp' 03 02 002d 0001'x'");
    device_ends(&d, MQTT_END_VERSION, "20 02 00 01");
    device_connect(&d);
    device_says(&d, "10 0d 0004'MQTT' 06 02 002d 00 0000");
    device_ends(&d, MQTT_END_VERSION, "20 03 00 84 00");
}

static void authentication_beyond_a_password_is_refused(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 22 0004'MQTT' 05 c2 002d 06 15 0003'PSK' 0000 0006'device' 0005'token'");
    device_ends(&d, MQTT_END_PROTOCOL, "20 03 00 8c 00");
    device_connect(&d);
    device_says(&d, "10 22 0004'MQTT' 05 c2 002d 06 16 0003'any' 0000 0006'device' 0005'token'");
    device_ends(&d, MQTT_END_PROTOCOL, "20 03 00 82 00");
    assert_int_equal(d.logins, 0);
}

static void client_id_may_be_long_or_empty_but_not_above_64_characters(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 4c 0004'MQTT' 04 02 002d 0040 "
                    "'0123456789012345678901234567890123456789012345678901234567890123'");
    assert_int_equal(d.logins, 1);
    device_connect(&d);
    device_says(&d, "10 4d 0004'MQTT' 04 02 002d 0041 "
                    "'01234567890123456789012345678901234567890123456789012345678901234'");
    device_ends(&d, MQTT_END_PROTOCOL, "20 02 00 02");
    device_connect(&d);
    device_says(&d, "10 0c 0004'MQTT' 04 00 002d 0000"); /* empty, and the session is to be kept */
    device_ends(&d, MQTT_END_PROTOCOL, "20 02 00 02");
}

static void first_packet_must_be_a_connect(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "c0 00");
    device_ends(&d, MQTT_END_PROTOCOL, "");
    device_connect(&d);
    device_says(&d, "'GET / HTTP/1.1'");
    device_ends(&d, MQTT_END_MALFORMED, "");
}

static void second_connect_ends_the_session(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5);
    device_says(&d, LOGIN_5);
    device_ends(&d, MQTT_END_PROTOCOL, "e0 01 82");
}

static void will_is_read_and_kept_to_ourselves(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 28 0004'MQTT' 04 ee 002d 0001'c' 0004'will' 0004'gone' 0006'device' 0005'token'");
    device_gets(&d, WELCOME_3);
    device_connect(&d);
    device_says(&d, "10 18 0004'MQTT' 04 06 002d 0001'c' 0003'a/#' 0004'gone'");
    device_ends(&d, MQTT_END_PROTOCOL, "");
}

static void authentication_method_is_refused(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 13 0004'MQTT' 05 02 002d 06 15 0003'abc' 0000");
    device_ends(&d, MQTT_END_PROTOCOL, "20 03 00 8c 00");
}

/* ---- Limits ---- */

static void silence_of_one_and_a_half_keep_alives_ends_the_session(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5); /* 45 s */
    assert_int_equal(mqtt_session_poll(&d.session, 0), 67500);
    device_says_at(&d, "c0 00", 60000);
    device_gets(&d, "d0 00");
    assert_int_equal(mqtt_session_poll(&d.session, 67500), 60000);
    mqtt_session_poll(&d.session, 127500);
    device_ends(&d, MQTT_END_KEEP_ALIVE, "e0 01 8d");
}

static void keep_alive_of_0_never_ends(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 1b 0004'MQTT' 04 c2 0000 0000 0006'device' 0005'token'");
    assert_int_equal(mqtt_session_poll(&d.session, UINT64_C(1) << 40), UINT32_MAX);
    assert_int_equal(d.session.state, MQTT_CONNECTED);
}

static void longer_keep_alive_is_shortened_in_version_5(void **state)
{
    struct mqtt_session_config config = mqtt_session_defaults;
    struct device d;

    (void)state;
    config.keep_alive_max_s = 60;
    device_connect(&d);
    mqtt_session_init(&d.session, &config, &device_ops, &d, 7, 0);
    device_says(&d, "10 1d 0004'MQTT' 05 c2 0000 00 0001'c' 0006'device' 0005'token'");
    device_gets(&d, "20 19 00 00 16 11 00000000 21 0020 27 00001000 25 00 29 00 2a 00 13 003c");
    assert_int_equal(mqtt_session_poll(&d.session, 0), 90000);
}

static void oversized_packet_ends_the_session_before_it_is_there(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5);
    device_says(&d, "30 81 20"); /* 4097 bytes to come */
    device_ends(&d, MQTT_END_TOO_LARGE, "e0 01 95");
}

static void message_of_1024_bytes_is_taken_and_1025_is_not(void **state)
{
    uint8_t packet[1100] = {0x31, 0x84, 0x08, 0x00, 0x01, 't', 0x00};
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5);
    assert_int_equal(mqtt_session_receive(&d.session, packet, 1031, 0), 1031);
    assert_int_equal(d.end, NOT_ENDED);
    packet[1] = 0x85;
    mqtt_session_receive(&d.session, packet, 1032, 0);
    device_ends(&d, MQTT_END_TOO_LARGE, "e0 01 95");
}

/* ---- The end ---- */

static void goodbye_ends_the_session_and_what_follows_is_ignored(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    device_says(&d, "e0 00 c0 00");
    device_ends(&d, MQTT_END_DISCONNECTED, "");
    assert_int_equal(device_says(&d, "c0 00"), 2);
    device_gets(&d, "");
    device_log_in(&d, MQTT_5);
    device_says(&d, "e0 02 00 00");
    device_ends(&d, MQTT_END_DISCONNECTED, "");
    device_log_in(&d, MQTT_5);
    device_says(&d, "e0 02 04 00"); /* section 3.14.2.1: a goodbye that wants the will */
    device_ends(&d, MQTT_END_WILL_WANTED, "");
}

static void newer_connection_takes_over(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5);
    mqtt_session_end(&d.session, MQTT_END_TAKEN_OVER);
    device_ends(&d, MQTT_END_TAKEN_OVER, "e0 01 8e");
    mqtt_session_end(&d.session, MQTT_END_KICKED);
    device_log_in(&d, MQTT_3_1_1);
    mqtt_session_end(&d.session, MQTT_END_TAKEN_OVER);
    device_ends(&d, MQTT_END_TAKEN_OVER, "");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ota/json", "", 0, 0), TDM_E_STATE);
    assert_int_equal(mqtt_session_poll(&d.session, 1 << 30), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_logs_in_with_its_token),
        cmocka_unit_test(login_arrives_in_every_split),
        cmocka_unit_test(a_length_longer_than_needed_is_taken_in_3_1_1_alone),
        cmocka_unit_test(wrong_token_is_refused_with_code_4_or_86),
        cmocka_unit_test(wrong_user_name_and_no_login_at_all_are_refused),
        cmocka_unit_test(packets_wait_while_the_login_is_decided),
        cmocka_unit_test(packets_of_every_kind_are_told_and_may_wait_after_one),
        cmocka_unit_test(login_has_a_limit),
        cmocka_unit_test(unknown_versions_are_refused_by_name),
        cmocka_unit_test(authentication_beyond_a_password_is_refused),
        cmocka_unit_test(client_id_may_be_long_or_empty_but_not_above_64_characters),
        cmocka_unit_test(first_packet_must_be_a_connect),
        cmocka_unit_test(second_connect_ends_the_session),
        cmocka_unit_test(will_is_read_and_kept_to_ourselves),
        cmocka_unit_test(authentication_method_is_refused),
        cmocka_unit_test(silence_of_one_and_a_half_keep_alives_ends_the_session),
        cmocka_unit_test(keep_alive_of_0_never_ends),
        cmocka_unit_test(longer_keep_alive_is_shortened_in_version_5),
        cmocka_unit_test(oversized_packet_ends_the_session_before_it_is_there),
        cmocka_unit_test(message_of_1024_bytes_is_taken_and_1025_is_not),
        cmocka_unit_test(goodbye_ends_the_session_and_what_follows_is_ignored),
        cmocka_unit_test(newer_connection_takes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
