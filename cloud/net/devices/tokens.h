/* Tokens in memory, by hash, so that no login waits for a database. The event loop's own. */
#ifndef TANDEM_CLOUD_TOKENS_H
#define TANDEM_CLOUD_TOKENS_H

#include "cloud/idmap.h"
#include "cloud/secret.h"

/* All zero is empty. */
struct tokens {
    struct idmap map;
};

/* The device that had it until now, 0 if none did. */
int64_t tokens_add(struct tokens *tokens, const uint8_t hash[SECRET_HASH_BYTES], int64_t owner);
/* Whether it was this owner's; if not, it stays. */
bool tokens_remove(struct tokens *tokens, const uint8_t hash[SECRET_HASH_BYTES], int64_t owner);
/* The owner of token (bytes, not terminated), 0 if there is none. Takes the same time for every wrong token.
 */
int64_t tokens_find(const struct tokens *tokens, const void *token, size_t bytes);
void tokens_free(struct tokens *tokens);

#endif
