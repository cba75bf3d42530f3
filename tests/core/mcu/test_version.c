#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tandem/mcu.h"

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void versions_are_ordered_as_semver_org_says(void **state)
{
    /* The example of semver.org 2.0.0, section 11, and releases around it; ascending. */
    static const char *const ascending[] = {
        "0.9.9",          "1.0.0-alpha",
        "1.0.0-alpha.1",  "1.0.0-alpha.beta",
        "1.0.0-beta",     "1.0.0-beta.2",
        "1.0.0-beta.11",  "1.0.0-rc.1",
        "1.0.0",          "1.0.1",
        "1.2.0",          "1.10.0",
        "2.0.0",          "2.1.0",
        "2.1.1",          "10.0.0",
        "4294967296.0.0", "99999999999999999999.0.0",
    };
    size_t count = sizeof ascending / sizeof ascending[0];

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            assert_int_equal(sign(tdm_version_compare(ascending[i], ascending[j])), (i > j) - (i < j));
}

static void versions_that_differ_in_form_alone_are_equal(void **state)
{
    (void)state;
    assert_int_equal(tdm_version_compare("1.0", "1.0.0"), 0);
    assert_int_equal(tdm_version_compare("1.0.0+build.5", "1.0.0+build.6"), 0);
    assert_int_equal(tdm_version_compare("1.00.0", "1.0.00"), 0);
    assert_int_equal(tdm_version_compare("", ""), 0);
    assert_int_equal(tdm_version_compare("1.0.0-rc.1+a", "1.0.0-rc.1+b"), 0);
}

static void versions_that_are_no_numbers_are_still_ordered(void **state)
{
    (void)state;
    assert_true(tdm_version_compare("b", "a") > 0);
    assert_true(tdm_version_compare("1.0.0a", "1.0.0b") < 0);
    assert_true(tdm_version_compare("1", "") > 0);
    assert_true(tdm_version_compare("-", "") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_ordered_as_semver_org_says),
        cmocka_unit_test(versions_that_differ_in_form_alone_are_equal),
        cmocka_unit_test(versions_that_are_no_numbers_are_still_ordered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
