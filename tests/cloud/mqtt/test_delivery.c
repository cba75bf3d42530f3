/* Messages in both directions, and subscriptions. The bytes are laid out by hand from the tables of the OASIS
 * standards. */
#include "tests/cloud/mqtt/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- Messages from the device ---- */

static void qos_0_is_delivered_without_an_answer(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    device_says(&d, "30 0a 0008'info/mcu'"
                    "30 0a 0006'ds/vol''42'");
    assert_string_equal(d.log, "info/mcu=;ds/vol=42;");
    device_gets(&d, "");
}

static void qos_1_is_acknowledged(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5);
    device_says(&d, "32 08 0001't' 0102 00 'hi'");
    assert_string_equal(d.log, "t=hi;");
    device_gets(&d, "40 02 0102");
}

static void qos_1_is_acknowledged_later_when_asked_for(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    d.acknowledge_later = true;
    device_says(&d, "32 07 0001't' 0001 'hi'"
                    "3a 07 0001't' 0001 'hi'"
                    "32 07 0001't' 0002 'ho'");
    assert_string_equal(d.log, "t=hi;t=ho;");
    device_gets(&d, "");
    mqtt_session_acknowledge(&d.session, 1);
    mqtt_session_acknowledge(&d.session, 2);
    mqtt_session_acknowledge(&d.session, 2);
    device_gets(&d, "40 02 0001 40 02 0002");
}

/* Clients that number all their messages 1 and do not wait: nothing of theirs may get lost. */
static void the_same_packet_id_without_dup_is_another_message(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    d.acknowledge_later = true;
    device_says(&d, "32 07 0001't' 0001 'hi'"
                    "32 07 0001't' 0001 'ho'"
                    "3a 07 0001't' 0001 'ho'");
    assert_string_equal(d.log, "t=hi;t=ho;");
    mqtt_session_acknowledge(&d.session, 1);
    mqtt_session_acknowledge(&d.session, 1);
    mqtt_session_acknowledge(&d.session, 1);
    device_gets(&d, "40 02 0001 40 02 0001");
}

static void qos_2_is_delivered_once(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5);
    device_says(&d, "34 08 0001't' 0009 00 'hi'");
    device_gets(&d, "50 02 0009");
    device_says(&d, "3c 08 0001't' 0009 00 'hi'");
    device_gets(&d, "50 02 0009");
    device_says(&d, "62 02 0009");
    device_gets(&d, "70 02 0009");
    assert_string_equal(d.log, "t=hi;");
    device_says(&d, "62 02 0009");
    device_gets(&d, "70 03 0009 92");
    device_says(&d, "34 08 0001't' 0009 00 'ho'");
    assert_string_equal(d.log, "t=hi;t=ho;");
}

static void more_unacknowledged_than_the_receive_maximum_ends_the_session(void **state)
{
    struct device d;
    char publish[40];

    (void)state;
    device_log_in(&d, MQTT_5);
    d.acknowledge_later = true;
    for (unsigned id = 1; id <= MQTT_IN_FLIGHT_IN; id++) {
        snprintf(publish, sizeof publish, "%x 06 0001't' %04x 00", id % 2 ? 0x32 : 0x34, id);
        device_says(&d, publish);
    }
    d.sent_bytes = 0;
    device_says(&d, "34 06 0001't' 0100 00");
    device_ends(&d, MQTT_END_FLOOD, "e0 01 93");
}

/* mqtt.js sends all that it has, and only then its PUBRELs: 3.1.1 has no receive maximum, and it passes over
 * that of MQTT 5. */
