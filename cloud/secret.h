/* Tokens: made from random bytes, shown once, kept as SHA-256. */
#ifndef TANDEM_CLOUD_SECRET_H
#define TANDEM_CLOUD_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_HASH_BYTES 32
#define SECRET_KEY_BYTES  32

/* 24 bytes are 32 characters of base64url: clients in the field have room, and forms, for exactly so many. */
#define SECRET_TOKEN_RANDOM 24
#define SECRET_TOKEN_MAX    33

/* Tokens that were made longer stay good. */
#define SECRET_TOKEN_ANY_MAX 65

/* Random bytes of the system; ends the program if there are none, since nothing safe can follow. */
void secret_random(void *to, size_t bytes);

/* A new token, in characters that need no escaping in URLs, headers and shells. */
void secret_token(char to[SECRET_TOKEN_MAX]);

/* Whether a token that somebody else made can be one here: 32 to SECRET_TOKEN_ANY_MAX - 1 such characters. */
bool secret_token_fits(const char *token);

void secret_hash(const char *token, uint8_t hash[SECRET_HASH_BYTES]);
/* Compares in constant time. */
bool secret_equal(const void *a, const void *b, size_t bytes);
/* HMAC-SHA256 of text. */
void secret_mac(const uint8_t key[SECRET_KEY_BYTES], const char *text, uint8_t mac[SECRET_HASH_BYTES]);

/* The same for many texts under one key, which is prepared once. One thread uses it. */
struct secret_signer {
    uint8_t key[SECRET_KEY_BYTES];
    struct evp_mac_ctx_st *ready; /* NULL: not prepared yet */
};
void secret_sign(struct secret_signer *signer, const char *text, uint8_t mac[SECRET_HASH_BYTES]);
void secret_signer_clear(struct secret_signer *signer);

/* Encrypts and authenticates bytes (AES-256-GCM) under a key that is used for this alone. to has room for
 * SECRET_SEAL_BYTES more; returns how many they are then. */
#define SECRET_SEAL_BYTES 28
size_t secret_seal(const uint8_t key[SECRET_KEY_BYTES], const void *data, size_t bytes, uint8_t *to);
/* The other way round, into at most as much room. 0 if it was not sealed by this key. */
size_t secret_unseal(const uint8_t key[SECRET_KEY_BYTES], const uint8_t *sealed, size_t bytes, void *to);

#endif
