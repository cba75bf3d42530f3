/* Heads of requests: what is taken from them, and which are refused (RFC 9110, RFC 9112). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/net/http/http_head.h"
#include "cloud/net/http/http_query.h"
#include "cloud/net/http/http_value.h"

static struct http_head head;

static int parse(const char *text)
{
    return http_head_parse(&head, text, strlen(text));
}

static void header_is_found_in_any_case_and_without_the_space_around_it(void **state)
{
    (void)state;
    const char *text = "GET /a?b=c HTTP/1.1\r\nHost: x\r\nIF-Match:\t \"12\" \r\nCookie:\r\n\r\nrest";
    assert_int_equal(parse(text), (int)strlen(text) - 4);
    assert_string_equal(http_head_value(&head, "if-match"), "\"12\"");
    assert_string_equal(http_head_value(&head, "Host"), "x");
    assert_string_equal(http_head_value(&head, "cookie"), "");
    assert_string_equal(http_head_value(&head, "absent"), "");
    char all[16];
    assert_true(http_head_values(&head, "absent", all, sizeof all));
    assert_string_equal(all, "");
}

static void headers_of_one_name_are_one_list(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\na: 3, 4\r\nA:\r\n\r\n";
    char all[12];
    assert_int_equal(parse(text), sizeof text - 1);
    assert_true(http_head_values(&head, "a", all, sizeof all));
    assert_string_equal(all, "1, 3, 4, ");
    assert_false(http_head_values(&head, "a", all, 8));
}

static void head_of_the_largest_size_keeps_all_its_headers(void **state)
{
    static char text[HTTP_HEAD_MAX + 1];
    (void)state;
    int length = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost:x\r\n");
    while (length + 5 <= HTTP_HEAD_MAX - 8)
        length += snprintf(text + length, sizeof text - (size_t)length, "a:b\r\n");
    while (length < HTTP_HEAD_MAX - 6)
        length += snprintf(text + length, sizeof text - (size_t)length, "z");
    length += snprintf(text + length, sizeof text - (size_t)length, ":y\r\n\r\n");
    assert_int_equal(length, HTTP_HEAD_MAX);
    assert_int_equal(parse(text), HTTP_HEAD_MAX);
    assert_true(head.fields_bytes <= sizeof head.fields);
    assert_string_equal(http_head_value(&head, "a"), "b");
}

static void what_two_ends_could_read_differently_is_refused(void **state)
{
    static const char *const refused[] = {
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nName : y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n",
        "GET / HTTP/1.1\r\nHost: x\n\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http:/// HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET file://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x/ /y HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET  HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(parse(refused[i]), -400);
}

static void absolute_form_is_its_path_and_query(void **state)
{
    static const char *const requests[] = {
        "GET http://a.example:8080/firmware/f1?token=http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET HTTPS://[::1]/firmware/f1?token=http://b/ HTTP/1.0\r\n\r\n",
        "GET /firmware/f1?token=http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(parse(requests[i]), strlen(requests[i]));
        assert_string_equal(head.path, "/firmware/f1");
        assert_string_equal(head.query, "token=http://b/");
    }
}

static void one_empty_line_in_front_is_passed_over(void **state)
{
    static const char text[] = "\r\nGET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
    (void)state;
    assert_int_equal(parse(text), sizeof text - 1);
    assert_string_equal(head.path, "/a");
    assert_string_equal(http_head_value(&head, "a"), "b");
    for (size_t bytes = 0; bytes + 1 < sizeof text; bytes++)
        assert_int_equal(http_head_parse(&head, text, bytes), 0);
}

static void upgrade_is_wanted_only_where_connection_says_so(void **state)
{
    (void)state;
    assert_true(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n\r\n") > 0);
    assert_true(head.upgrade && head.keep_alive);
    assert_true(parse("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n") > 0);
    assert_false(head.upgrade);
    assert_true(parse("GET / HTTP/1.0\r\nConnection: upgrade\r\n\r\n") > 0);
    assert_false(head.upgrade);
}

static void cookie_is_found_by_its_whole_name(void **state)
{
    char value[8];
    (void)state;
    assert_true(parse("GET / HTTP/1.1\r\nHost: x\r\nCookie: xid=1; id=abc=; long=12345678\r\n\r\n") > 0);
    assert_true(http_cookie_get(http_head_value(&head, "cookie"), "id", value, sizeof value));
    assert_string_equal(value, "abc=");
    assert_false(http_cookie_get(http_head_value(&head, "cookie"), "i", value, sizeof value));
    assert_false(http_cookie_get(http_head_value(&head, "cookie"), "long", value, sizeof value));
}

static void range_is_one_part_or_none(void **state)
{
    static const struct {
        const char *value;
        enum http_range is;
        int64_t start, length;
    } cases[] = {
        {"bytes=0-", HTTP_RANGE_PART, 0, 100},
        {"bytes=10-19", HTTP_RANGE_PART, 10, 10},
        {"bytes=-30", HTTP_RANGE_PART, 70, 30},
        {"bytes=-300", HTTP_RANGE_PART, 0, 100},
        {"bytes=99-500", HTTP_RANGE_PART, 99, 1},
        {"bytes=100-", HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=5-4", HTTP_RANGE_NONE, 0, 0},
        {"bytes=0-1,5-6", HTTP_RANGE_NONE, 0, 0},
        {"lines=0-1", HTTP_RANGE_NONE, 0, 0},
        {"", HTTP_RANGE_NONE, 0, 0},
        {"bytes=-", HTTP_RANGE_NONE, 0, 0},
        {"bytes= 10-19", HTTP_RANGE_PART, 10, 10},
        {"bytes=,10-19 ,", HTTP_RANGE_PART, 10, 10}, /* RFC 9110, 5.6.1: empty elements count for nothing */
        {"bytes=,", HTTP_RANGE_NONE, 0, 0},
        {"bytes=10-18446744073709551615", HTTP_RANGE_PART, 10, 90},
        {"bytes=-18446744073709551615", HTTP_RANGE_PART, 0, 100},
        {"bytes=18446744073709551615-", HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=10-1844674407370955161x", HTTP_RANGE_NONE, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t start = 0, length = 0;
        assert_int_equal(http_range_parse(cases[i].value, 100, &start, &length), cases[i].is);
        assert_int_equal(start, cases[i].start);
        assert_int_equal(length, cases[i].length);
    }
}

