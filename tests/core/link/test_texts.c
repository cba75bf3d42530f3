/* Names and texts of errors and reasons. */
#include "tandem/error.h"
#include "tandem/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void every_error_has_a_name_and_a_text(void **state)
{
    (void)state;
    assert_string_equal(tdm_error_name(TDM_OK), "OK");
    assert_string_equal(tdm_error_name(TDM_E_SIGNATURE), "E_SIGNATURE");
    assert_string_equal(tdm_error_text(TDM_E_SIGNATURE), "the signature does not match");
    assert_string_equal(tdm_error_name(1), "?");
    assert_string_equal(tdm_error_text(-99), "unknown error");
}

static void every_reason_has_a_slug_and_a_text(void **state)
{
    (void)state;
    assert_string_equal(tdm_reason_slug(TDM_REASON_WATCHDOG), "watchdog");
    assert_string_equal(tdm_reason_text(0), "nothing to report");
    assert_string_equal(tdm_reason_slug(255), "unknown");
    assert_string_equal(tdm_reason_text(255), "unknown");
}

static void slugs_are_different_and_fit_for_json(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        const char *slug = tdm_reason_slug((uint8_t)i);

        assert_int_equal(strspn(slug, "abcdefghijklmnopqrstuvwxyz-"), strlen(slug));
        for (unsigned j = 0; j < i; j++)
            if (strcmp(slug, "unknown") != 0)
                assert_string_not_equal(slug, tdm_reason_slug((uint8_t)j));
    }
}

static void errors_that_end_an_update_have_their_reason(void **state)
{
    (void)state;
    assert_int_equal(tdm_reason_of_error(TDM_E_SIGNATURE), TDM_REASON_SIGNATURE);
    assert_int_equal(tdm_reason_of_error(TDM_E_FLASH_PROGRAM), TDM_REASON_FLASH);
    assert_int_equal(tdm_reason_of_error(TDM_E_FORMAT), TDM_REASON_PACKAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_name_and_a_text),
        cmocka_unit_test(every_reason_has_a_slug_and_a_text),
        cmocka_unit_test(slugs_are_different_and_fit_for_json),
        cmocka_unit_test(errors_that_end_an_update_have_their_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
