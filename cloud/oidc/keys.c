#include "cloud/oidc/keys.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "cloud/oidc/base64url.h"

#define KID_MAX       200
#define RSA_BITS_MIN  2048
#define RSA_BITS_MAX  8192
#define P256_BYTES    32
#define ED25519_BYTES 32
#define EXPONENT_MAX  8
#define SIGNATURE_DER 80 /* of two numbers of 32 bytes */

struct key {
    char kid[KID_MAX];   /* "" none */
    unsigned algorithms; /* a bit for each that it is for */
    EVP_PKEY *key;
};

struct keys {
    size_t count;
    struct key list[KEYS_MAX];
};

enum key_algorithm key_algorithm_parse(const char *alg)
{
    static const char *const names[] = {
#define KEY_ALGORITHM_NAME(name, alg, kty) alg,
        KEY_ALGORITHMS(KEY_ALGORITHM_NAME)
#undef KEY_ALGORITHM_NAME
    };
    int i = 0;
    while (i < KEY_ALGORITHM_COUNT && strcmp(names[i], alg) != 0)
        i++;
    return (enum key_algorithm)i;
}

/* --- Reading --- */

static long decode(const json_t *jwk, const char *member, uint8_t *to, size_t capacity)
{
    const json_t *text = json_object_get(jwk, member);
    return json_is_string(text)
               ? base64url_decode(json_string_value(text), json_string_length(text), to, capacity)
               : -1;
}

