#include "cloud/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t text_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t text_steady_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *text_time(int64_t ms, char to[TEXT_TIME_MAX])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char whole[24];
    gmtime_r(&seconds, &utc);
    strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(to, TEXT_TIME_MAX, "%s.%03dZ", whole, (int)(ms % 1000));
    return to;
}

bool text_time_parse(const char *text, int64_t *ms)
{
    struct tm utc = {0};
    int millis = 0;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    if (rest == NULL)
        return false;
    if (*rest == '.') {
        int used = 0;
        if (sscanf(rest, ".%3d%n", &millis, &used) != 1 || used != 4 || millis < 0)
            return false;
        rest += used;
    }
    *ms = (int64_t)timegm(&utc) * 1000 + millis;
    return strcmp(rest, "Z") == 0 && *ms > 0;
}

char *text_hex(const void *data, size_t bytes, char *to)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = data;
    for (size_t i = 0; i < bytes; i++) {
        to[2 * i] = digits[from[i] >> 4];
        to[2 * i + 1] = digits[from[i] & 15];
    }
    to[2 * bytes] = '\0';
    return to;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool text_hex_parse(const char *text, void *to, size_t bytes)
{
    uint8_t *out = to;
    if (strlen(text) != 2 * bytes)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

char *text_base64(const void *data, size_t bytes, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *from = data;
    char *out = to;
    for (size_t i = 0; i < bytes; i += 3) {
        size_t have = bytes - i;
        uint32_t group = (uint32_t)from[i] << 16;
        group |= have > 1 ? (uint32_t)from[i + 1] << 8 : 0;
        group |= have > 2 ? from[i + 2] : 0;
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = have > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = have > 2 ? digits[group & 63] : '=';
    }
    *out = '\0';
    return to;
}

const char *text_id(char letter, int64_t id, char to[TEXT_ID_MAX])
{
    snprintf(to, TEXT_ID_MAX, "%c%" PRId64, letter, id);
    return to;
}

int64_t text_id_parse(char letter, const char *text)
{
    int64_t id = 0;
    if (text[0] != letter || text[1] == '\0' || text[1] == '0')
        return 0;
    for (const char *p = text + 1; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || id > INT64_MAX / 10 - 1)
            return 0;
        id = id * 10 + (*p - '0');
    }
    return id;
}

/* Length of the UTF-8 sequence at p (shortest form, no surrogates), 0 if the bytes left hold none. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t more = p[0] >= 0xF0 ? 3 : p[0] >= 0xE0 ? 2 : 1;
    if (p[0] < 0xC2 || p[0] > 0xF4 || more >= left)
        return 0;
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
        (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return more + 1;
}

size_t text_valid_bytes(const char *text, size_t bytes)
{
    size_t at = 0;
    size_t step = 1;
    while (at < bytes && step > 0) {
        step = utf8_sequence((const unsigned char *)text + at, bytes - at);
        at += step;
    }
    return at;
}

bool text_is_clean(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        size_t step = utf8_sequence(p, SIZE_MAX); /* the NUL ends it */
        if (step == 0 || *p < 0x20 || *p == 0x7F)
            return false;
        p += step;
    }
    return true;
}

bool text_take(char *to, size_t capacity, const char *from)
{
    size_t bytes = strlen(from);
    if (bytes >= capacity || !text_is_clean(from))
        return false;
    memcpy(to, from, bytes + 1);
    return true;
}

const char *text_json(const char *text, char *to, size_t capacity)
{
    char *out = to;
    const char *end = to + capacity - 8; /* room for the longest escape, the quote and the NUL */
    *out++ = '"';
    for (; *text != '\0' && out < end; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20) {
            out += snprintf(out, 7, "\\u%04x", c);
        } else {
            if (c == '"' || c == '\\')
                *out++ = '\\';
            *out++ = (char)c;
        }
    }
    *out++ = '"';
    *out = '\0';
    return to;
}

void text_mend(char *text)
{
    size_t at = strlen(text);
    while (at > 0 && ((unsigned char)text[at - 1] & 0xC0) == 0x80)
        at--;
    if (at > 0 && utf8_sequence((const unsigned char *)text + at - 1, SIZE_MAX) == 0)
        text[at - 1] = '\0';
}

size_t text_characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}
