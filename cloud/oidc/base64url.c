#include "cloud/oidc/base64url.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

long base64url_decode(const char *text, size_t length, void *to, size_t capacity)
{
    uint8_t *out = to;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;
        if (digit == NULL)
            return -1;
        bits = bits << 6 | (uint32_t)(digit - digits);
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (n == capacity)
            return -1;
        out[n++] = (uint8_t)(bits >> held);
        bits &= (1U << held) - 1;
    }
    /* A lone digit is no byte, and what is left over says nothing: one text per value. */
    return length % 4 == 1 || bits != 0 ? -1 : (long)n;
}

char *base64url_encode(const void *data, size_t bytes, char *to)
{
    const uint8_t *in = data;
    char *out = to;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < bytes; i++) {
        bits = bits << 8 | in[i];
        for (held += 8; held >= 6; held -= 6)
            *out++ = digits[bits >> (held - 6) & 63];
        bits &= (1U << held) - 1;
    }
    if (held > 0)
        *out++ = digits[bits << (6 - held) & 63];
    *out = '\0';
    return to;
}
