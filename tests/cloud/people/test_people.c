/* The pure part of cloud/people: roles, passwords, how often somebody may try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cloud/people/known.h"
#include "cloud/people/password.h"
#include "cloud/people/people.h"
#include "cloud/people/role.h"
#include "cloud/people/throttle.h"
#include "cloud/text.h"

/* --- Roles --- */

static void a_role_reaches_what_asks_for_it_or_less(void **state)
{
    (void)state;
    assert_true(role_reaches(ROLE_VIEWER, false, ROLE_VIEWER));
    assert_false(role_reaches(ROLE_VIEWER, true, ROLE_OPERATOR));
    assert_true(role_reaches(ROLE_OPERATOR, false, ROLE_VIEWER));
    assert_false(role_reaches(ROLE_OPERATOR, true, ROLE_ADMIN));
    assert_true(role_reaches(ROLE_ADMIN, false, ROLE_ADMIN));
}

static void only_an_admin_of_the_servers_own_organization_is_host(void **state)
{
    (void)state;
    assert_true(role_reaches(ROLE_ADMIN, true, ROLE_HOST));
    assert_false(role_reaches(ROLE_ADMIN, false, ROLE_HOST));
    assert_false(role_reaches(ROLE_OPERATOR, true, ROLE_HOST));
}

static void names_of_roles_and_areas_read_back(void **state)
{
    (void)state;
    enum role role;
    enum area area;
    for (int i = 0; i < ROLE_COUNT; i++)
        assert_true(role_parse(role_slug((enum role)i), &role) && role == (enum role)i);
    for (int i = 0; i < AREA_COUNT; i++)
        assert_true(area_parse(area_slug((enum area)i), &area) && area == (enum area)i);
    assert_false(role_parse("host", &role));
    assert_false(role_parse("", &role));
    assert_false(area_parse("everything", &area));
}

/* --- Passwords --- */

static void the_function_is_that_of_rfc_7914(void **state)
{
    (void)state;
    /* Section 12, third vector. */
    static const char vector[] = "scrypt:14:8:1:536f6469756d43686c6f72696465:"
                                 "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                                 "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887";
    assert_true(password_verify("pleaseletmein", vector));
    assert_false(password_verify("pleaseletmeim", vector));
}

/* hashlib.scrypt(b"correct horse battery", salt=bytes(range(16)), n=2**15, r=8, p=3, dklen=32) */
static void a_hash_made_elsewhere_is_known(void **state)
{
    (void)state;
    static const char hash[] = "scrypt:15:8:3:000102030405060708090a0b0c0d0e0f:"
                               "0544bf8d8dd15c894d51f54589bad74b59be66dc834b9ea4b286764a04a35254";
    assert_true(password_verify("correct horse battery", hash));
    assert_false(password_verify("correct horse batterz", hash));
}

static void a_password_is_known_by_its_hash_and_never_twice_the_same(void **state)
{
    (void)state;
    char first[PASSWORD_HASH_MAX];
    char second[PASSWORD_HASH_MAX];
    assert_true(password_hash("generated", PASSWORD_GENERATED, first));
    assert_true(password_hash("generated", PASSWORD_GENERATED, second));
    assert_string_not_equal(first, second);
    assert_true(password_verify("generated", first));
    assert_true(password_verify("generated", second));
    assert_false(password_verify("Generated", first));
    assert_false(password_verify("", first));
    assert_null(strstr(first, "generated"));
}

static void a_hash_that_is_none_is_nobodys(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "scrypt",
        "scrypt:15:8:3:",
        "scrypt:15:8:3:00",
        "scrypt:15:8:3::",
        "scrypt:15:8:3:00:",
        "scrypt:15:8:3:0:00",
        "scrypt:15:8:3:00:zz",
        "scrypt:63:8:3:00:00",
        "scrypt:15:99:99:00:00",
        "scrypt:0:0:0:00:00",
        "md5:1:1:1:00:00",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(password_verify("", bad[i]));
}

