/* Tokens in memory, and whose they are when servers tell of them in another order than it happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/net/devices/tokens.h"

#define TOKEN "NrEsQx97BPbzVHXS1xi0TVcB2bhdOS42"

static int64_t find(const struct tokens *tokens)
{
    return tokens_find(tokens, TOKEN, strlen(TOKEN));
}

static void a_token_logs_in_its_owner_until_it_ends(void **state)
{
    struct tokens tokens = {0};
    uint8_t hash[SECRET_HASH_BYTES];
    (void)state;
    secret_hash(TOKEN, hash);
    assert_int_equal(find(&tokens), 0);
    assert_int_equal(tokens_add(&tokens, hash, 1), 0);
    assert_int_equal(find(&tokens), 1);
    assert_int_equal(tokens_find(&tokens, TOKEN, strlen(TOKEN) - 1), 0);
    assert_true(tokens_remove(&tokens, hash, 1));
    assert_int_equal(find(&tokens), 0);
    assert_false(tokens_remove(&tokens, hash, 1));
    tokens_free(&tokens);
}

static void the_end_of_a_token_that_passed_on_is_not_the_new_owner_s(void **state)
{
    struct tokens tokens = {0};
    uint8_t hash[SECRET_HASH_BYTES];
    (void)state;
    secret_hash(TOKEN, hash);
    (void)tokens_add(&tokens, hash, 1);
    assert_int_equal(tokens_add(&tokens, hash, 2), 1);
    assert_int_equal(tokens_add(&tokens, hash, 2), 2);
    assert_false(tokens_remove(&tokens, hash, 1));
    assert_int_equal(find(&tokens), 2);
    tokens_free(&tokens);
}

static void a_token_that_somebody_else_made_has_a_form(void **state)
{
    (void)state;
    assert_true(secret_token_fits(TOKEN));
    assert_true(secret_token_fits(TOKEN TOKEN));
    assert_true(secret_token_fits("abcdefghijklmnopqrstuvwxyz01234-_"));
    assert_false(secret_token_fits(TOKEN TOKEN "x"));
    assert_false(secret_token_fits(&TOKEN[1]));
    assert_false(secret_token_fits("abcdefghijklmnopqrstuvwxyz01234 5"));
    assert_false(secret_token_fits(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_logs_in_its_owner_until_it_ends),
        cmocka_unit_test(the_end_of_a_token_that_passed_on_is_not_the_new_owner_s),
        cmocka_unit_test(a_token_that_somebody_else_made_has_a_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
