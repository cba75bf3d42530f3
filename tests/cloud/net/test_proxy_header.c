/* The PROXY header, by the text and examples of HAProxy's proxy-protocol.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/net/doors/proxy_header.h"

#define SIGNATURE    "\r\n\r\n\0\r\nQUIT\n"
#define BINARY(text) (const uint8_t *)(text), sizeof(text) - 1

/* The bytes are a header of this length (0: not whole, -1: refused) that names this client, whatever follows.
 */
static void expect(const uint8_t *bytes, size_t count, int length, const char *named)
{
    char client[PROXY_HEADER_CLIENT];
    assert_int_equal(proxy_header_read(bytes, count, client), length);
    assert_string_equal(client, named);
}

static void expect_text(const char *text, int length, const char *named)
{
    expect((const uint8_t *)text, strlen(text), length, named);
}

static void a_line_names_the_client(void **state)
{
    (void)state;
    expect_text("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n\x10\x1a", 47, "192.168.0.1");
    expect_text("PROXY TCP6 2001:db8::7 2001:db8::1 4000 8883\r\nGET /", 46, "2001:db8::7");
    expect_text("PROXY UNKNOWN\r\n", 15, "");
    expect_text("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", 59, "");
}

static void the_longest_line_of_the_text_is_taken(void **state)
{
    (void)state;
    expect_text("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                "65535 65535\r\n",
                104, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void what_is_no_header_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"GET / HTTP/1.1\r\n\r\n",
                                        "\x10\x1a\0\4MQTT",
                                        "PROXY TCP4\r\n",
                                        "PROXY TCP4 192.168.0.256 192.168.0.11 1 2\r\n",
                                        "PROXY TCP4 2001:db8::7 192.168.0.11 1 2\r\n",
                                        "PROXY TCP6 192.168.0.1 192.168.0.11 1 2\r\n",
                                        "PROXY TCP4 192.168.0.1\r\n",
                                        "PROXY UDP4 192.168.0.1 192.168.0.11 1 2\r\n",
                                        "PROXY \r\n",
                                        "PROXY TCP4 192.168.0.1 192.168.0.11 1 2\n",
                                        "proxy TCP4 192.168.0.1 192.168.0.11 1 2\r\n",
                                        "PROXY  TCP4 192.168.0.1 192.168.0.11 1 2\r\n",
                                        "PROXY TCP4 1.2.3.4%0d%0a 192.168.0.11 1 2\r\n"};
    char endless[200];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect_text(wrong[i], PROXY_HEADER_REFUSED, "");
    memset(endless, 'x', sizeof endless);
    memcpy(endless, "PROXY UNKNOWN ", 14);
    expect((const uint8_t *)endless, sizeof endless, PROXY_HEADER_REFUSED, "");
    expect(BINARY("PROXY TCP4 192.168.0.1\0 192.168.0.11 1 2\r\n"), PROXY_HEADER_REFUSED, "");
}

static void binary_headers_name_the_client(void **state)
{
    (void)state;
    expect(BINARY(SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x22\xb3 more"), 28,
           "192.0.2.7");
    expect(BINARY(SIGNATURE "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x20\x01\x0d\xb8\0\0\0"
                            "\0\0\0\0\0\0\0\0\x01"
                            "\xdc\x04\x22\xb3"),
           52, "2001:db8::9");
    /* With extensions behind the addresses: a TLV of type 4 (NOOP) with two bytes. */
    expect(BINARY(SIGNATURE "\x21\x11\x00\x11\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x22\xb3\x04\x00\x02zz"),
           33, "192.0.2.7");
    /* LOCAL, and families without addresses: the balancer speaks for itself. */
    expect(BINARY(SIGNATURE "\x20\x00\x00\x00"), 16, "");
    expect(BINARY(SIGNATURE "\x20\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x22\xb3"), 28, "");
    expect(BINARY(SIGNATURE "\x21\x00\x00\x00"), 16, "");
}

static void binary_headers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    expect(BINARY(SIGNATURE "\x11\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x22\xb3"),
           PROXY_HEADER_REFUSED, "");
    expect(BINARY(SIGNATURE "\x22\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x22\xb3"),
           PROXY_HEADER_REFUSED, "");
    expect(BINARY(SIGNATURE "\x21\x11\x00\x0b\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x22\xb3"),
           PROXY_HEADER_REFUSED, "");
    expect(BINARY(SIGNATURE "\x21\x21\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x22\xb3"),
           PROXY_HEADER_REFUSED, "");
    expect(BINARY(SIGNATURE "\x21\x11\xff\xff"), PROXY_HEADER_REFUSED, "");
    expect(BINARY("\r\n\r\n\0\r\nQUIT\r\x21\x11"), PROXY_HEADER_REFUSED, "");
}

static void one_that_is_not_whole_is_waited_for(void **state)
{
    (void)state;
    static const char line[] = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
    static const char binary[] = SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x22\xb3";
    for (size_t i = 1; i < sizeof line - 1; i++)
        expect((const uint8_t *)line, i, PROXY_HEADER_MORE, "");
    for (size_t i = 1; i < sizeof binary - 1; i++)
        expect((const uint8_t *)binary, i, PROXY_HEADER_MORE, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_names_the_client),
        cmocka_unit_test(the_longest_line_of_the_text_is_taken),
        cmocka_unit_test(what_is_no_header_is_refused),
        cmocka_unit_test(binary_headers_name_the_client),
        cmocka_unit_test(binary_headers_that_do_not_fit_are_refused),
        cmocka_unit_test(one_that_is_not_whole_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
