#include "cloud/fleet/firmware/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#define HALF (RECORD_POINT_BYTES / 2)

static bool refuse(char *why, size_t capacity, const char *text)
{
    snprintf(why, capacity, "%s", text);
    return false;
}

static EVP_PKEY *read_pem(const char *pem)
{
    BIO *memory = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = memory == NULL ? NULL : PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL);
    BIO_free(memory);
    return key;
}

/* X and Y of a key on P-256. */
static bool take_point(const EVP_PKEY *pkey, uint8_t point[RECORD_POINT_BYTES])
{
    char group[64] = "";
    uint8_t encoded[1 + RECORD_POINT_BYTES];
    size_t bytes = 0;
    if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) != 1 ||
        strcmp(group, SN_X9_62_prime256v1) != 0 ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded, &bytes) !=
            1 ||
        bytes != sizeof encoded || encoded[0] != POINT_CONVERSION_UNCOMPRESSED)
        return false;
    memcpy(point, encoded + 1, RECORD_POINT_BYTES);
    return true;
}

bool key_parse(const char *pem, struct signing_key *key, char *why, size_t capacity)
{
    uint8_t digest[RECORD_DIGEST_BYTES];
    unsigned int length = 0;
    if (strstr(pem, "PRIVATE KEY") != NULL)
        return refuse(
            why, capacity,
            "this is a private key: keep it where packages are signed, and make a new one if it was "
            "meant to be secret; give the .pub file that `tandem keygen` wrote beside it");
    EVP_PKEY *pkey = read_pem(pem);
    bool ok = pkey != NULL && take_point(pkey, key->point);
    EVP_PKEY_free(pkey);
    if (!ok)
        return refuse(why, capacity,
                      "not a public ECDSA P-256 key in PEM; give the .pub file that `tandem keygen` wrote");
    EVP_Digest(key->point, RECORD_POINT_BYTES, digest, &length, EVP_sha256(), NULL);
    key->key_id = (int64_t)(digest[0] | (uint32_t)digest[1] << 8 | (uint32_t)digest[2] << 16 |
                            (uint32_t)digest[3] << 24);
    return true;
}

/* --- Signatures --- */

static EVP_PKEY *from_point(const uint8_t point[RECORD_POINT_BYTES])
{
    uint8_t encoded[1 + RECORD_POINT_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    memcpy(encoded + 1, point, RECORD_POINT_BYTES);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)SN_X9_62_prime256v1, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded),
        OSSL_PARAM_construct_end(),
    };
    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1)
        (void)EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(context);
    return pkey;
}

/* OpenSSL wants r and s in DER. */
static int to_der(const uint8_t signature[2 * HALF], uint8_t **der)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, HALF, NULL);
    BIGNUM *s = BN_bin2bn(signature + HALF, HALF, NULL);
    int bytes = -1;
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* the pair's */
        bytes = i2d_ECDSA_SIG(pair, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return bytes;
}

/* Did this key sign it? */
static bool has_signed(const struct signing_key *key, const struct firmware *firmware)
{
    uint8_t *der = NULL;
    int bytes = to_der(firmware->signature, &der);
    EVP_PKEY *pkey = from_point(key->point);
    EVP_PKEY_CTX *context = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = bytes > 0 && context != NULL && EVP_PKEY_verify_init(context) == 1 &&
              EVP_PKEY_verify(context, der, (size_t)bytes, firmware->head_digest, RECORD_DIGEST_BYTES) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(pkey);
    OPENSSL_free(der);
    return ok;
}

int key_find_signer(struct fleet *fleet, struct firmware *firmware)
{
    struct signing_key *keys = NULL;
    size_t count = 0;
    firmware->signer = 0;
    if (!firmware->package || firmware->key_id == 0)
        return STORE_OK;
    int result = store_keys(fleet->store, firmware->organization, firmware->key_id, &keys, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        if (has_signed(&keys[i], firmware))
            firmware->signer = keys[i].id;
    }
    free(keys);
    return result == STORE_OK && count > 0 && firmware->signer == 0 ? STORE_CONFLICT : result;
}

int key_add(struct fleet *fleet, struct signing_key *key)
{
    struct firmware *firmware;
    size_t count;
    key->created = fleet->now;
    int result = store_key_add(fleet->store, key);
    if (result == STORE_OK)
        result = store_firmwares(fleet->store, key->organization, &firmware, &count);
    if (result != STORE_OK)
        return result;
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        if (firmware[i].key_id == key->key_id && has_signed(key, &firmware[i]))
            result = store_firmware_signed(fleet->store, firmware[i].id, key->id);
    }
    free(firmware);
    return result;
}
