/* MD5 and ECDSA P-256 by BearSSL. */
#include "tandem/digest.h"

#include <bearssl.h>

#include <string.h>

typedef char tdm_hash_holds_md5[sizeof(br_md5_context) <= sizeof(struct tdm_hash) ? 1 : -1];

/* Curve code, chosen when the firmware is built: m15 is faster, prime_i15 7 KB smaller on a Cortex-M0. */
#ifndef TDM_CURVE
#define TDM_CURVE br_ec_p256_m15
#endif

void tdm_md5_init(struct tdm_hash *hash)
{
    br_md5_init((br_md5_context *)(void *)hash->opaque);
}

void tdm_md5_update(struct tdm_hash *hash, const void *data, size_t bytes)
{
    br_md5_update((br_md5_context *)(void *)hash->opaque, data, bytes);
}

void tdm_md5_result(const struct tdm_hash *hash, uint8_t digest[TDM_MD5_BYTES])
{
    br_md5_out((const br_md5_context *)(const void *)hash->opaque, digest);
}

bool tdm_p256_verify(const uint8_t digest[TDM_SHA256_BYTES], const uint8_t signature[TDM_SIGNATURE_BYTES],
                     const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    unsigned char point[1 + TDM_PUBLIC_KEY_BYTES];
    br_ec_public_key public_key;

    point[0] = 0x04; /* uncompressed */
    memcpy(point + 1, key, TDM_PUBLIC_KEY_BYTES);
    public_key.curve = BR_EC_secp256r1;
    public_key.q = point;
    public_key.qlen = sizeof point;
    return br_ecdsa_i15_vrfy_raw(&TDM_CURVE, digest, TDM_SHA256_BYTES, &public_key, signature,
                                 TDM_SIGNATURE_BYTES) == 1;
}
