/* Which addresses a webhook may go to: examples of IANA's special-purpose registries, and of the open
 * internet. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/people/address.h"

static bool is_public(const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return address_is_public((const struct sockaddr *)&four);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return address_is_public((const struct sockaddr *)&six);
}

static void addresses_of_the_open_internet_are_public(void **state)
{
    (void)state;
    static const char *const open[] = {
        "1.1.1.1",        "93.184.216.34",    "172.15.255.255",       "172.32.0.0",
        "192.167.1.1",    "223.255.255.1",    "2606:4700:4700::1111", "2a00:1450:4001::1",
        "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:0808:0808::1"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        assert_true(is_public(open[i]));
}

static void special_addresses_are_not(void **state)
{
    (void)state;
    static const char *const closed[] = {"0.0.0.0",
                                         "10.1.2.3",
                                         "100.64.0.1",
                                         "127.0.0.1",
                                         "127.255.255.255",
                                         "169.254.169.254",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.0.0.1",
                                         "192.0.2.1",
                                         "192.168.1.1",
                                         "198.18.0.1",
                                         "198.51.100.1",
                                         "203.0.113.1",
                                         "224.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "fe80::1",
                                         "fc00::1",
                                         "fd12:3456::1",
                                         "ff02::1",
                                         "2001:db8::1",
                                         "2001::1",
                                         "::ffff:127.0.0.1",
                                         "::ffff:10.0.0.1",
                                         "64:ff9b::7f00:1",
                                         "2002:7f00:1::1",
                                         "2002:0a00:1::1",
                                         "::127.0.0.1"};
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++)
        assert_false(is_public(closed[i]));
}

static void other_kinds_of_addresses_are_not(void **state)
{
    (void)state;
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(address_is_public(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_open_internet_are_public),
        cmocka_unit_test(special_addresses_are_not),
        cmocka_unit_test(other_kinds_of_addresses_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
