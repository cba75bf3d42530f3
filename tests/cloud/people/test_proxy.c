/* Who asks, behind proxies, and what a client may claim of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/people/proxy.h"

static struct proxies proxies_of(const char *text)
{
    struct proxies proxies = {0};
    const char *bad;
    if (text[0] != '\0')
        assert_true(proxies_add(&proxies, text, &bad));
    return proxies;
}

#define assert_client(trusted, peer, forwarded, expected)                                                    \
    do {                                                                                                     \
        struct proxies proxies_ = proxies_of(trusted);                                                       \
        char to_[RECORD_ADDRESS];                                                                            \
        assert_string_equal(proxies_client(&proxies_, peer, forwarded, to_), expected);                      \
    } while (0)

static void what_nobody_of_ours_says_is_not_believed(void **state)
{
    (void)state;
    assert_client("", "203.0.113.9", "198.51.100.1", "203.0.113.9");
    assert_client("10.0.0.5", "203.0.113.9", "198.51.100.1", "203.0.113.9");
    assert_client("10.0.0.5", "10.0.0.6", "198.51.100.1", "10.0.0.6");
}

static void a_proxy_of_ours_names_the_client(void **state)
{
    (void)state;
    assert_client("10.0.0.5", "10.0.0.5", "198.51.100.1", "198.51.100.1");
    assert_client("10.0.0.5", "10.0.0.5", "", "10.0.0.5");
    assert_client("10.0.0.0/8", "10.200.0.5", "2001:db8::7", "2001:db8::7");
    assert_client("2001:db8::/32", "2001:db8:1::1", " 198.51.100.1 ", "198.51.100.1");
    assert_client("::ffff:10.0.0.5", "10.0.0.5", "198.51.100.1", "198.51.100.1");
}

/* The client sent a header of its own: the proxy's word stands behind it. */
static void a_forged_header_is_what_the_client_says(void **state)
{
    (void)state;
    assert_client("10.0.0.5", "10.0.0.5", "192.0.2.66, 198.51.100.1", "198.51.100.1");
    assert_client("10.0.0.5", "10.0.0.5", "10.0.0.5, 198.51.100.1", "198.51.100.1");
    assert_client("10.0.0.5", "10.0.0.5", "192.0.2.66, 10.0.0.5, 198.51.100.1", "198.51.100.1");
    assert_client("10.0.0.5", "10.0.0.5", "192.0.2.66,,198.51.100.1", "198.51.100.1");
}

static void proxies_behind_proxies_are_gone_through(void **state)
{
    (void)state;
    assert_client("10.0.0.0/24", "10.0.0.5", "192.0.2.66, 198.51.100.1, 10.0.0.9", "198.51.100.1");
    assert_client("10.0.0.0/24", "10.0.0.5", "10.0.0.8, 10.0.0.9", "10.0.0.8"); /* all are ours: the first */
    assert_client("10.0.0.0/31", "10.0.0.1", "198.51.100.1, 10.0.0.2", "10.0.0.2");
}

static void what_is_no_address_names_nobody(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "unknown",         "198.51.100.1:80", "_hidden", "[2001:db8::1]", "1.2.3", "198.51.100.1,", "a, b",
        "198.51.100.1, x", "for=1.2.3.4",     " ",       "1.2.3.4 5"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_client("10.0.0.5", "10.0.0.5", odd[i], "10.0.0.5");
    char large[4000];
    memset(large, '1', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_client("10.0.0.5", "10.0.0.5", large, "10.0.0.5");
    assert_client("10.0.0.5", "unknown", "198.51.100.1", "unknown");
}

static void a_wrong_list_is_refused_where_it_is_wrong(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",          "10.0.0",     "10.0.0.5,",   "10.0.0.5/33",
                                        "10.0.0.5/", "10.0.0.5/x", "::1/129",     "10.0.0.5 ",
                                        "proxy",     ",10.0.0.5",  "10.0.0.5/8x", "10.0.0.5/-1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct proxies proxies = {0};
        const char *bad;
        assert_false(proxies_add(&proxies, wrong[i], &bad));
    }
    struct proxies proxies = {0};
    const char *bad;
    assert_false(proxies_add(&proxies, "10.0.0.5,bad,10.0.0.6", &bad));
    assert_int_equal(strncmp(bad, "bad,", 4), 0);
    for (int i = 0; i < PROXIES_MAX - 1; i++)
        assert_true(proxies_add(&proxies, "10.0.0.0/7", &bad));
    assert_false(proxies_add(&proxies, "10.0.0.5", &bad));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_of_ours_says_is_not_believed),
        cmocka_unit_test(a_proxy_of_ours_names_the_client),
        cmocka_unit_test(a_forged_header_is_what_the_client_says),
        cmocka_unit_test(proxies_behind_proxies_are_gone_through),
        cmocka_unit_test(what_is_no_address_names_nobody),
        cmocka_unit_test(a_wrong_list_is_refused_where_it_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
