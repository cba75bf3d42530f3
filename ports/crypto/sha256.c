/* SHA-256 by BearSSL. */
#include "tandem/digest.h"

#include <bearssl.h>

typedef char tdm_hash_holds_sha256[sizeof(br_sha256_context) <= sizeof(struct tdm_hash) ? 1 : -1];

void tdm_sha256_init(struct tdm_hash *hash)
{
    br_sha256_init((br_sha256_context *)(void *)hash->opaque);
}

void tdm_sha256_update(struct tdm_hash *hash, const void *data, size_t bytes)
{
    br_sha256_update((br_sha256_context *)(void *)hash->opaque, data, bytes);
}

void tdm_sha256_result(const struct tdm_hash *hash, uint8_t digest[TDM_SHA256_BYTES])
{
    br_sha256_out((const br_sha256_context *)(const void *)hash->opaque, digest);
}
