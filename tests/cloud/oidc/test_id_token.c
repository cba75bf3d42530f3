/* Keys, signatures and tokens, with the examples of RFC 7515. What a provider does wrong is in
 * tests/cloud/server/test_oidc.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/oidc/base64url.h"
#include "cloud/oidc/fetch.h"
#include "cloud/oidc/id_token.h"

/* Appendix A.2 and A.3: the same claims, {"iss":"joe", "exp":1300819380, "http://example.com/is_root":true}.
 */
#define RSA_N                                                                                                \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-" \
    "SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-"        \
    "KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"    \
    "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define RSA_KEY   "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}"
#define PS256_KEY "{\"kty\":\"RSA\",\"alg\":\"PS256\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}"
#define EC_X      "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y      "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC_KEY    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}"
#define ED_X      "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" /* RFC 8037, appendix A.2 */
#define ED_KEY    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\"}"
#define CLAIMS                                                                                               \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RS256_TOKEN                                                                                          \
    "eyJhbGciOiJSUzI1NiJ9." CLAIMS "."                                                                       \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9u"  \
    "JdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_"   \
    "eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5" \
    "AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define ES256_TOKEN                                                                                          \
    "eyJhbGciOiJFUzI1NiJ9." CLAIMS "."                                                                       \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

static struct keys *keys_of(const char *list)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"keys\":[%s]}", list);
    json_t *set = json_loads(text, 0, NULL);
    assert_non_null(set);
    struct keys *keys = keys_parse(set);
    json_decref(set);
    return keys;
}

/* They are for no client, so a good signature is told by getting that far. */
static enum id_token_result verify(const char *token, const char *list)
{
    const struct id_token_expected expected = {
        .issuer = "joe", .client = "c", .nonce = "n", .now = 1300819000};
    struct person person;
    struct keys *keys = keys_of(list);
    assert_non_null(keys);
    enum id_token_result result = id_token_verify(token, keys, &expected, &person);
    keys_free(keys);
    return result;
}

static void the_examples_of_rfc_7515_verify(void **state)
{
    (void)state;
    assert_int_equal(verify(RS256_TOKEN, RSA_KEY), ID_TOKEN_AUDIENCE);
    assert_int_equal(verify(ES256_TOKEN, EC_KEY), ID_TOKEN_AUDIENCE);
    assert_int_equal(verify(RS256_TOKEN, EC_KEY "," RSA_KEY), ID_TOKEN_AUDIENCE);
}