/* The examples of RFC 9110, 8.8.3.2, and lists of them. */
static void tag_is_found_in_a_list_weakly_or_strongly(void **state)
{
    static const struct {
        const char *list, *tag;
        bool strongly, weakly;
    } cases[] = {
        {"W/\"1\"", "\"1\"", false, true},
        {"\"1\"", "\"1\"", true, true},
        {"W/\"2\"", "\"1\"", false, false},
        {"\"2\",\t \"1\" , W/\"3\"", "\"1\"", true, true},
        {"\"11\", 1, \"1", "\"1\"", false, false},
        {" * ", "\"1\"", true, true},
        {"", "\"1\"", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(http_etag_listed(cases[i].list, cases[i].tag, false), cases[i].strongly);
        assert_int_equal(http_etag_listed(cases[i].list, cases[i].tag, true), cases[i].weakly);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_one_name_are_one_list),
        cmocka_unit_test(header_is_found_in_any_case_and_without_the_space_around_it),
        cmocka_unit_test(head_of_the_largest_size_keeps_all_its_headers),
        cmocka_unit_test(what_two_ends_could_read_differently_is_refused),
        cmocka_unit_test(absolute_form_is_its_path_and_query),
        cmocka_unit_test(one_empty_line_in_front_is_passed_over),
        cmocka_unit_test(upgrade_is_wanted_only_where_connection_says_so),
        cmocka_unit_test(cookie_is_found_by_its_whole_name),
        cmocka_unit_test(range_is_one_part_or_none),
        cmocka_unit_test(tag_is_found_in_a_list_weakly_or_strongly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
