#include "cloud/net/doors/proxy_header.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define LINE_MAX_BYTES 107 /* version 1: with its line end */
#define FIXED          16  /* version 2: signature, version and command, family, length */
#define VERSION_LOCAL  0x20
#define VERSION_PROXY  0x21
#define FAMILY_INET    1
#define FAMILY_INET6   2
#define INET_BYTES     12 /* both addresses and both ports */
#define INET6_BYTES    36

static const uint8_t signature[12] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

/* --- Version 1: "PROXY TCP4 192.0.2.1 198.51.100.1 56324 8883\r\n" --- */

/* The next word, up to a space or the end; it is cut out of the line. */
static char *next_word(char **rest)
{
    char *word = *rest;
    char *space = strchr(word, ' ');
    if (space != NULL)
        *space = '\0';
    *rest = space != NULL ? space + 1 : word + strlen(word);
    return word;
}

/* As an address is written for people; false if it is not of that family. */
static bool take_address(int family, const char *text, char client[PROXY_HEADER_CLIENT])
{
    uint8_t address[sizeof(struct in6_addr)];
    return inet_pton(family, text, address) == 1 &&
           inet_ntop(family, address, client, PROXY_HEADER_CLIENT) != NULL;
}

static bool read_line(char *line, char client[PROXY_HEADER_CLIENT])
{
    char other[PROXY_HEADER_CLIENT];
    char *rest = line;
    (void)next_word(&rest); /* PROXY */
    const char *kind = next_word(&rest);
    if (strcmp(kind, "UNKNOWN") == 0)
        return true;
    int family = strcmp(kind, "TCP4") == 0 ? AF_INET : strcmp(kind, "TCP6") == 0 ? AF_INET6 : AF_UNSPEC;
    if (family == AF_UNSPEC || !take_address(family, next_word(&rest), client) ||
        !take_address(family, next_word(&rest), other)) {
        client[0] = '\0';
        return false;
    }
    return true;
}

static int read_text(const uint8_t *bytes, size_t count, char client[PROXY_HEADER_CLIENT])
{
    char line[LINE_MAX_BYTES + 1];
    size_t most = count < LINE_MAX_BYTES ? count : LINE_MAX_BYTES;
    const uint8_t *end = memchr(bytes, '\n', most);
    if (end == NULL)
        return most < LINE_MAX_BYTES ? PROXY_HEADER_MORE : PROXY_HEADER_REFUSED;
    size_t length = (size_t)(end - bytes) + 1;
    if (length < 2 || end[-1] != '\r' || memchr(bytes, '\0', length) != NULL)
        return PROXY_HEADER_REFUSED;
    memcpy(line, bytes, length - 2);
    line[length - 2] = '\0';
    return read_line(line, client) ? (int)length : PROXY_HEADER_REFUSED;
}

/* --- Version 2: binary --- */

static int read_binary(const uint8_t *bytes, size_t count, char client[PROXY_HEADER_CLIENT])
{
    if (count < FIXED)
        return PROXY_HEADER_MORE;
    size_t length = (size_t)(bytes[14] << 8 | bytes[15]);
    int family = bytes[13] >> 4;
    size_t least = family == FAMILY_INET ? INET_BYTES : family == FAMILY_INET6 ? INET6_BYTES : 0;
    if ((bytes[12] != VERSION_PROXY && bytes[12] != VERSION_LOCAL) || FIXED + length > PROXY_HEADER_MAX)
        return PROXY_HEADER_REFUSED;
    if (count < FIXED + length)
        return PROXY_HEADER_MORE;
    if (bytes[12] == VERSION_PROXY && length < least)
        return PROXY_HEADER_REFUSED;
    if (bytes[12] == VERSION_PROXY && least > 0)
        inet_ntop(family == FAMILY_INET ? AF_INET : AF_INET6, bytes + FIXED, client, PROXY_HEADER_CLIENT);
    return (int)(FIXED + length);
}

int proxy_header_read(const uint8_t *bytes, size_t count, char client[PROXY_HEADER_CLIENT])
{
    static const char word[] = "PROXY ";
    size_t as_text = count < sizeof word - 1 ? count : sizeof word - 1;
    size_t as_binary = count < sizeof signature ? count : sizeof signature;
    client[0] = '\0';
    if (memcmp(bytes, word, as_text) == 0)
        return as_text < sizeof word - 1 ? PROXY_HEADER_MORE : read_text(bytes, count, client);
    if (memcmp(bytes, signature, as_binary) == 0)
        return as_binary < sizeof signature ? PROXY_HEADER_MORE : read_binary(bytes, count, client);
    return PROXY_HEADER_REFUSED;
}
