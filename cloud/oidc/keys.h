/* The public keys of an identity provider (JSON Web Key Set, RFC 7517): RSA, P-256 and Ed25519, for
 * signatures. What a key may verify is fixed by its type, and by its `alg` where it has one, whatever a
 * token's header says. */
#ifndef TANDEM_CLOUD_OIDC_KEYS_H
#define TANDEM_CLOUD_OIDC_KEYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYS_MAX 32 /* of a set; those behind are left out */

/* X(NAME, `alg` of RFC 7518 and RFC 8037, `kty`) */
#define KEY_ALGORITHMS(X)                                                                                    \
    X(RS256, "RS256", "RSA")                                                                                 \
    X(PS256, "PS256", "RSA")                                                                                 \
    X(ES256, "ES256", "EC")                                                                                  \
    X(EDDSA, "EdDSA", "OKP")

enum key_algorithm {
#define KEY_ALGORITHM_ENUM(name, alg, kty) KEY_##name,
    KEY_ALGORITHMS(KEY_ALGORITHM_ENUM)
#undef KEY_ALGORITHM_ENUM
        KEY_ALGORITHM_COUNT
};

/* KEY_ALGORITHM_COUNT for any other, "none" and the HMACs among them. */
enum key_algorithm key_algorithm_parse(const char *alg);

struct keys;
struct key;

/* Takes what is of use from a set: RSA of 2048 to 8192 bits, P-256, Ed25519, not said to be for anything
 * else.
 * NULL if there is no such key. */
struct keys *keys_parse(const json_t *set);
void keys_free(struct keys *keys);

/* The key with this id; without one (NULL) the only one that there is for the algorithm. NULL if there is
 * none. */
const struct key *keys_find(const struct keys *keys, const char *kid, enum key_algorithm algorithm);

bool key_is_for(const struct key *key, enum key_algorithm algorithm);
/* Whether the key is for this algorithm, and made this signature. */
bool key_verify(const struct key *key, enum key_algorithm algorithm, const void *data, size_t bytes,
                const uint8_t *signature, size_t signature_bytes);

#endif
