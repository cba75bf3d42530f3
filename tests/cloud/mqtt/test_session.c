/* The session, packet by packet. The bytes are laid out by hand from the tables of the OASIS standards. */
#include "cloud/mqtt/session.h"
#include "tests/cloud/mqtt/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LOGIN_3_1_1 "10 1b 0004'MQTT' 04 c2 002d 0000 0006'device' 0005'token'"
#define LOGIN_5     "10 1c 0004'MQTT' 05 c2 002d 00 0000 0006'device' 0005'token'"
#define WELCOME_3   "20 02 00 00"
/* Session expiry 0, receive maximum 32, packet size 4096; no retain, subscription ids, shared subscriptions;
 * the client id assigned. */
#define WELCOME_5                                                                                            \
    "20 30 00 00 2d 11 00000000 21 0020 27 00001000 25 00 29 00 2a 00 12 0017 'device-0000000000000007'"

enum { NOT_ENDED = -1 };

/* A connection and what the session did with it. */
struct device {
    struct mqtt_session session;
    uint8_t sent[8192];
    size_t sent_bytes;
    char log[1024]; /* "topic=payload;" per message */
    unsigned logins, acknowledged;
    uint16_t acknowledged_id;
    int end;
    bool decide_later, acknowledge_later;
    char token[64];
};

static void on_send(void *ctx, const uint8_t *bytes, size_t count)
{
    struct device *d = ctx;

    assert_int_equal(d->end, NOT_ENDED);
    assert_true(count <= sizeof d->sent - d->sent_bytes);
    assert_true(count > 0);
    memcpy(d->sent + d->sent_bytes, bytes, count);
    d->sent_bytes += count;
}

static void on_login(void *ctx, const struct mqtt_login *login)
{
    struct device *d = ctx;

    d->logins++;
    assert_true(login->password.length < sizeof d->token);
    if (login->password.length > 0)
        memcpy(d->token, login->password.data, login->password.length);
    if (d->decide_later)
        return;
    if (mqtt_slice_equals(login->user_name, "device") && mqtt_slice_equals(login->password, "token"))
        mqtt_session_accept(&d->session, 0);
    else
        mqtt_session_refuse(&d->session, MQTT_REFUSE_CREDENTIALS);
}

static bool on_message(void *ctx, const struct mqtt_message *message)
{
    struct device *d = ctx;

    size_t used = strlen(d->log);

    snprintf(d->log + used, sizeof d->log - used, "%.*s=%.*s;", (int)message->topic.length,
             (const char *)message->topic.data, (int)message->payload.length,
             (const char *)message->payload.data);
    return !d->acknowledge_later;
}

static void on_acknowledged(void *ctx, uint16_t packet_id)
{
    struct device *d = ctx;

    d->acknowledged++;
    d->acknowledged_id = packet_id;
}

static void on_ended(void *ctx, enum mqtt_end end)
{
    struct device *d = ctx;

    assert_int_equal(d->end, NOT_ENDED);
    d->end = (int)end;
}

static const struct mqtt_session_ops ops = {on_send, on_login, on_message, on_acknowledged, on_ended};

static void connect_device(struct device *d)
{
    memset(d, 0, sizeof *d);
    d->end = NOT_ENDED;
    mqtt_session_init(&d->session, &mqtt_session_defaults, &ops, d, 7, 0);
}

static size_t say_at(struct device *d, const char *text, uint64_t now_ms)
{
    uint8_t bytes[6000];
    size_t count = bytes_of(text, bytes, sizeof bytes);
    uint8_t *exact = malloc(count); /* so that a read past the end is seen */
    size_t taken;

    memcpy(exact, bytes, count);
    taken = mqtt_session_receive(&d->session, exact, count, now_ms);
    free(exact);
    return taken;
}

static size_t say(struct device *d, const char *text)
{
    return say_at(d, text, 0);
}

/* Everything sent since the last look. */
static void expect_sent(struct device *d, const char *text)
{
    uint8_t bytes[6000];
    size_t count = bytes_of(text, bytes, sizeof bytes);

    assert_int_equal(d->sent_bytes, count);
    assert_memory_equal(d->sent, bytes, count);
    d->sent_bytes = 0;
}

