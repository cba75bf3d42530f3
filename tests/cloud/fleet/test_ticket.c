/* Download links: what is signed comes back, and nothing else is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cloud/fleet/firmware/ticket.h"

static const uint8_t key[SECRET_KEY_BYTES] = "an example key of 32 bytes: it i";

/* The second one with the key that the first one prepared. */
static void write_ticket(const struct ticket *ticket, char text[TICKET_MAX])
{
    struct secret_signer signer = {0};
    char again[TICKET_MAX];
    memcpy(signer.key, key, sizeof signer.key);
    ticket_write(ticket, &signer, text);
    ticket_write(ticket, &signer, again);
    assert_string_equal(again, text);
    secret_signer_clear(&signer);
}

static void a_ticket_reads_back(void **state)
{
    (void)state;
    struct ticket read;
    char text[TICKET_MAX];
    write_ticket(&(struct ticket){1, INT64_MAX, 1700000000123, 0}, text);
    assert_true(ticket_read(&read, key, text));
    assert_int_equal(read.device, 1);
    assert_true(read.firmware == INT64_MAX);
    assert_true(read.expires == 1700000000123);
    assert_int_equal(read.form, 0);
    write_ticket(&(struct ticket){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}, text);
    assert_true(ticket_read(&read, key, text));
    assert_true(read.form == INT64_MAX && read.expires == INT64_MAX);
}

/* printf %s 5-7-18bcfe56800 | openssl dgst -sha256 -mac HMAC -macopt hexkey:<the key in hex> */
static void the_signature_is_openssls(void **state)
{
    (void)state;
    char text[TICKET_MAX];
    write_ticket(&(struct ticket){5, 7, 1700000000000, 0}, text);
    assert_string_equal(text, "5-7-18bcfe56800-67a157ccc62cac2c7d6127ce17a1ebfb");
    write_ticket(&(struct ticket){5, 7, 1700000000000, 9}, text);
    assert_string_equal(text, "5-7-18bcfe56800-9-ad9079bb11298650533cac39e9b19e9c");
}

static void any_changed_character_is_noticed(void **state)
{
    (void)state;
    struct ticket read;
    char text[TICKET_MAX];
    write_ticket(&(struct ticket){5, 7, 1700000000000, 0}, text);
    for (size_t i = 0; i < strlen(text); i++) {
        char was = text[i];
        text[i] = was == '1' ? '2' : '1';
        assert_false(ticket_read(&read, key, text));
        text[i] = was;
    }
    assert_true(ticket_read(&read, key, text));
}

static void what_is_no_ticket_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "-",      "---",
                                      "1-2-3", "1-2-3-", "1-2-3-00112233445566778899aabbccddeeff"};
    struct ticket read;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(ticket_read(&read, key, bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_reads_back),
        cmocka_unit_test(the_signature_is_openssls),
        cmocka_unit_test(any_changed_character_is_noticed),
        cmocka_unit_test(what_is_no_ticket_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
