/* SHA-256 (FIPS 180-4) for little flash: 1 KB less of it than BearSSL's on a Cortex-M0, and 0.2 KB less of
 * stack, for it keeps 16 words of the message schedule instead of 64. The names are those of the standard. */
#include "tandem/digest.h"

#include <string.h>

#define BLOCK_BYTES 64
#define LENGTH_AT   56 /* in the last block: bits hashed, as 64 bits */

struct sha256 {
    uint32_t state[8];
    uint32_t length; /* bytes; 4 GiB are more than any flash here holds */
    uint8_t block[BLOCK_BYTES];
};

typedef char tdm_hash_holds_sha256[sizeof(struct sha256) <= sizeof(struct tdm_hash) ? 1 : -1];

static const uint32_t initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned bits)
{
    return x >> bits | x << (32 - bits);
}

static uint32_t load(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static void store(uint8_t *to, uint32_t word)
{
    to[0] = (uint8_t)(word >> 24);
    to[1] = (uint8_t)(word >> 16);
    to[2] = (uint8_t)(word >> 8);
    to[3] = (uint8_t)word;
}

/* Word t of the message schedule; those more than 16 back are needed no more. */
static uint32_t schedule(uint32_t w[16], unsigned t)
{
    uint32_t x = w[(t + 1) % 16], y = w[(t + 14) % 16];

    return w[t % 16] +=
           (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + w[(t + 9) % 16] + (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
}

static void compress(uint32_t state[8], const uint8_t block[BLOCK_BYTES])
{
    uint32_t w[16];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

    for (unsigned t = 0; t < 64; t++) {
        uint32_t word = t < 16 ? w[t] = load(block + 4 * t) : schedule(w, t);
        uint32_t t1 = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + word;
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));

        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void add_byte(struct sha256 *sha, uint8_t byte)
{
    sha->block[sha->length++ % BLOCK_BYTES] = byte;
    if (sha->length % BLOCK_BYTES == 0)
        compress(sha->state, sha->block);
}

void tdm_sha256_init(struct tdm_hash *hash)
{
    struct sha256 *sha = (struct sha256 *)(void *)hash->opaque;

    memcpy(sha->state, initial, sizeof initial);
    sha->length = 0;
}

void tdm_sha256_update(struct tdm_hash *hash, const void *data, size_t bytes)
{
    const uint8_t *from = data;

    while (bytes-- > 0)
        add_byte((struct sha256 *)(void *)hash->opaque, *from++);
}

void tdm_sha256_result(const struct tdm_hash *hash, uint8_t digest[TDM_SHA256_BYTES])
{
    struct sha256 sha;
    uint32_t length;

    memcpy(&sha, hash->opaque, sizeof sha);
    length = sha.length;
    add_byte(&sha, 0x80);
    while (sha.length % BLOCK_BYTES != LENGTH_AT)
        add_byte(&sha, 0);
    store(sha.block + LENGTH_AT, length >> 29);
    store(sha.block + LENGTH_AT + 4, length << 3);
    compress(sha.state, sha.block);
    for (unsigned i = 0; i < 8; i++)
        store(digest + 4 * i, sha.state[i]);
}