static void log_in(struct device *d, uint8_t version)
{
    connect_device(d);
    say(d, version == MQTT_5 ? LOGIN_5 : LOGIN_3_1_1);
    expect_sent(d, version == MQTT_5 ? WELCOME_5 : WELCOME_3);
}

static void expect_end(struct device *d, enum mqtt_end end, const char *sent)
{
    assert_int_equal(d->end, (int)end);
    expect_sent(d, sent);
}

/* ---- Login ---- */

static void device_logs_in_with_its_token(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_3_1_1);
    assert_true(mqtt_session_connected(&d.session));
    assert_string_equal(d.token, "token");
    log_in(&d, MQTT_5);
    assert_true(mqtt_session_connected(&d.session));
}

static void login_arrives_in_every_split(void **state)
{
    uint8_t bytes[64];
    size_t count = bytes_of(LOGIN_5, bytes, sizeof bytes);

    (void)state;
    for (size_t cut = 0; cut < count; cut++) {
        struct device d;

        connect_device(&d);
        assert_int_equal(mqtt_session_receive(&d.session, bytes, cut, 0), 0);
        assert_int_equal(mqtt_session_receive(&d.session, bytes, count, 0), count);
        expect_sent(&d, WELCOME_5);
    }
}

static void wrong_token_is_refused_with_code_4_or_86(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "10 1b 0004'MQTT' 04 c2 002d 0000 0006'device' 0005'wrong'");
    expect_end(&d, MQTT_END_REFUSED, "20 02 00 04");
    connect_device(&d);
    say(&d, "10 1c 0004'MQTT' 05 c2 002d 00 0000 0006'device' 0005'wrong'");
    expect_end(&d, MQTT_END_REFUSED, "20 03 00 86 00");
}

static void wrong_user_name_and_no_login_at_all_are_refused(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "10 1a 0004'MQTT' 04 c2 002d 0000 0005'admin' 0005'token'");
    expect_end(&d, MQTT_END_REFUSED, "20 02 00 04");
    connect_device(&d);
    say(&d, "10 0c 0004'MQTT' 04 02 002d 0000");
    expect_end(&d, MQTT_END_REFUSED, "20 02 00 04");
}

static void packets_wait_while_the_login_is_decided(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    d.decide_later = true;
    assert_int_equal(say(&d, LOGIN_3_1_1 "c0 00"), 29);
    assert_int_equal(say(&d, "c0 00"), 0);
    expect_sent(&d, "");
    mqtt_session_accept(&d.session, 0);
    expect_sent(&d, WELCOME_3);
    assert_int_equal(say(&d, "c0 00"), 2);
    expect_sent(&d, "d0 00");
}

static void login_has_a_limit(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    assert_int_equal(mqtt_session_poll(&d.session, 1), 9999);
    mqtt_session_poll(&d.session, 10000);
    expect_end(&d, MQTT_END_LOGIN_TIMEOUT, "");
    connect_device(&d);
    d.decide_later = true;
    say(&d, LOGIN_3_1_1);
    mqtt_session_poll(&d.session, 10000);
    expect_end(&d, MQTT_END_LOGIN_TIMEOUT, "20 02 00 03");
    mqtt_session_accept(&d.session, 10000);
    expect_sent(&d, "");
}

static void unknown_versions_are_refused_by_name(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "10 0f 0006'MQIsdp' 03 02 002d 0001'x'");
    expect_end(&d, MQTT_END_VERSION, "20 02 00 01");
    connect_device(&d);
    say(&d, "10 0d 0004'MQTT' 06 02 002d 00 0000");
    expect_end(&d, MQTT_END_VERSION, "20 03 00 84 00");
}

static void client_id_may_be_long_or_empty_but_not_above_64_characters(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "10 4c 0004'MQTT' 04 02 002d 0040 "
            "'0123456789012345678901234567890123456789012345678901234567890123'");
    assert_int_equal(d.logins, 1);
    connect_device(&d);
    say(&d, "10 4d 0004'MQTT' 04 02 002d 0041 "
            "'01234567890123456789012345678901234567890123456789012345678901234'");
    expect_end(&d, MQTT_END_PROTOCOL, "20 02 00 02");
    connect_device(&d);
    say(&d, "10 0c 0004'MQTT' 04 00 002d 0000"); /* empty, and the session is to be kept */
    expect_end(&d, MQTT_END_PROTOCOL, "20 02 00 02");
}