static EVP_PKEY *make(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || context == NULL)
        abort();
    if (EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *make_rsa(const json_t *jwk)
{
    uint8_t modulus[RSA_BITS_MAX / 8];
    uint8_t exponent[EXPONENT_MAX];
    long modulus_bytes = decode(jwk, "n", modulus, sizeof modulus);
    long exponent_bytes = decode(jwk, "e", exponent, sizeof exponent);
    if (modulus_bytes < RSA_BITS_MIN / 8 || exponent_bytes < 1)
        return NULL;
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_bytes, NULL);
    BIGNUM *e = BN_bin2bn(exponent, (int)exponent_bytes, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (n == NULL || e == NULL || builder == NULL)
        abort();
    EVP_PKEY *key = NULL;
    if (BN_num_bits(n) >= RSA_BITS_MIN && BN_is_odd(e) && !BN_is_one(e) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        key = make("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

/* A point that is not on the curve is refused by fromdata. */
static EVP_PKEY *make_p256(const json_t *jwk)
{
    uint8_t point[1 + 2 * P256_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    const char *curve = json_string_value(json_object_get(jwk, "crv"));
    if (curve == NULL || strcmp(curve, "P-256") != 0 ||
        decode(jwk, "x", point + 1, P256_BYTES) != P256_BYTES ||
        decode(jwk, "y", point + 1 + P256_BYTES, P256_BYTES) != P256_BYTES)
        return NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder == NULL)
        abort();
    EVP_PKEY *key = NULL;
    if (OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        key = make("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static EVP_PKEY *make_ed25519(const json_t *jwk)
{
    uint8_t point[ED25519_BYTES];
    const char *curve = json_string_value(json_object_get(jwk, "crv"));
    if (curve == NULL || strcmp(curve, "Ed25519") != 0 ||
        decode(jwk, "x", point, sizeof point) != (long)sizeof point)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, sizeof point);
}

/* The member is absent, or says this. */
static bool may_be(const json_t *jwk, const char *member, const char *value)
{
    const json_t *said = json_object_get(jwk, member);
    return said == NULL || (json_is_string(said) && strcmp(json_string_value(said), value) == 0);
}

static bool take(struct key *key, const json_t *jwk)
{
    static const struct {
        const char *kty;
        const char *alg;
        EVP_PKEY *(*make)(const json_t *jwk);
    } kinds[] = {
        [KEY_RS256] = {"RSA", "RS256", make_rsa},
        [KEY_PS256] = {"RSA", "PS256", make_rsa},
        [KEY_ES256] = {"EC", "ES256", make_p256},
        [KEY_EDDSA] = {"OKP", "EdDSA", make_ed25519},
    };
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    const char *kid = json_string_value(json_object_get(jwk, "kid"));
    *key = (struct key){0};
    if (kty == NULL || (kid != NULL && strlen(kid) >= sizeof key->kid) || !may_be(jwk, "use", "sig"))
        return false;
    if (kid != NULL)
        memcpy(key->kid, kid, strlen(kid) + 1);
    for (unsigned i = 0; i < KEY_ALGORITHM_COUNT; i++) {
        if (strcmp(kinds[i].kty, kty) != 0 || !may_be(jwk, "alg", kinds[i].alg))
            continue;
        key->algorithms |= 1U << i;
        if (key->key == NULL)
            key->key = kinds[i].make(jwk);
    }
    return key->key != NULL;
}

struct keys *keys_parse(const json_t *set)
{
    const json_t *list = json_object_get(set, "keys");
    struct keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL)
        abort();
    for (size_t i = 0; i < json_array_size(list) && keys->count < KEYS_MAX; i++) {
        if (take(&keys->list[keys->count], json_array_get(list, i)))
            keys->count++;
    }
    if (keys->count > 0)
        return keys;
    free(keys);
    return NULL;
}

void keys_free(struct keys *keys)
{
    for (size_t i = 0; keys != NULL && i < keys->count; i++)
        EVP_PKEY_free(keys->list[i].key);
    free(keys);
}

/* --- Verifying --- */

const struct key *keys_find(const struct keys *keys, const char *kid, enum key_algorithm algorithm)
{
    const struct key *only = NULL;
    size_t fitting = 0;
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->list[i];
        if (kid != NULL && strcmp(key->kid, kid) == 0)
            return key;
        if (key_is_for(key, algorithm)) {
            only = key;
            fitting++;
        }
    }
    return kid == NULL && fitting == 1 ? only : NULL;
}

bool key_is_for(const struct key *key, enum key_algorithm algorithm)
{
    return (key->algorithms & 1U << algorithm) != 0;
}

/* RFC 7518, section 3.4: two numbers side by side; OpenSSL takes them as DER. Returns its length, 0 where it
 * is another. */
static int to_der(const uint8_t *signature, size_t bytes, uint8_t der[SIGNATURE_DER])
{
    uint8_t *end = der;
    if (bytes != 2 * P256_BYTES)
        return 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, P256_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(signature + P256_BYTES, P256_BYTES, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1)
        abort();
    int length = i2d_ECDSA_SIG(pair, &end);
    ECDSA_SIG_free(pair);
    return length > 0 ? length : 0;
}

static bool begin_verify(EVP_MD_CTX *context, const struct key *key, enum key_algorithm algorithm)
{
    EVP_PKEY_CTX *options;
    const EVP_MD *digest = algorithm == KEY_EDDSA ? NULL : EVP_sha256();
    if (EVP_DigestVerifyInit(context, &options, digest, NULL, key->key) != 1)
        return false;
    return algorithm != KEY_PS256 || (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
                                      EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1);
}

bool key_verify(const struct key *key, enum key_algorithm algorithm, const void *data, size_t bytes,
                const uint8_t *signature, size_t signature_bytes)
{
    uint8_t der[SIGNATURE_DER];
    if (!key_is_for(key, algorithm))
        return false;
    if (algorithm == KEY_ES256) {
        signature_bytes = (size_t)to_der(signature, signature_bytes, der);
        signature = der;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL)
        abort();
    bool good = signature_bytes > 0 && begin_verify(context, key, algorithm) &&
                EVP_DigestVerify(context, signature, signature_bytes, data, bytes) == 1;
    EVP_MD_CTX_free(context);
    return good;
}
