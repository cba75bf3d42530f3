#include "cloud/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
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
    uint8_t raw[32];
    secret_random(raw, sizeof raw);
    text_base64(raw, sizeof raw, to);
    for (char *p = to; *p != '\0'; p++) {
        if (*p == '+')
            *p = '-';
        else if (*p == '/')
            *p = '_';
        else if (*p == '=')
            *p = '\0';
    }
    OPENSSL_cleanse(raw, sizeof raw);
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