static void first_packet_must_be_a_connect(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "c0 00");
    expect_end(&d, MQTT_END_PROTOCOL, "");
    connect_device(&d);
    say(&d, "'GET / HTTP/1.1'");
    expect_end(&d, MQTT_END_MALFORMED, "");
}

static void second_connect_ends_the_session(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_5);
    say(&d, LOGIN_5);
    expect_end(&d, MQTT_END_PROTOCOL, "e0 01 82");
}

static void will_is_read_and_kept_to_ourselves(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "10 28 0004'MQTT' 04 ee 002d 0001'c' 0004'will' 0004'gone' 0006'device' 0005'token'");
    expect_sent(&d, WELCOME_3);
    connect_device(&d);
    say(&d, "10 18 0004'MQTT' 04 06 002d 0001'c' 0003'a/#' 0004'gone'");
    expect_end(&d, MQTT_END_PROTOCOL, "");
}

static void authentication_method_is_refused(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "10 13 0004'MQTT' 05 02 002d 06 15 0003'abc' 0000");
    expect_end(&d, MQTT_END_PROTOCOL, "20 03 00 8c 00");
}

/* ---- Limits ---- */

static void silence_of_one_and_a_half_keep_alives_ends_the_session(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_5); /* 45 s */
    assert_int_equal(mqtt_session_poll(&d.session, 0), 67500);
    say_at(&d, "c0 00", 60000);
    expect_sent(&d, "d0 00");
    assert_int_equal(mqtt_session_poll(&d.session, 67500), 60000);
    mqtt_session_poll(&d.session, 127500);
    expect_end(&d, MQTT_END_KEEP_ALIVE, "e0 01 8d");
}

static void keep_alive_of_0_never_ends(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "10 1b 0004'MQTT' 04 c2 0000 0000 0006'device' 0005'token'");
    assert_int_equal(mqtt_session_poll(&d.session, UINT64_C(1) << 40), UINT32_MAX);
    assert_true(mqtt_session_connected(&d.session));
}

static void longer_keep_alive_is_shortened_in_version_5(void **state)
{
    struct mqtt_session_config config = mqtt_session_defaults;
    struct device d;

    (void)state;
    config.keep_alive_max_s = 60;
    connect_device(&d);
    mqtt_session_init(&d.session, &config, &ops, &d, 7, 0);
    say(&d, "10 1d 0004'MQTT' 05 c2 0000 00 0001'c' 0006'device' 0005'token'");
    expect_sent(&d, "20 19 00 00 16 11 00000000 21 0020 27 00001000 25 00 29 00 2a 00 13 003c");
    assert_int_equal(mqtt_session_poll(&d.session, 0), 90000);
}

static void oversized_packet_ends_the_session_before_it_is_there(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_5);
    say(&d, "30 81 20"); /* 4097 bytes to come */
    expect_end(&d, MQTT_END_TOO_LARGE, "e0 01 95");
}

static void message_of_1024_bytes_is_taken_and_1025_is_not(void **state)
{
    uint8_t packet[1100] = {0x31, 0x84, 0x08, 0x00, 0x01, 't', 0x00};
    struct device d;

    (void)state;
    log_in(&d, MQTT_5);
    assert_int_equal(mqtt_session_receive(&d.session, packet, 1031, 0), 1031);
    assert_int_equal(d.end, NOT_ENDED);
    packet[1] = 0x85;
    mqtt_session_receive(&d.session, packet, 1032, 0);
    expect_end(&d, MQTT_END_TOO_LARGE, "e0 01 95");
}

/* ---- Messages from the device ---- */

static void qos_0_is_delivered_without_an_answer(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_3_1_1);
    say(&d, "30 0a 0008'info/mcu'"
            "30 0a 0006'ds/vol''42'");
    assert_string_equal(d.log, "info/mcu=;ds/vol=42;");
    expect_sent(&d, "");
}

