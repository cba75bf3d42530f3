/* Signing keys that the cloud knows: public halves, so that it can say who signed a package. */
#ifndef TANDEM_CLOUD_KEY_H
#define TANDEM_CLOUD_KEY_H

#include "cloud/fleet/base/fleet.h"

/* Reads a public key in PEM. False if packages can't be signed with it; why says what to do. A
 * private key is refused: it has no business here. */
bool key_parse(const char *pem, struct signing_key *key, char *why, size_t capacity);

/* Sets firmware->signer, if one of the known keys signed it. STORE_CONFLICT: it names a known key, which did
 * not. */
TDM_MUST_USE int key_find_signer(struct fleet *fleet, struct firmware *firmware);

/* Adds a key, and says of the packages that it signed that it did. STORE_CONFLICT: name or key are known. */
TDM_MUST_USE int key_add(struct fleet *fleet, struct signing_key *key);

#endif
