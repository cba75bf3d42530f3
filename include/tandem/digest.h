/* CRC-32, SHA-256, MD5 and the signature hook.
 *
 * CRC-32 is the library's own (core/image/crc32.c). The others are declared here and provided by files of
 * ports/crypto/ that the build selects; those there serve every target. */
#ifndef TANDEM_DIGEST_H
#define TANDEM_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TDM_SHA256_BYTES     32
#define TDM_MD5_BYTES        16
#define TDM_SIGNATURE_BYTES  64 /* r, s: 32 bytes each, big-endian */
#define TDM_PUBLIC_KEY_BYTES 64 /* X, Y: 32 bytes each, big-endian */

/* CRC-32 (reflected 0xEDB88320, initial and final 0xFFFFFFFF), continued from crc; start with 0. */
uint32_t tdm_crc32(uint32_t crc, const void *data, size_t bytes);

/* A running hash; the provider's context fits inside. */
struct tdm_hash {
    uint64_t opaque[14];
};

void tdm_sha256_init(struct tdm_hash *hash);
void tdm_sha256_update(struct tdm_hash *hash, const void *data, size_t bytes);
/* The digest of what was hashed so far; the hash may go on afterwards. */
void tdm_sha256_result(const struct tdm_hash *hash, uint8_t digest[TDM_SHA256_BYTES]);

/* The digest of one piece of memory: core/image/digest.c. */
void tdm_sha256(const void *data, size_t bytes, uint8_t digest[TDM_SHA256_BYTES]);

void tdm_md5_init(struct tdm_hash *hash);
void tdm_md5_update(struct tdm_hash *hash, const void *data, size_t bytes);
void tdm_md5_result(const struct tdm_hash *hash, uint8_t digest[TDM_MD5_BYTES]);

/* The signature hook: true if signature is valid for the SHA-256 digest under key. Takes 0.1 to 3 s on a
 * small MCU, does not touch flash, and feeds no watchdog. */
typedef bool tdm_verify_fn(const uint8_t digest[TDM_SHA256_BYTES],
                           const uint8_t signature[TDM_SIGNATURE_BYTES],
                           const uint8_t key[TDM_PUBLIC_KEY_BYTES]);

/* ECDSA P-256: ports/crypto/bearssl.c. */
bool tdm_p256_verify(const uint8_t digest[TDM_SHA256_BYTES], const uint8_t signature[TDM_SIGNATURE_BYTES],
                     const uint8_t key[TDM_PUBLIC_KEY_BYTES]);

/* Compares in constant time. */
bool tdm_equal(const void *a, const void *b, size_t bytes);

#endif
