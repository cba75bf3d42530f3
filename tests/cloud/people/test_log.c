/* A log line's pairs as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/log.h"

static void pairs_become_members(void **state)
{
    (void)state;
    static const struct {
        const char *pairs;
        const char *members;
    } cases[] = {
        {"", ""},
        {"port=8080 data=./cloud", ",\"port\":8080,\"data\":\"./cloud\""},
        {"error=\"no such file\" code=0", ",\"error\":\"no such file\",\"code\":0"},
        {"id=d17 version=0123", ",\"id\":\"d17\",\"version\":\"0123\""},
        {"name=\"a \\\"b\\\" \\\\ \\x0a\"", ",\"name\":\"a \\\"b\\\" \\\\ \\u000a\""},
        {"empty= next=1", ",\"empty\":\"\",\"next\":1"},
        {"bare", ",\"bare\":\"\""},
        {"open=\"never closed", ",\"open\":\"never closed\""},
        {"big=12345678901234567890", ",\"big\":\"12345678901234567890\""},
        {"name=\"\xc3\xbc\"", ",\"name\":\"\xc3\xbc\""},
    };
    char to[200];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(log_members(cases[i].pairs, to, sizeof to), cases[i].members);
}

static void members_that_do_not_fit_are_left_out_whole(void **state)
{
    (void)state;
    char to[16];
    assert_string_equal(log_members("a=1 b=\"a long value\"", to, sizeof to), ",\"a\":1");
    assert_string_equal(log_members("name=\"a long value\"", to, sizeof to), "");
}

static void what_was_quoted_comes_back(void **state)
{
    (void)state;
    char quoted[LOG_TEXT_MAX];
    char pair[200];
    char to[400];
    strcpy(pair, "t=");
    strcat(pair, log_quote("say \"hi\"\n\x7f", quoted));
    assert_string_equal(log_members(pair, to, sizeof to), ",\"t\":\"say \\\"hi\\\"\\u000a\\u007f\"");
}

static void what_anybody_can_cause_is_told_now_and_then(void **state)
{
    (void)state;
    struct log_pace pace = {0};
    uint64_t left_out;
    for (int i = 0; i < 100; i++)
        assert_true(log_pace_take(&pace, 5000, &left_out) && left_out == 0);
    for (int i = 0; i < 1000; i++)
        assert_false(log_pace_take(&pace, 5099, &left_out));
    assert_true(log_pace_take(&pace, 5100, &left_out) && left_out == 1000);
    assert_false(log_pace_take(&pace, 5100, &left_out));
    assert_true(log_pace_take(&pace, 5200, &left_out) && left_out == 1);
    assert_true(log_pace_take(&pace, 60000, &left_out) && left_out == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_become_members),
        cmocka_unit_test(members_that_do_not_fit_are_left_out_whole),
        cmocka_unit_test(what_was_quoted_comes_back),
        cmocka_unit_test(what_anybody_can_cause_is_told_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