static void qos_1_is_acknowledged(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_5);
    say(&d, "32 08 0001't' 0102 00 'hi'");
    assert_string_equal(d.log, "t=hi;");
    expect_sent(&d, "40 02 0102");
}

static void qos_1_is_acknowledged_later_when_asked_for(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_3_1_1);
    d.acknowledge_later = true;
    say(&d, "32 07 0001't' 0001 'hi'"
            "3a 07 0001't' 0001 'hi'"
            "32 07 0001't' 0002 'ho'");
    assert_string_equal(d.log, "t=hi;t=ho;");
    expect_sent(&d, "");
    mqtt_session_acknowledge(&d.session, 1);
    mqtt_session_acknowledge(&d.session, 2);
    mqtt_session_acknowledge(&d.session, 2);
    expect_sent(&d, "40 02 0001 40 02 0002");
}

static void qos_2_is_delivered_once(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_5);
    say(&d, "34 08 0001't' 0009 00 'hi'");
    expect_sent(&d, "50 02 0009");
    say(&d, "3c 08 0001't' 0009 00 'hi'");
    expect_sent(&d, "50 02 0009");
    say(&d, "62 02 0009");
    expect_sent(&d, "70 02 0009");
    assert_string_equal(d.log, "t=hi;");
    say(&d, "62 02 0009");
    expect_sent(&d, "70 03 0009 92");
    say(&d, "34 08 0001't' 0009 00 'ho'");
    assert_string_equal(d.log, "t=hi;t=ho;");
}

static void more_unacknowledged_than_the_receive_maximum_ends_the_session(void **state)
{
    struct device d;
    char publish[40];

    (void)state;
    log_in(&d, MQTT_5);
    for (unsigned id = 1; id <= MQTT_IN_FLIGHT_IN; id++) {
        snprintf(publish, sizeof publish, "34 06 0001't' %04x 00", id);
        say(&d, publish);
    }
    d.sent_bytes = 0;
    say(&d, "34 06 0001't' 0100 00");
    expect_end(&d, MQTT_END_FLOOD, "e0 01 93");
}

static void broken_messages_end_the_session(void **state)
{
    static const struct {
        const char *packet;
        const char *answer;
        enum mqtt_end end;
    } cases[] = {
        {"30 06 0003'a/+' 00", "e0 01 90", MQTT_END_PROTOCOL},             /* wildcard in a topic */
        {"30 03 0000 00", "e0 01 90", MQTT_END_PROTOCOL},                  /* no topic */
        {"30 07 0001't' 03 23 0001", "e0 01 94", MQTT_END_PROTOCOL},       /* topic alias */
        {"30 04 0001 ff 00", "e0 01 81", MQTT_END_MALFORMED},              /* not UTF-8 */
        {"36 06 0001't' 0001 00", "e0 01 81", MQTT_END_MALFORMED},         /* QoS 3 */
        {"38 04 0001't' 00", "e0 01 81", MQTT_END_MALFORMED},              /* repeated, QoS 0 */
        {"32 06 0001't' 0000 00", "e0 01 82", MQTT_END_PROTOCOL},          /* packet id 0 */
        {"30 05 0009't' 00 00", "e0 01 81", MQTT_END_MALFORMED},           /* topic past the end */
        {"30 06 0001't' 02 7f 00", "e0 01 81", MQTT_END_MALFORMED},        /* unknown property */
        {"30 08 0001't' 04 01 00 01 00", "e0 01 82", MQTT_END_PROTOCOL},   /* property twice */
        {"30 ff ff ff ff 01", "e0 01 81", MQTT_END_MALFORMED},             /* length of five bytes */
        {"c1 00", "e0 01 81", MQTT_END_MALFORMED},                         /* reserved flag */
        {"c0 01 00", "e0 01 81", MQTT_END_MALFORMED},                      /* PINGREQ with a body */
        {"d0 00", "e0 01 82", MQTT_END_PROTOCOL},                          /* PINGRESP from a client */
        {"f0 00", "e0 01 82", MQTT_END_PROTOCOL},                          /* AUTH without a method */
        {"00 00", "e0 01 81", MQTT_END_MALFORMED},                         /* type 0 */
        {"50 02 0001", "e0 01 82", MQTT_END_PROTOCOL},                     /* PUBREC for nothing */
        {"60 02 0001", "e0 01 81", MQTT_END_MALFORMED},                    /* PUBREL without its flag */
        {"82 02 0001", "e0 01 81", MQTT_END_MALFORMED},                    /* SUBSCRIBE cut off */
        {"82 03 0001 00", "e0 01 82", MQTT_END_PROTOCOL},                  /* SUBSCRIBE of nothing */
        {"82 07 0001 00 0001'd' 03", "e0 01 82", MQTT_END_PROTOCOL},       /* QoS 3 */
        {"82 07 0001 00 0001'd' 40", "e0 01 81", MQTT_END_MALFORMED},      /* reserved option */
        {"82 09 0001 02 0b 05 0001'd' 00", "e0 01 a1", MQTT_END_PROTOCOL}, /* subscription id */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct device d;

        log_in(&d, MQTT_5);
        say(&d, cases[i].packet);
        expect_end(&d, cases[i].end, cases[i].answer);
        log_in(&d, MQTT_3_1_1);
    }
}

