#include "cloud/people/known.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/store/records.h"
#include "cloud/text.h"

static void spell(const uint8_t key[SECRET_KEY_BYTES], const char *login, int64_t until_s, char to[KNOWN_MAX])
{
    char text[RECORD_LOGIN + 32];
    char hex[2 * SECRET_HASH_BYTES + 1];
    uint8_t mac[SECRET_HASH_BYTES];
    snprintf(text, sizeof text, "%" PRId64 " %s", until_s, login);
    secret_mac(key, text, mac);
    snprintf(to, KNOWN_MAX, "%" PRId64 ".%s", until_s, text_hex(mac, sizeof mac, hex));
}

void known_make(const uint8_t key[SECRET_KEY_BYTES], const char *login, int64_t now_s, char to[KNOWN_MAX])
{
    spell(key, login, now_s + KNOWN_S, to);
}

bool known_is(const uint8_t key[SECRET_KEY_BYTES], const char *login, int64_t now_s, const char *cookie)
{
    char expected[KNOWN_MAX];
    int64_t until_s = strtoll(cookie, NULL, 10);
    if (until_s <= now_s)
        return false;
    spell(key, login, until_s, expected);
    return strlen(cookie) == strlen(expected) && secret_equal(cookie, expected, strlen(expected));
}