static void any_number_of_unreleased_messages_is_taken(void **state)
{
    static const uint8_t versions[] = {MQTT_3_1_1, MQTT_5};
    struct device d;
    char packet[40];

    (void)state;
    for (size_t v = 0; v < sizeof versions; v++) {
        device_log_in(&d, versions[v]);
        for (unsigned id = 1; id <= 3 * MQTT_IN_FLIGHT_IN; id++) {
            snprintf(packet, sizeof packet, "34 06 0001't' %04x 00", id);
            device_says(&d, packet);
            snprintf(packet, sizeof packet, "50 02 %04x", id);
            device_gets(&d, packet);
        }
        for (unsigned id = 1; id <= 3 * MQTT_IN_FLIGHT_IN; id++) {
            snprintf(packet, sizeof packet, "62 02 %04x", id);
            device_says(&d, packet);
            snprintf(packet, sizeof packet, "70 02 %04x", id);
            device_gets(&d, packet);
        }
    }
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

        device_log_in(&d, MQTT_5);
        device_says(&d, cases[i].packet);
        device_ends(&d, cases[i].end, cases[i].answer);
        device_log_in(&d, MQTT_3_1_1);
    }
}

/* ---- Messages to the device ---- */

static void only_downlink_can_be_subscribed_to(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    device_says(
        &d,
        "82 36 000a 000a'downlink/#'01 0001'#'00 0004'ds/#'01 0002'a#'00 000c'downlink/+/a'02 0005'+/ota'00");
    device_gets(&d, "90 08 000a 01 80 80 80 01 80");
    device_log_in(&d, MQTT_5);
    device_says(&d, "82 2f 000a 00 000a'downlink/#'00 0001'#'00 0002'a#'00 0013'$share/g/downlink/#'02");
    device_gets(&d, "90 07 000a 00 00 87 8f 9e");
}

static void offers_are_delivered_without_a_subscription_at_qos_0(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ota/json", "{}", 2, 1), 0);
    device_gets(&d, "30 15 0011'downlink/ota/json''{}'");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ds/x", "1", 1, 0), TDM_E_NOT_FOUND);
    device_gets(&d, "");
}

static void subscriber_gets_qos_1_and_acknowledges(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5);
    device_says(&d, "82 10 0001 00 000a'downlink/#'01");
    device_gets(&d, "90 04 0001 00 01");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 1);
    device_gets(&d, "32 12 000d'downlink/ping' 0001 00");
    device_says(&d, "40 02 0001");
    assert_int_equal(d.acknowledged_id, 1);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 2);
    device_says(&d, "40 03 0002 97");
    device_says(&d, "40 02 0002"); /* unknown by now */
    assert_int_equal(d.acknowledged, 2);
}

/* Zephyr's client acknowledges whatever it gets. */
static void an_acknowledgement_of_qos_0_is_passed_over(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    device_says(&d, "82 0f 0001 000a'downlink/#'00");
    device_gets(&d, "90 03 0001 00");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 0);
    device_gets(&d, "30 0f 000d'downlink/ping'");
    device_says(&d, "40 02 0000"
                    "c0 00");
    device_gets(&d, "d0 00");
    assert_int_equal(d.acknowledged, 0);
}

static void granted_qos_bounds_the_qos_sent(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    device_says(&d, "82 0f 0001 000a'downlink/#'00");
    device_gets(&d, "90 03 0001 00");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 0);
    device_gets(&d, "30 0f 000d'downlink/ping'");
}

static void unsubscribed_topics_are_not_sent(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5);
    device_says(&d, "82 10 0001 00 000a'downlink/#'01"
                    "a2 14 0002 00 000a'downlink/#' 0003'a/b'");
    device_gets(&d, "90 04 0001 00 01"
                    "b0 05 0002 00 00 11");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), TDM_E_NOT_FOUND);
    device_log_in(&d, MQTT_3_1_1);
    device_says(&d, "a2 0e 0002 000a'downlink/#'");
    device_gets(&d, "b0 02 0002");
}

static void unacknowledged_messages_are_bounded_by_the_device_and_by_us(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 20 0004'MQTT' 05 c2 002d 03 21 0002 0001'c' 0006'device' 0005'token'"
                    "82 10 0001 00 000a'downlink/#'01");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 1);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 2);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), TDM_E_BUSY);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 0), 0);
    device_says(&d, "40 02 0001");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 1), 3);
}

static void packets_above_the_device_s_size_are_not_sent(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "10 22 0004'MQTT' 05 c2 002d 05 27 0000001a 0001'c' 0006'device' 0005'token'");
    d.sent_bytes = 0;
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ota/json", "1234", 4, 0), 0);
    assert_int_equal(d.sent_bytes, 26);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ota/json", "12345", 5, 0), TDM_E_ROOM);
}

