/* DEVICE-FIRMWARE-EXPIRES[-FORM]-SIGNATURE: numbers in hex without leading zeros, and the first 16 bytes of
 * the HMAC of what stands before. */
#include "cloud/fleet/firmware/ticket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/text.h"

#define SIGNATURE_BYTES 16

void ticket_write(const struct ticket *ticket, struct secret_signer *signer, char to[TICKET_MAX])
{
    uint8_t mac[SECRET_HASH_BYTES];
    char hex[2 * SIGNATURE_BYTES + 1];
    int length = snprintf(to, TICKET_MAX, "%" PRIx64 "-%" PRIx64 "-%" PRIx64, ticket->device,
                          ticket->firmware, ticket->expires);
    if (ticket->form != 0)
        length += snprintf(to + length, (size_t)(TICKET_MAX - length), "-%" PRIx64, ticket->form);
    secret_sign(signer, to, mac);
    snprintf(to + length, (size_t)(TICKET_MAX - length), "-%s", text_hex(mac, SIGNATURE_BYTES, hex));
}

bool ticket_read(struct ticket *ticket, const uint8_t key[SECRET_KEY_BYTES], const char *text)
{
    char claim[TICKET_MAX];
    char expected[2 * SIGNATURE_BYTES + 1];
    uint8_t mac[SECRET_HASH_BYTES];
    const char *dash = strrchr(text, '-');
    if (dash == NULL || (size_t)(dash - text) >= sizeof claim || strlen(dash + 1) != 2 * SIGNATURE_BYTES)
        return false;
    memcpy(claim, text, (size_t)(dash - text));
    claim[dash - text] = '\0';
    secret_mac(key, claim, mac);
    text_hex(mac, SIGNATURE_BYTES, expected);
    if (!secret_equal(expected, dash + 1, 2 * SIGNATURE_BYTES))
        return false;
    ticket->form = 0;
    return sscanf(claim, "%" SCNx64 "-%" SCNx64 "-%" SCNx64 "-%" SCNx64, (uint64_t *)&ticket->device,
                  (uint64_t *)&ticket->firmware, (uint64_t *)&ticket->expires,
                  (uint64_t *)&ticket->form) >= 3;
}
