/* Versions and build dates, by the order that semver.org gives and what date(1) says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cloud/fleet/rules/version.h"

static int order_of(const char *a, const char *b)
{
    int order = 99;
    assert_true(version_compare(a, b, &order));
    return order < 0 ? -1 : order > 0;
}

static void versions_come_in_the_order_of_semver(void **state)
{
    (void)state;
    /* The example of section 11, with neighbours. */
    static const char *const ascending[] = {"0.9.9",      "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                            "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
                                            "1.0.0",      "1.0.1",        "1.2.0",         "1.10.0",
                                            "2.0.0",      "2.1.0",        "2.1.1",         "2.1.1.1",
                                            "10.0.0"};
    size_t count = sizeof ascending / sizeof ascending[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++)
            assert_int_equal(order_of(ascending[i], ascending[k]), i < k ? -1 : i > k);
    }
}

static void what_says_the_same_is_equal(void **state)
{
    (void)state;
    assert_int_equal(order_of("1.2", "1.2.0"), 0);
    assert_int_equal(order_of("v1.2.3", "1.2.3"), 0);
    assert_int_equal(order_of("1.2.3+build.5", "1.2.3+other"), 0);
    assert_int_equal(order_of("1.0.0-01", "1.0.0-1"), 0);
}

static void what_is_no_version_does_not_compare(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "abc",        "1.",     "1..2",   "1.2.3.4.5",
                                      "1.2.3-", "1.2.3-a..b", "1.2.3 ", "1.2.3+", "12345678901234567890"};
    int order;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(version_compare(bad[i], "1.0.0", &order));
        assert_false(version_compare("1.0.0", bad[i], &order));
    }
}

static void keys_sort_as_the_versions_do(void **state)
{
    (void)state;
    static const char *const ascending[] = {"0.9.9",  "1.0.0-alpha", "1.0.0-rc.1", "1.0.0", "1.0.1",
                                            "1.10.0", "2.0.0",       "10.0.0",     "custom"};
    for (size_t i = 1; i < sizeof ascending / sizeof ascending[0]; i++) {
        char before[VERSION_KEY_MAX], after[VERSION_KEY_MAX];
        assert_true(strcmp(version_key(ascending[i - 1], before), version_key(ascending[i], after)) < 0);
    }
}

static void build_dates_read(void **state)
{
    (void)state;
    /* date -u -d "..." +%s */
    static const struct {
        const char *text;
        int64_t seconds;
    } dates[] = {
        {"Nov 16 2023 20:35:55", 1700166955}, {"Feb 29 2024 00:00:00", 1709164800},
        {"Jan  1 2026 12:00:00", 1767268800}, {"2023-11-16 20:35:55", 1700166955},
        {"2023-11-16T20:35:55Z", 1700166955}, {"2023-11-16", 1700092800},
    };
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        int64_t seconds = -1;
        assert_true(version_build_date(dates[i].text, &seconds));
        assert_int_equal(seconds, dates[i].seconds);
    }
}

static void other_texts_are_no_build_date(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "Foo 16 2023 20:35:55",
                                      "Nov 16 2023 25:00:00",
                                      "Nov 16 2023 20:35:55 x",
                                      "2023-13-01",
                                      "Nov",
                                      "42"};
    int64_t seconds;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(version_build_date(bad[i], &seconds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_come_in_the_order_of_semver),
        cmocka_unit_test(what_says_the_same_is_equal),
        cmocka_unit_test(what_is_no_version_does_not_compare),
        cmocka_unit_test(keys_sort_as_the_versions_do),
        cmocka_unit_test(build_dates_read),
        cmocka_unit_test(other_texts_are_no_build_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
