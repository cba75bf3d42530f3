/* What was said before means what it meant then, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/net/devices/sayings.h"

static bool say(struct sayings *sayings, const char *text, struct check_in *check_in)
{
    memset(check_in, 0xEE, sizeof *check_in);
    return sayings_check_in(sayings, text, strlen(text), check_in);
}

static void every_saying_means_what_it_says_however_often_and_in_whichever_order(void **state)
{
    (void)state;
    struct sayings *sayings = calloc(1, sizeof *sayings);
    for (int i = 0; i < 300; i++) {
        char text[80];
        char version[8];
        struct check_in check_in;
        int number = 100 + (i * 7 + i / 9) % 13; /* more than there are places, and of one length */
        snprintf(version, sizeof version, "1.%d", number);
        snprintf(text, sizeof text, "{\"ver\":\"%s\",\"type\":\"pump\",\"rxbuff\":%d}", version, number);
        assert_true(say(sayings, text, &check_in));
        assert_string_equal(check_in.version, version);
        assert_string_equal(check_in.type, "pump");
        assert_string_equal(check_in.build, "");
        assert_int_equal(check_in.receive_bytes, number);
    }
    free(sayings);
}

static void nothing_that_is_malformed_is_remembered(void **state)
{
    (void)state;
    struct sayings *sayings = calloc(1, sizeof *sayings);
    struct check_in check_in;
    for (int i = 0; i < 3; i++) {
        assert_false(say(sayings, "", &check_in));
        assert_false(say(sayings, "{\"ver\":1}", &check_in));
        assert_false(say(sayings, "{\"ver\":\"1\"", &check_in));
        assert_true(say(sayings, "{\"ver\":\"1\"}", &check_in));
        assert_string_equal(check_in.version, "1");
    }
    free(sayings);
}

static void a_long_one_is_parsed_too(void **state)
{
    (void)state;
    struct sayings *sayings = calloc(1, sizeof *sayings);
    struct check_in check_in;
    char text[2 * SAYINGS_BYTES];
    int bytes = snprintf(text, sizeof text, "{\"ver\":\"2.0\"%*s}", SAYINGS_BYTES, "");
    assert_true(bytes > SAYINGS_BYTES);
    for (int i = 0; i < 2; i++) {
        assert_true(say(sayings, text, &check_in));
        assert_string_equal(check_in.version, "2.0");
    }
    free(sayings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_saying_means_what_it_says_however_often_and_in_whichever_order),
        cmocka_unit_test(nothing_that_is_malformed_is_remembered),
        cmocka_unit_test(a_long_one_is_parsed_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