static void only_downlink_topics_can_be_sent(void **state)
{
    struct device d;

    (void)state;
    device_log_in(&d, MQTT_5);
    assert_int_equal(mqtt_session_publish(&d.session, "ds/x", "", 0, 0), TDM_E_ARGUMENT);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/+", "", 0, 0), TDM_E_ARGUMENT);
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ping", "", 0, 2), TDM_E_ARGUMENT);
}

/* As samples do that subscribe to each datastream by name: one SUBSCRIBE each. */
static void a_device_may_subscribe_to_all_of_its_datastreams_by_name(void **state)
{
    struct device d;
    char packet[96];

    (void)state;
    device_log_in(&d, MQTT_3_1_1);
    for (unsigned i = 0; i < 128; i++) {
        snprintf(packet, sizeof packet, "82 24 0001 001f'downlink/ds/Stream Number %05u'00", i);
        device_says(&d, packet);
        device_gets(&d, "90 03 0001 00");
    }
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ds/Stream Number 00127", "", 0, 1), 0);
    device_gets(&d, "30 21 001f'downlink/ds/Stream Number 00127'");
    assert_int_equal(mqtt_session_publish(&d.session, "downlink/ds/Stream Number 00128", "", 0, 1),
                     TDM_E_NOT_FOUND);
    mqtt_session_end(&d.session, MQTT_END_KICKED);
}

static void subscriptions_have_a_bound(void **state)
{
    struct device d;
    char subscribe[64];
    unsigned i = 0;

    (void)state;
    device_log_in(&d, MQTT_5);
    for (; (i + 1) * (2 + 22) <= MQTT_SUBSCRIPTION_BYTES; i++) {
        snprintf(subscribe, sizeof subscribe, "82 1c 0001 00 0016'downlink/abcdefgh%05u'00", i);
        device_says(&d, subscribe);
        device_gets(&d, "90 04 0001 00 00");
    }
    device_says(&d, "82 1c 0001 00 0016'downlink/abcdefgh99999'00");
    device_gets(&d, "90 04 0001 00 97");
    device_says(&d, "82 1c 0001 00 0016'downlink/abcdefgh00000'01"); /* again, with another QoS */
    device_gets(&d, "90 04 0001 00 01");
    device_says(&d, "a2 1b 0001 00 0016'downlink/abcdefgh00001'");
    device_gets(&d, "b0 04 0001 00 00");
    device_says(&d, "82 1c 0001 00 0016'downlink/abcdefgh99999'00");
    device_gets(&d, "90 04 0001 00 00");
    mqtt_session_end(&d.session, MQTT_END_KICKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qos_0_is_delivered_without_an_answer),
        cmocka_unit_test(qos_1_is_acknowledged),
        cmocka_unit_test(qos_1_is_acknowledged_later_when_asked_for),
        cmocka_unit_test(the_same_packet_id_without_dup_is_another_message),
        cmocka_unit_test(qos_2_is_delivered_once),
        cmocka_unit_test(more_unacknowledged_than_the_receive_maximum_ends_the_session),
        cmocka_unit_test(any_number_of_unreleased_messages_is_taken),
        cmocka_unit_test(broken_messages_end_the_session),
        cmocka_unit_test(only_downlink_can_be_subscribed_to),
        cmocka_unit_test(offers_are_delivered_without_a_subscription_at_qos_0),
        cmocka_unit_test(subscriber_gets_qos_1_and_acknowledges),
        cmocka_unit_test(granted_qos_bounds_the_qos_sent),
        cmocka_unit_test(unsubscribed_topics_are_not_sent),
        cmocka_unit_test(an_acknowledgement_of_qos_0_is_passed_over),
        cmocka_unit_test(unacknowledged_messages_are_bounded_by_the_device_and_by_us),
        cmocka_unit_test(packets_above_the_device_s_size_are_not_sent),
        cmocka_unit_test(only_downlink_topics_can_be_sent),
        cmocka_unit_test(a_device_may_subscribe_to_all_of_its_datastreams_by_name),
        cmocka_unit_test(subscriptions_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
