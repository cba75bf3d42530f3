#include "tandem/digest.h"

void tdm_sha256(const void *data, size_t bytes, uint8_t digest[TDM_SHA256_BYTES])
{
    struct tdm_hash hash;

    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, data, bytes);
    tdm_sha256_result(&hash, digest);
}

bool tdm_equal(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    uint8_t difference = 0;

    while (bytes-- > 0)
        difference |= (uint8_t)(*x++ ^ *y++);
    return difference == 0;
}
