#include "ncpd/base/hex.h"

#include <string.h>

void hex_encode(char *to, const uint8_t *from, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes; i++) {
        to[2 * i] = digits[from[i] >> 4];
        to[2 * i + 1] = digits[from[i] & 15];
    }
    to[2 * bytes] = '\0';
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 0x20);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool hex_decode(uint8_t *to, size_t bytes, const char *text)
{
    if (strlen(text) != 2 * bytes)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        to[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int base64_value(char digit)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

bool base64_decode(uint8_t *to, size_t bytes, const char *text)
{
    size_t digits = (bytes * 8 + 5) / 6;
    uint32_t window = 0;
    unsigned bits = 0;

    if (strlen(text) != (bytes + 2) / 3 * 4 || strspn(text + digits, "=") != strlen(text + digits))
        return false;
    for (size_t i = 0; i < digits; i++) {
        int value = base64_value(text[i]);

        if (value < 0)
            return false;
        window = window << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *to++ = (uint8_t)(window >> bits);
        }
    }
    return true;
}
