#include "cloud/people/password.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "cloud/secret.h"
#include "cloud/text.h"

#define SALT_BYTES 16
#define KEY_BYTES  32
#define PART_MAX   64 /* bytes of a salt or key that is read */
#define MEMORY_MAX ((uint64_t)64 << 20)

struct cost {
    unsigned log2_n;
    unsigned r;
    unsigned p;
};

static const struct cost costs[] = {
    [PASSWORD_CHOSEN] = {15, 8, 3},
    [PASSWORD_GENERATED] = {10, 8, 1},
};

static bool derive(const char *password, const struct cost *cost, const uint8_t *salt, size_t salt_bytes,
                   uint8_t *key, size_t key_bytes)
{
    return EVP_PBE_scrypt(password, strlen(password), salt, salt_bytes, (uint64_t)1 << cost->log2_n, cost->r,
                          cost->p, MEMORY_MAX, key, key_bytes) == 1;
}

bool password_hash(const char *password, enum password_source source, char to[PASSWORD_HASH_MAX])
{
    const struct cost *cost = &costs[source];
    uint8_t salt[SALT_BYTES];
    uint8_t key[KEY_BYTES];
    char salt_hex[2 * SALT_BYTES + 1];
    char key_hex[2 * KEY_BYTES + 1];
    secret_random(salt, sizeof salt);
    if (!derive(password, cost, salt, sizeof salt, key, sizeof key))
        return false;
    snprintf(to, PASSWORD_HASH_MAX, "scrypt:%u:%u:%u:%s:%s", cost->log2_n, cost->r, cost->p,
             text_hex(salt, sizeof salt, salt_hex), text_hex(key, sizeof key, key_hex));
    return true;
}

/* One hex field up to end; its length in bytes, 0 if it is not hex. */
static size_t read_part(const char *from, const char *end, uint8_t to[PART_MAX])
{
    char hex[2 * PART_MAX + 1];
    size_t digits = (size_t)(end - from);
    if (digits % 2 != 0 || digits > 2 * PART_MAX)
        return 0;
    memcpy(hex, from, digits);
    hex[digits] = '\0';
    return text_hex_parse(hex, to, digits / 2) ? digits / 2 : 0;
}

struct stored {
    struct cost cost;
    uint8_t salt[PART_MAX];
    size_t salt_bytes;
    uint8_t key[PART_MAX];
    size_t key_bytes;
};

static bool read_hash(const char *hash, struct stored *stored)
{
    int at = 0;
    struct cost *cost = &stored->cost;
    if (sscanf(hash, "scrypt:%2u:%2u:%2u:%n", &cost->log2_n, &cost->r, &cost->p, &at) != 3 || at == 0)
        return false;
    const char *colon = strchr(hash + at, ':');
    if (colon == NULL || cost->log2_n < 1 || cost->log2_n > 16 || cost->r < 1 || cost->p < 1)
        return false;
    stored->salt_bytes = read_part(hash + at, colon, stored->salt);
    stored->key_bytes = read_part(colon + 1, hash + strlen(hash), stored->key);
    return stored->salt_bytes > 0 && stored->key_bytes > 0;
}

static uint64_t work_of(const struct cost *cost)
{
    return ((uint64_t)cost->r * cost->p) << cost->log2_n;
}

/* Nobody's password is looked at for as long as somebody's, and a generated one for as long as one that was
 * chosen: the time says nothing of who exists. */
static void take_the_time(const struct cost *spent)
{
    const struct cost *cost = &costs[PASSWORD_CHOSEN];
    const uint8_t salt[SALT_BYTES] = {0};
    uint8_t key[KEY_BYTES];
    if (work_of(spent) < work_of(cost))
        (void)derive("", cost, salt, sizeof salt, key, sizeof key);
}

bool password_verify(const char *password, const char *hash)
{
    struct stored stored = {0};
    uint8_t key[PART_MAX];
    bool known = read_hash(hash, &stored);
    if (!known)
        stored.cost = (struct cost){0};
    bool equal = known &&
                 derive(password, &stored.cost, stored.salt, stored.salt_bytes, key, stored.key_bytes) &&
                 secret_equal(key, stored.key, stored.key_bytes);
    OPENSSL_cleanse(key, sizeof key);
    if (!equal)
        take_the_time(&stored.cost);
    return equal;
}

const char *password_objection(const char *password, const char *login)
{
    if (text_characters(password) < PASSWORD_LETTERS_MIN)
        return "it must have 12 characters at least; several words in a row are easy to keep in mind";
    if (strlen(password) >= PASSWORD_MAX)
        return "it must have 256 bytes at most";
    if (strcasestr(password, login) != NULL)
        return "it must not contain the login name";
    if (strspn(password, (char[]){password[0], '\0'}) == strlen(password))
        return "it must not be one character over and over";
    return NULL;
}
