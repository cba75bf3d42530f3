#include "cloud/people/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_BITS 128
#define MAPPED_BITS  96 /* of an IPv4 address as IPv6 has it, before its own */

/* Bytes of an address; *shift is how many bits stand before its own. */
static bool parse_address(const char *text, uint8_t bytes[16], int *shift)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    *shift = 0;
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return true;
    memcpy(bytes, mapped, sizeof mapped);
    *shift = MAPPED_BITS;
    return inet_pton(AF_INET, text, bytes + sizeof mapped) == 1;
}

/* A number of bits and nothing behind it, -1 for anything else. */
static int parse_bits(const char *text, int most)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return -1;
    long bits = strtol(text, &end, 10);
    return *end == '\0' && bits <= most ? (int)bits : -1;
}

static bool parse_proxy(char *text, struct proxy *proxy)
{
    int shift;
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    if (!parse_address(text, proxy->prefix, &shift))
        return false;
    int bits = slash == NULL ? ADDRESS_BITS - shift : parse_bits(slash + 1, ADDRESS_BITS - shift);
    proxy->bits = bits + shift;
    return bits >= 0;
}

bool proxies_add(struct proxies *proxies, const char *text, const char **bad)
{
    for (const char *from = text;;) {
        char one[RECORD_ADDRESS + 8];
        size_t bytes = strcspn(from, ",");
        *bad = from;
        if (bytes >= sizeof one || proxies->count == PROXIES_MAX)
            return false;
        memcpy(one, from, bytes);
        one[bytes] = '\0';
        if (!parse_proxy(one, &proxies->list[proxies->count]))
            return false;
        proxies->count++;
        if (from[bytes] == '\0')
            return true;
        from += bytes + 1;
    }
}

static bool is_within(const struct proxy *proxy, const uint8_t address[16])
{
    int whole = proxy->bits / 8;
    int rest = proxy->bits % 8;
    if (memcmp(proxy->prefix, address, (size_t)whole) != 0)
        return false;
    return rest == 0 || (proxy->prefix[whole] ^ address[whole]) >> (8 - rest) == 0;
}

static bool is_proxy(const struct proxies *proxies, const uint8_t address[16])
{
    for (size_t i = 0; i < proxies->count; i++) {
        if (is_within(&proxies->list[i], address))
            return true;
    }
    return false;
}

bool proxies_name(const struct proxies *proxies, const char *text)
{
    uint8_t address[16];
    int shift;
    return parse_address(text, address, &shift) && is_proxy(proxies, address);
}

/* The last address of the list's first *bytes, in the form that people know; *bytes then ends before it.
 * False if that is not an address. */
static bool take_last(const char *list, size_t *bytes, char text[RECORD_ADDRESS])
{
    size_t end = *bytes;
    while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t'))
        end--;
    size_t start = end;
    while (start > 0 && list[start - 1] != ',')
        start--;
    *bytes = start > 0 ? start - 1 : 0;
    while (start < end && (list[start] == ' ' || list[start] == '\t'))
        start++;
    if (end - start >= RECORD_ADDRESS)
        return false;
    memcpy(text, list + start, end - start);
    text[end - start] = '\0';
    uint8_t address[16];
    int shift;
    return parse_address(text, address, &shift);
}

const char *proxies_client(const struct proxies *proxies, const char *peer, const char *forwarded,
                           char to[RECORD_ADDRESS])
{
    uint8_t address[16];
    char next[RECORD_ADDRESS];
    int shift;
    size_t left = strlen(forwarded);
    snprintf(to, RECORD_ADDRESS, "%s", peer);
    while (left > 0 && parse_address(to, address, &shift) && is_proxy(proxies, address)) {
        if (!take_last(forwarded, &left, next))
            break; /* a proxy of ours wrote something else: all that is known is that proxy */
        memcpy(to, next, sizeof next);
    }
    return to;
}
