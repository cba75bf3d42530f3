/* Browsers from which somebody has signed in before. They have tries of their own, so that a stranger who
 * guesses at a login locks nobody out of it who uses it. A cookie says whose browser it is and until when,
 * under a key of all servers on the database; nothing is kept. */
#ifndef TANDEM_CLOUD_KNOWN_H
#define TANDEM_CLOUD_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/secret.h"

#define KNOWN_S   (90 * 24 * 3600)
#define KNOWN_MAX 96 /* of a cookie: seconds since 1970, a dot, hex */

void known_make(const uint8_t key[SECRET_KEY_BYTES], const char *login, int64_t now_s, char to[KNOWN_MAX]);
/* Whether it was made for this login, and is not over. */
bool known_is(const uint8_t key[SECRET_KEY_BYTES], const char *login, int64_t now_s, const char *cookie);

#endif
