#include "tests/support/firmware_like.h"

#include <string.h>

static uint32_t roll(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

void firmware_like(uint8_t *to, uint32_t bytes, uint32_t seed)
{
    static const uint8_t high[8] = {0x46, 0x68, 0x60, 0x20, 0xF7, 0xFF, 0xD1, 0xBD};
    uint32_t state = seed * 2654435761u | 1;

    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t kind = roll(&state) >> 28;

        if (i % 64 >= 56)
            to[i] = (uint8_t)(i % 4 == 3 ? 0 : i % 4 == 2 ? 1 : roll(&state) >> 20); /* an address */
        else if (kind < 3 && i >= 512)
            to[i] = to[i - 512];
        else
            to[i] = (uint8_t)(i % 2 == 0 ? roll(&state) >> 27 : high[roll(&state) >> 29]);
    }
}

uint32_t firmware_newer(uint8_t *to, const uint8_t *base, uint32_t base_bytes, uint32_t seed)
{
    uint32_t state = seed * 40503u | 1;
    uint32_t cut = base_bytes / 3;
    uint32_t grown = 100 + roll(&state) % 1000;
    uint32_t bytes = base_bytes + grown - 60;

    memcpy(to, base, cut);
    firmware_like(to + cut, grown, seed + 1);
    memcpy(to + cut + grown, base + cut + 60, base_bytes - cut - 60);
    for (uint32_t i = 58; i < bytes; i += 64 + (roll(&state) >> 30) * 64)
        to[i] = (uint8_t)(to[i] + 4); /* an address that moved */
    for (uint32_t i = 0; i < 20; i++)
        to[roll(&state) % bytes] ^= 1;
    return bytes;
}