/* ---- Messages to the device ---- */

static void only_downlink_can_be_subscribed_to(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_3_1_1);
    say(&d,
        "82 36 000a 000a'downlink/#'01 0001'#'00 0004'ds/#'01 0002'a#'00 000c'downlink/+/a'02 0005'+/ota'00");
    expect_sent(&d, "90 08 000a 01 80 80 80 01 80");
    log_in(&d, MQTT_5);
    say(&d, "82 2f 000a 00 000a'downlink/#'00 0001'#'00 0002'a#'00 0013'$share/g/downlink/#'02");
    expect_sent(&d, "90 07 000a 00 00 87 8f 9e");
}

static void offers_are_delivered_without_a_subscription_at_qos_0(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_3_1_1);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ota/json", "{}", 2, 1), 0);
    expect_sent(&d, "30 15 0011'downlink/ota/json''{}'");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ds/x", "1", 1, 0), TDM_E_NOT_FOUND);
    expect_sent(&d, "");
}

static void subscriber_gets_qos_1_and_acknowledges(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_5);
    say(&d, "82 10 0001 00 000a'downlink/#'01");
    expect_sent(&d, "90 04 0001 00 01");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 1);
    expect_sent(&d, "32 12 000d'downlink/ping' 0001 00");
    say(&d, "40 02 0001");
    assert_int_equal(d.acknowledged_id, 1);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 2);
    say(&d, "40 03 0002 97");
    say(&d, "40 02 0002"); /* unknown by now */
    assert_int_equal(d.acknowledged, 2);
}

static void granted_qos_bounds_the_qos_sent(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_3_1_1);
    say(&d, "82 0f 0001 000a'downlink/#'00");
    expect_sent(&d, "90 03 0001 00");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 0);
    expect_sent(&d, "30 0f 000d'downlink/ping'");
}

static void unsubscribed_topics_are_not_sent(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_5);
    say(&d, "82 10 0001 00 000a'downlink/#'01"
            "a2 14 0002 00 000a'downlink/#' 0003'a/b'");
    expect_sent(&d, "90 04 0001 00 01"
                    "b0 05 0002 00 00 11");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), TDM_E_NOT_FOUND);
    log_in(&d, MQTT_3_1_1);
    say(&d, "a2 0e 0002 000a'downlink/#'");
    expect_sent(&d, "b0 02 0002");
}

static void unacknowledged_messages_are_bounded_by_the_device_and_by_us(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "10 20 0004'MQTT' 05 c2 002d 03 21 0002 0001'c' 0006'device' 0005'token'"
            "82 10 0001 00 000a'downlink/#'01");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 1);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 2);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), TDM_E_BUSY);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 0), 0);
    say(&d, "40 02 0001");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 3);
}

static void packets_above_the_device_s_size_are_not_sent(void **state)
{
    struct device d;

    (void)state;
    connect_device(&d);
    say(&d, "10 22 0004'MQTT' 05 c2 002d 05 27 0000001a 0001'c' 0006'device' 0005'token'");
    d.sent_bytes = 0;
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ota/json", "1234", 4, 0), 0);
    assert_int_equal(d.sent_bytes, 26);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ota/json", "12345", 5, 0), TDM_E_ROOM);
}