/* RFC 8037, appendix A.4: its payload is no JSON, so the key is asked itself. */
static void the_example_of_rfc_8037_verifies(void **state)
{
    (void)state;
    static const char signed_text[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    static const char signature_text[] =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    uint8_t signature[64];
    struct keys *keys = keys_of(ED_KEY);
    assert_non_null(keys);
    const struct key *key = keys_find(keys, NULL, KEY_EDDSA);
    assert_non_null(key);
    assert_int_equal(base64url_decode(signature_text, strlen(signature_text), signature, sizeof signature),
                     64);
    assert_true(key_verify(key, KEY_EDDSA, signed_text, strlen(signed_text), signature, sizeof signature));
    assert_false(key_verify(key, KEY_ES256, signed_text, strlen(signed_text), signature, sizeof signature));
    assert_false(
        key_verify(key, KEY_EDDSA, signed_text, strlen(signed_text) - 1, signature, sizeof signature));
    assert_false(key_verify(key, KEY_EDDSA, signed_text, strlen(signed_text), signature, 63));
    keys_free(keys);
}

static void one_changed_letter_is_a_wrong_signature(void **state)
{
    (void)state;
    char token[] = ES256_TOKEN;
    size_t last = strlen(token) - 2;
    token[last] = token[last] == 'A' ? 'B' : 'A';
    assert_int_equal(verify(token, EC_KEY), ID_TOKEN_SIGNATURE);
    char claims[] = RS256_TOKEN;
    char *letter = strchr(claims, '.') + 12;
    assert_int_equal(*letter, 'q'); /* of "joe" */
    *letter = 'r';
    assert_int_not_equal(verify(claims, RSA_KEY), ID_TOKEN_AUDIENCE);
}

static void a_key_verifies_its_own_algorithm_alone(void **state)
{
    (void)state;
    assert_int_equal(verify(RS256_TOKEN, EC_KEY), ID_TOKEN_KEY);
    assert_int_equal(verify(ES256_TOKEN, RSA_KEY), ID_TOKEN_KEY);
    assert_int_equal(verify(RS256_TOKEN, RSA_KEY "," RSA_KEY), ID_TOKEN_KEY); /* which? */
    assert_int_equal(verify(RS256_TOKEN, PS256_KEY), ID_TOKEN_KEY);
    assert_int_equal(verify(RS256_TOKEN, PS256_KEY "," RSA_KEY), ID_TOKEN_AUDIENCE);
    assert_int_equal(key_algorithm_parse("none"), KEY_ALGORITHM_COUNT);
    assert_int_equal(key_algorithm_parse("HS256"), KEY_ALGORITHM_COUNT);
    assert_int_equal(key_algorithm_parse(""), KEY_ALGORITHM_COUNT);
}

static void keys_that_are_weak_broken_or_for_something_else_are_left_out(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "",
        "7,null,{},[]",
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "{\"kty\":\"RSA\",\"use\":\"enc\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}",
        "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}",
        "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAk\",\"e\":\"AQAB\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_X "\"}", /* not on the curve */
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" ED_X "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"ES256\",\"x\":\"" ED_X "\"}",
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        assert_null(keys_of(lists[i]));
}

/* Appendix C of RFC 7515. */
static void base64url_is_without_padding_and_has_one_text_for_a_value(void **state)
{
    (void)state;
    static const uint8_t octets[] = {3, 236, 255, 224, 193};
    static const char *const wrong[] = {"A", "A-z_4ME=", "A-z_4MF", "A+z/4ME", "A-z_ 4ME"};
    uint8_t decoded[8];
    char encoded[BASE64URL_MAX(sizeof octets)];
    assert_string_equal(base64url_encode(octets, sizeof octets, encoded), "A-z_4ME");
    assert_int_equal(base64url_decode("A-z_4ME", 7, decoded, sizeof decoded), sizeof octets);
    assert_memory_equal(decoded, octets, sizeof octets);
    assert_int_equal(base64url_decode("", 0, decoded, sizeof decoded), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(base64url_decode(wrong[i], strlen(wrong[i]), decoded, sizeof decoded), -1);
    assert_int_equal(base64url_decode("A-z_4ME", 7, decoded, 4), -1);
}

static void only_tls_and_this_machine_are_asked(void **state)
{
    (void)state;
    static const char *const good[] = {"https://a.example", "https://a.example:8443/x?y",
                                       "http://127.0.0.1:80", "http://localhost/x", "http://[::1]"};
    static const char *const bad[] = {"",
                                      "https://",
                                      "https:///x",
                                      "http://a.example",
                                      "http://127.0.0.1.a.example",
                                      "http://localhosts",
                                      "http://127.0.0.1:80@a.example",
                                      "https://a.example#x",
                                      "https://a b",
                                      "file:///etc/passwd",
                                      "ftp://127.0.0.1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(fetch_is_safe(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(fetch_is_safe(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_7515_verify),
        cmocka_unit_test(the_example_of_rfc_8037_verifies),
        cmocka_unit_test(one_changed_letter_is_a_wrong_signature),
        cmocka_unit_test(a_key_verifies_its_own_algorithm_alone),
        cmocka_unit_test(keys_that_are_weak_broken_or_for_something_else_are_left_out),
        cmocka_unit_test(base64url_is_without_padding_and_has_one_text_for_a_value),
        cmocka_unit_test(only_tls_and_this_machine_are_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
