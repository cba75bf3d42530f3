/* The token of a download link: which device may fetch which firmware until when, signed. Nothing is stored.
 */
#ifndef TANDEM_CLOUD_TICKET_H
#define TANDEM_CLOUD_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/durations.h"
#include "cloud/secret.h"

#define TICKET_MAX         112
#define TICKET_LIFETIME_MS DAY_MS

struct ticket {
    int64_t device;
    int64_t firmware;
    int64_t expires; /* milliseconds since 1970 */
    int64_t form;    /* in which it comes, 0: as it was uploaded */
};

void ticket_write(const struct ticket *ticket, struct secret_signer *signer, char to[TICKET_MAX]);
/* False if the text is no ticket, or the signature is not ours. The caller checks firmware and expiry. */
bool ticket_read(struct ticket *ticket, const uint8_t key[SECRET_KEY_BYTES], const char *text);

#endif
