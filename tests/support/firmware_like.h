/* Images that compress and differ as firmware does: few kinds of words, literal pools, and in a newer version
 * code put in and taken out, with the addresses behind it changed. The same on every machine. */
#ifndef TESTS_SUPPORT_FIRMWARE_LIKE_H
#define TESTS_SUPPORT_FIRMWARE_LIKE_H

#include <stdint.h>

void firmware_like(uint8_t *to, uint32_t bytes, uint32_t seed);

/* A newer version of base; returns its length, at most base_bytes + 4096. */
uint32_t firmware_newer(uint8_t *to, const uint8_t *base, uint32_t base_bytes, uint32_t seed);

#endif
