#include "cloud/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "cloud/text.h"

void secret_random(void *to, size_t bytes)
{
    if (RAND_bytes(to, (int)bytes) != 1) {
        fputs("tandem-cloud: the system gives no random bytes; nothing safe can be done without them\n",
              stderr);
        abort();
    }
}

void secret_token(char to[SECRET_TOKEN_MAX])
{
    uint8_t raw[SECRET_TOKEN_RANDOM];
    secret_random(raw, sizeof raw);
    text_base64(raw, sizeof raw, to);
    for (char *p = to; *p != '\0'; p++) {
        if (*p == '+')
            *p = '-';
        else if (*p == '/')
            *p = '_';
    }
    OPENSSL_cleanse(raw, sizeof raw);
}

bool secret_token_fits(const char *token)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t bytes = strlen(token);
    return bytes >= SECRET_TOKEN_MAX - 1 && bytes < SECRET_TOKEN_ANY_MAX &&
           strspn(token, characters) == bytes;
}

void secret_hash(const char *token, uint8_t hash[SECRET_HASH_BYTES])
{
    SHA256((const unsigned char *)token, strlen(token), hash);
}

bool secret_equal(const void *a, const void *b, size_t bytes)
{
    return CRYPTO_memcmp(a, b, bytes) == 0;
}

void secret_mac(const uint8_t key[SECRET_KEY_BYTES], const char *text, uint8_t mac[SECRET_HASH_BYTES])
{
    unsigned int length = 0;
    if (HMAC(EVP_sha256(), key, SECRET_KEY_BYTES, (const unsigned char *)text, strlen(text), mac, &length) ==
        NULL)
        abort();
}

static EVP_MAC_CTX *prepare(const uint8_t key[SECRET_KEY_BYTES])
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ready = EVP_MAC_CTX_new(hmac);
    if (ready == NULL || EVP_MAC_init(ready, key, SECRET_KEY_BYTES, parameters) != 1)
        abort();
    EVP_MAC_free(hmac);
    return ready;
}

void secret_sign(struct secret_signer *signer, const char *text, uint8_t mac[SECRET_HASH_BYTES])
{
    size_t length = 0;
    bool fresh = signer->ready == NULL;
    if (fresh)
        signer->ready = prepare(signer->key);
    if ((!fresh && EVP_MAC_init(signer->ready, NULL, 0, NULL) != 1) ||
        EVP_MAC_update(signer->ready, (const unsigned char *)text, strlen(text)) != 1 ||
        EVP_MAC_final(signer->ready, mac, &length, SECRET_HASH_BYTES) != 1)
        abort();
}

void secret_signer_clear(struct secret_signer *signer)
{
    EVP_MAC_CTX_free(signer->ready);
    signer->ready = NULL;
}

#define SEAL_IV_BYTES  12
#define SEAL_TAG_BYTES 16

size_t secret_seal(const uint8_t key[SECRET_KEY_BYTES], const void *data, size_t bytes, uint8_t *to)
{
    int length = 0;
    int more = 0;
    uint8_t *iv = to;
    uint8_t *tag = to + SEAL_IV_BYTES;
    uint8_t *text = tag + SEAL_TAG_BYTES;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    secret_random(iv, SEAL_IV_BYTES);
    if (cipher == NULL || EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, iv) != 1 ||
        (bytes > 0 && EVP_EncryptUpdate(cipher, text, &length, data, (int)bytes) != 1) ||
        EVP_EncryptFinal_ex(cipher, text + length, &more) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_BYTES, tag) != 1)
        abort();
    EVP_CIPHER_CTX_free(cipher);
    return bytes + SECRET_SEAL_BYTES;
}

size_t secret_unseal(const uint8_t key[SECRET_KEY_BYTES], const uint8_t *sealed, size_t bytes, void *to)
{
    int length = 0;
    int more = 0;
    uint8_t tag[SEAL_TAG_BYTES];
    if (bytes <= SECRET_SEAL_BYTES)
        return 0;
    memcpy(tag, sealed + SEAL_IV_BYTES, sizeof tag);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher == NULL)
        abort();
    bool ok = EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
              EVP_DecryptUpdate(cipher, to, &length, sealed + SECRET_SEAL_BYTES,
                                (int)(bytes - SECRET_SEAL_BYTES)) == 1 &&
              EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_BYTES, tag) == 1 &&
              EVP_DecryptFinal_ex(cipher, (uint8_t *)to + length, &more) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return ok ? bytes - SECRET_SEAL_BYTES : 0;
}