static void only_downlink_topics_can_be_sent(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_5);
    assert_int_equal(mqtt_session_publish(&d.session, "ds/x", "", 0, 0), TDM_E_ARGUMENT);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/+", "", 0, 0), TDM_E_ARGUMENT);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 2), TDM_E_ARGUMENT);
}

static void subscriptions_have_a_bound(void **state)
{
    struct device d;
    char subscribe[64];

    (void)state;
    log_in(&d, MQTT_5);
    for (unsigned i = 0; i < 12; i++) { /* 12 times 21 bytes */
        snprintf(subscribe, sizeof subscribe, "82 19 0001 00 0013'downlink/abcdefgh%02u'00", i);
        say(&d, subscribe);
    }
    d.sent_bytes = 0;
    say(&d, "82 19 0001 00 0013'downlink/abcdefgh99'00");
    expect_sent(&d, "90 04 0001 00 97");
    say(&d, "82 19 0001 00 0013'downlink/abcdefgh00'01"); /* again, with another QoS */
    expect_sent(&d, "90 04 0001 00 01");
}

/* ---- The end ---- */

static void goodbye_ends_the_session_and_what_follows_is_ignored(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_3_1_1);
    say(&d, "e0 00 c0 00");
    expect_end(&d, MQTT_END_DISCONNECTED, "");
    assert_int_equal(say(&d, "c0 00"), 2);
    expect_sent(&d, "");
    log_in(&d, MQTT_5);
    say(&d, "e0 02 04 00");
    expect_end(&d, MQTT_END_DISCONNECTED, "");
}

static void newer_connection_takes_over(void **state)
{
    struct device d;

    (void)state;
    log_in(&d, MQTT_5);
    mqtt_session_end(&d.session, MQTT_END_TAKEN_OVER);
    expect_end(&d, MQTT_END_TAKEN_OVER, "e0 01 8e");
    mqtt_session_end(&d.session, MQTT_END_KICKED);
    log_in(&d, MQTT_3_1_1);
    mqtt_session_end(&d.session, MQTT_END_TAKEN_OVER);
    expect_end(&d, MQTT_END_TAKEN_OVER, "");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ota/json", "", 0, 0), TDM_E_STATE);
    assert_int_equal(mqtt_session_poll(&d.session, 1 << 30), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_logs_in_with_its_token),
        cmocka_unit_test(login_arrives_in_every_split),
        cmocka_unit_test(wrong_token_is_refused_with_code_4_or_86),
        cmocka_unit_test(wrong_user_name_and_no_login_at_all_are_refused),
        cmocka_unit_test(packets_wait_while_the_login_is_decided),
        cmocka_unit_test(login_has_a_limit),
        cmocka_unit_test(unknown_versions_are_refused_by_name),
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
        cmocka_unit_test(qos_0_is_delivered_without_an_answer),
        cmocka_unit_test(qos_1_is_acknowledged),
        cmocka_unit_test(qos_1_is_acknowledged_later_when_asked_for),
        cmocka_unit_test(qos_2_is_delivered_once),
        cmocka_unit_test(more_unacknowledged_than_the_receive_maximum_ends_the_session),
        cmocka_unit_test(broken_messages_end_the_session),
        cmocka_unit_test(only_downlink_can_be_subscribed_to),
        cmocka_unit_test(offers_are_delivered_without_a_subscription_at_qos_0),
        cmocka_unit_test(subscriber_gets_qos_1_and_acknowledges),
        cmocka_unit_test(granted_qos_bounds_the_qos_sent),
        cmocka_unit_test(unsubscribed_topics_are_not_sent),
        cmocka_unit_test(unacknowledged_messages_are_bounded_by_the_device_and_by_us),
        cmocka_unit_test(packets_above_the_device_s_size_are_not_sent),
        cmocka_unit_test(only_downlink_topics_can_be_sent),
        cmocka_unit_test(subscriptions_have_a_bound),
        cmocka_unit_test(goodbye_ends_the_session_and_what_follows_is_ignored),
        cmocka_unit_test(newer_connection_takes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
