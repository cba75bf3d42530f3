/* Found by the first eight bytes of the hash, then compared whole: what an attacker learns from timing is
 * about hashes, which cannot be chosen byte by byte. */
#include "cloud/net/devices/tokens.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint8_t hash[SECRET_HASH_BYTES];
    int64_t owner;
};

static uint64_t key_of(const uint8_t hash[SECRET_HASH_BYTES])
{
    uint64_t key;
    memcpy(&key, hash, sizeof key);
    return key;
}

static struct entry *find(const struct tokens *tokens, const uint8_t hash[SECRET_HASH_BYTES])
{
    struct entry *entry = idmap_get(&tokens->map, key_of(hash));
    return entry != NULL && secret_equal(entry->hash, hash, sizeof entry->hash) ? entry : NULL;
}

int64_t tokens_add(struct tokens *tokens, const uint8_t hash[SECRET_HASH_BYTES], int64_t owner)
{
    const struct entry *known = find(tokens, hash);
    int64_t before = known != NULL ? known->owner : 0;
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        abort();
    memcpy(entry->hash, hash, SECRET_HASH_BYTES);
    entry->owner = owner;
    free(idmap_set(&tokens->map, key_of(hash), entry));
    return before;
}

bool tokens_remove(struct tokens *tokens, const uint8_t hash[SECRET_HASH_BYTES], int64_t owner)
{
    const struct entry *entry = find(tokens, hash);
    bool is_its = entry != NULL && entry->owner == owner;
    if (is_its)
        free(idmap_remove(&tokens->map, key_of(hash)));
    return is_its;
}

int64_t tokens_find(const struct tokens *tokens, const void *token, size_t bytes)
{
    char text[SECRET_TOKEN_ANY_MAX] = "";
    uint8_t hash[SECRET_HASH_BYTES];
    /* What cannot be a token is looked for as the empty one, which nobody has. */
    if (bytes > 0 && bytes < sizeof text && memchr(token, '\0', bytes) == NULL)
        memcpy(text, token, bytes);
    secret_hash(text, hash);
    const struct entry *entry = find(tokens, hash);
    return entry != NULL ? entry->owner : 0;
}

void tokens_free(struct tokens *tokens)
{
    size_t at = 0;
    for (void *entry; (entry = idmap_next(&tokens->map, &at)) != NULL;)
        free(entry);
    idmap_free(&tokens->map);
}
