/* Who asks, where proxies stand in front of the server: they say it in X-Forwarded-For, and so can anybody
 * else. So what a proxy says is believed only of the proxies that the operator named. */
#ifndef TANDEM_CLOUD_PROXY_H
#define TANDEM_CLOUD_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/store/records.h"

#define PROXIES_MAX 32

/* Addresses and networks of proxies; IPv4 is kept as IPv6 has it (::ffff:a.b.c.d). */
struct proxies {
    size_t count;
    struct proxy {
        uint8_t prefix[16];
        int bits;
    } list[PROXIES_MAX];
};

/* Adds what text names: addresses or networks, with commas between: "10.0.0.5,10.1.0.0/16,2001:db8::/32".
 * False if one is malformed or too many; *bad is where. */
bool proxies_add(struct proxies *proxies, const char *text, const char **bad);

/* Whether this address is one of them. */
bool proxies_name(const struct proxies *proxies, const char *address);

/* The client's address: peer, who connected; and if that is a proxy of ours, whom it names in forwarded (all
 * X-Forwarded-For in their order, with commas between), and so on as long as that is one, too. What stands
 * before the first address that no proxy of ours vouches for is the client's own claim. Returns to. */
const char *proxies_client(const struct proxies *proxies, const char *peer, const char *forwarded,
                           char to[RECORD_ADDRESS]);

#endif
