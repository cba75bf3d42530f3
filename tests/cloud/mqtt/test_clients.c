/* What real clients send: connections of mosquitto_pub and mosquitto_sub 2.0.11, as they were on the wire. */
#include "tests/cloud/mqtt/device.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct recording {
    const char *said;
    const char *answered;
    const char *log;
    enum mqtt_end end;
};

#define WELCOME_5_WITH_ID "20 16 00 00 13" WELCOME_TERMS

static const struct recording recordings[] = {
    /* mosquitto_pub -V 311 -t info/mcu -m {} */
    {"101c00044d51545404c2003c00016300066465766963650005746f6b656e"
     "300c0008696e666f2f6d63757b7d e000",
     WELCOME_3, "info/mcu={};", MQTT_END_DISCONNECTED},
    /* mosquitto_pub -V 311 -t ota/report -m {} -q 1 */
    {"101c00044d51545404c2003c00016300066465766963650005746f6b656e"
     "3210000a6f74612f7265706f727400017b7d e000",
     WELCOME_3 "40020001", "ota/report={};", MQTT_END_DISCONNECTED},
    /* mosquitto_pub -V 311 -t ds/a -m 1 -q 2 */
    {"101c00044d51545404c2003c00016300066465766963650005746f6b656e"
     "3409000464732f61000131 62020001 e000",
     WELCOME_3 "50020001 70020001", "ds/a=1;", MQTT_END_DISCONNECTED},
    /* mosquitto_sub -V 311 -t downlink/# -q 1 --will-topic w --will-payload gone */
    {"102500044d51545404c6003c0001630001770004676f6e6500066465766963650005746f6b656e"
     "820f0001000a646f776e6c696e6b2f2301 e000",
     WELCOME_3 "9003000101", "", MQTT_END_DISCONNECTED},
    /* mosquitto_pub -V 5 -t info/mcu -m {} -D publish content-type json -D publish user-property a b */
    {"102000044d51545405c2003c0321001400016300066465766963650005746f6b656e"
     "301b0008696e666f2f6d63750e0300046a736f6e260001610001627b7d e000",
     WELCOME_5_WITH_ID, "info/mcu={};", MQTT_END_DISCONNECTED},
    /* mosquitto_pub -V 5 -t ds/a -m 1 -q 2 -x 300 */
    {"102500044d51545405c2003c08110000012c21001400016300066465766963650005746f6b656e"
     "340a000464732f610001003162020001e000",
     WELCOME_5_WITH_ID "50020001 70020001", "ds/a=1;", MQTT_END_DISCONNECTED},
    /* mosquitto_sub -V 5 -t downlink/# -q 1 -D connect receive-maximum 4 -D connect
     * request-problem-information 1 --will-topic w --will-payload gone -D will will-delay-interval 5 */
    {"103100044d51545405c6003c0521000417010001630518000000050001770004676f6e650006646576696365"
     "0005746f6b656e 8210000100000a646f776e6c696e6b2f2301 e00104",
     WELCOME_5_WITH_ID "900400010001", "", MQTT_END_WILL_WANTED},
};

static void recorded_connections_run_to_their_goodbye(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++) {
        struct device d;

        device_connect(&d);
        device_says(&d, recordings[i].said);
        device_ends(&d, recordings[i].end, recordings[i].answered);
        assert_string_equal(d.log, recordings[i].log);
    }
}

static void client_of_version_3_1_is_told_that_it_is_too_old(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d); /* mosquitto_pub -V 31 */
    device_says(&d, "101e00064d514973647003c2003c00016300066465766963650005746f6b656e");
    device_ends(&d, MQTT_END_VERSION, "20020001");
}

/* mosquitto's bridge says version 4 with bit 7 set first (try_private); code 1 makes it say 4 the next time.
 */
static void bridge_is_told_in_the_words_of_3_1_1_that_its_own_version_is_not_spoken(void **state)
{
    struct device d;

    (void)state;
    device_connect(&d);
    device_says(&d, "101e00044d51545484c2003c0003616263"
                    "00066465766963650005746f6b656e");
    device_ends(&d, MQTT_END_VERSION, "20020001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_connections_run_to_their_goodbye),
        cmocka_unit_test(client_of_version_3_1_is_told_that_it_is_too_old),
        cmocka_unit_test(bridge_is_told_in_the_words_of_3_1_1_that_its_own_version_is_not_spoken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