static double seconds_to_refuse(const char *hash)
{
    struct timespec from;
    struct timespec to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    assert_false(password_verify("a guess", hash));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* A generated password's own cost is a hundredth of that: in time, everybody is told from nobody by it. */
static void every_wrong_password_takes_as_long_as_nobodys(void **state)
{
    (void)state;
    char generated[PASSWORD_HASH_MAX];
    char chosen[PASSWORD_HASH_MAX];
    assert_true(password_hash("generated", PASSWORD_GENERATED, generated));
    assert_true(password_hash("chosen", PASSWORD_CHOSEN, chosen));
    double nobody = seconds_to_refuse("");
    assert_true(seconds_to_refuse(generated) > nobody / 4);
    assert_true(seconds_to_refuse(chosen) > nobody / 4);
    assert_true(seconds_to_refuse(generated) < nobody * 4);
}

static void a_poor_password_is_refused_with_a_reason(void **state)
{
    (void)state;
    char longest[PASSWORD_MAX + 1];
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = 'y';
    longest[PASSWORD_MAX] = '\0';
    assert_non_null(password_objection("short", "ann"));
    assert_non_null(password_objection("elevenchars", "ann"));
    assert_non_null(password_objection("aaaaaaaaaaaaaaaa", "ben"));
    assert_non_null(password_objection("I am ANN@example.org", "ann@example.org"));
    assert_non_null(password_objection(longest, "ann"));
    assert_null(password_objection("tulips under old bridges", "ann"));
    assert_null(password_objection("\xc3\xa4\xc3\xb6\xc3\xbc twelve ch", "ann"));
}

/* --- Throttle --- */

static void after_the_burst_tries_come_one_at_a_time(void **state)
{
    (void)state;
    static struct throttle throttle;
    throttle_init(&throttle, 3, 1000);
    for (int i = 0; i < 3; i++)
        assert_true(throttle_take(&throttle, "ann", 5000) == 0);
    assert_true(throttle_take(&throttle, "ann", 5000) == 1000);
    assert_true(throttle_take(&throttle, "ann", 5400) == 600);
    assert_true(throttle_take(&throttle, "ann", 6000) == 0);
    assert_true(throttle_take(&throttle, "ann", 6000) == 1000);
    for (int i = 0; i < 3; i++)
        assert_true(throttle_take(&throttle, "ann", 60000) == 0);
    assert_true(throttle_take(&throttle, "ann", 60000) > 0);
}

static void a_good_try_costs_nothing(void **state)
{
    (void)state;
    static struct throttle throttle;
    throttle_init(&throttle, 2, 1000);
    for (int i = 0; i < 10; i++) {
        assert_true(throttle_take(&throttle, "ann", 0) == 0);
        throttle_return(&throttle, "ann");
    }
    assert_true(throttle_take(&throttle, "ann", 0) == 0);
    assert_true(throttle_take(&throttle, "ann", 0) == 0);
    assert_true(throttle_take(&throttle, "ann", 0) == 1000);
}

static void one_key_does_not_spend_anothers_tries(void **state)
{
    (void)state;
    static struct throttle throttle;
    throttle_init(&throttle, 1, 1000);
    memset(throttle.key, 7, sizeof throttle.key); /* two names that do not share a slot */
    assert_true(throttle_take(&throttle, "ann", 0) == 0);
    assert_true(throttle_take(&throttle, "ben", 0) == 0);
    assert_true(throttle_take(&throttle, "ann", 0) > 0);
}

static bool may_try_from(struct people *people, const char *address)
{
    return people_may_try(people, &(struct people_try){NULL, address, ""}) == 0;
}

/* Whoever has one IPv6 network has 2^64 addresses, and they are written in many ways. */
static void addresses_of_one_network_have_their_tries_together(void **state)
{
    (void)state;
    static struct people people;
    char address[48];
    people_init(&people);
    memset(people.addresses.key, 7, sizeof people.addresses.key); /* networks that do not share a slot */
    for (int i = 0; i < 60; i++) {
        snprintf(address, sizeof address, i % 2 == 0 ? "2001:db8::%x" : "2001:db8::%x:0:1:1", i + 1);
        assert_true(may_try_from(&people, address));
    }
    assert_false(may_try_from(&people, "2001:db8::ffff"));
    assert_false(may_try_from(&people, "2001:db8:0:0:1:2:3:4"));
    assert_true(may_try_from(&people, "2001:db8:0:1::1"));
    assert_true(may_try_from(&people, "2001:db8:1::1"));
    assert_true(may_try_from(&people, "192.0.2.7"));
}

/* 60 from an address, 10 for a login, 10 from a browser that has signed in before (docs/API.md). */
static void who_has_signed_in_before_has_tries_of_their_own(void **state)
{
    (void)state;
    static struct people people;
    char known[KNOWN_MAX];
    char other[KNOWN_MAX];
    char login[16];
    people_init(&people);
    memset(people.known_key, 7, sizeof people.known_key);
    known_make(people.known_key, "ann", text_now_ms() / 1000, known);
    known_make(people.known_key, "ben", text_now_ms() / 1000, other);
    for (int i = 0; i < 60; i++) {
        snprintf(login, sizeof login, "nobody-%d", i);
        assert_true(people_may_try(&people, &(struct people_try){login, "192.0.2.7", ""}) == 0);
    }
    assert_true(people_may_try(&people, &(struct people_try){"ann", "192.0.2.7", ""}) > 0);
    assert_true(people_may_try(&people, &(struct people_try){"ann", "192.0.2.7", other}) > 0);
    for (int i = 0; i < 10; i++)
        assert_true(people_may_try(&people, &(struct people_try){"ann", "192.0.2.7", known}) == 0);
    assert_true(people_may_try(&people, &(struct people_try){"ann", "192.0.2.7", known}) > 0);
    people_tried_well(&people, &(struct people_try){"ann", "192.0.2.7", known});
    assert_true(people_may_try(&people, &(struct people_try){"ann", "192.0.2.7", known}) == 0);
}

static void a_known_browser_is_so_for_one_login_one_key_and_its_time(void **state)
{
    (void)state;
    const uint8_t key[SECRET_KEY_BYTES] = {1};
    const uint8_t another[SECRET_KEY_BYTES] = {2};
    char known[KNOWN_MAX];
    known_make(key, "ann", 1000, known);
    assert_true(known_is(key, "ann", 1000, known));
    assert_true(known_is(key, "ann", 1000 + KNOWN_S - 1, known));
    assert_false(known_is(key, "ann", 1000 + KNOWN_S, known));
    assert_false(known_is(key, "ben", 1000, known));
    assert_false(known_is(another, "ann", 1000, known));
    assert_false(known_is(key, "ann", 1000, ""));
    known[0]++;
    assert_false(known_is(key, "ann", 1000, known));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_signed_in_before_has_tries_of_their_own),
        cmocka_unit_test(a_known_browser_is_so_for_one_login_one_key_and_its_time),
        cmocka_unit_test(a_role_reaches_what_asks_for_it_or_less),
        cmocka_unit_test(only_an_admin_of_the_servers_own_organization_is_host),
        cmocka_unit_test(names_of_roles_and_areas_read_back),
        cmocka_unit_test(the_function_is_that_of_rfc_7914),
        cmocka_unit_test(a_hash_made_elsewhere_is_known),
        cmocka_unit_test(a_password_is_known_by_its_hash_and_never_twice_the_same),
        cmocka_unit_test(a_hash_that_is_none_is_nobodys),
        cmocka_unit_test(every_wrong_password_takes_as_long_as_nobodys),
        cmocka_unit_test(addresses_of_one_network_have_their_tries_together),
        cmocka_unit_test(a_poor_password_is_refused_with_a_reason),
        cmocka_unit_test(after_the_burst_tries_come_one_at_a_time),
        cmocka_unit_test(a_good_try_costs_nothing),
        cmocka_unit_test(one_key_does_not_spend_anothers_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
