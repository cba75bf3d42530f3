/* SHA-256 by BearSSL. */
#include "tandem/digest.h"

#include <bearssl.h>

typedef char tdm_hash_holds_sha256[sizeof(br_sha256_context) <= sizeof(struct tdm_hash) ? 1 : -1];

/* FIPS 180-4, section 5.3.3. BearSSL's own way to start brings a table with all that a hash can do. */
static const uint8_t initial[TDM_SHA256_BYTES] = {
    0x6A, 0x09, 0xE6, 0x67, 0xBB, 0x67, 0xAE, 0x85, 0x3C, 0x6E, 0xF3, 0x72, 0xA5, 0x4F, 0xF5, 0x3A,
    0x51, 0x0E, 0x52, 0x7F, 0x9B, 0x05, 0x68, 0x8C, 0x1F, 0x83, 0xD9, 0xAB, 0x5B, 0xE0, 0xCD, 0x19,
};

void tdm_sha256_init(struct tdm_hash *hash)
{
    br_sha256_set_state((br_sha256_context *)(void *)hash->opaque, initial, 0);
}

void tdm_sha256_update(struct tdm_hash *hash, const void *data, size_t bytes)
{
    br_sha256_update((br_sha256_context *)(void *)hash->opaque, data, bytes);
}

void tdm_sha256_result(const struct tdm_hash *hash, uint8_t digest[TDM_SHA256_BYTES])
{
    br_sha256_out((const br_sha256_context *)(const void *)hash->opaque, digest);
}
