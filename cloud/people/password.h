/* Passwords: kept as scrypt (RFC 7914), a function that is slow and wants memory on purpose. Call the first
 * two on a worker (workers.h), never on the event loop or the desk. */
#ifndef TANDEM_CLOUD_PASSWORD_H
#define TANDEM_CLOUD_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_LETTERS_MIN 12
#define PASSWORD_MAX         257 /* bytes, with the NUL */
#define PASSWORD_HASH_MAX    160

enum password_source {
    PASSWORD_CHOSEN,   /* by a person: 32 MiB and about a quarter of a second per guess */
    PASSWORD_GENERATED /* by secret_token: nobody guesses it, so it costs a millisecond */
};

/* Writes "scrypt:LOG2N:R:P:SALT:KEY" with a new salt. False without memory. */
bool password_hash(const char *password, enum password_source source, char to[PASSWORD_HASH_MAX]);

/* Whether hash is password's. An empty or malformed hash is nobody's, and costs as much as a chosen
 * password's, so that the time says nothing about who exists. */
bool password_verify(const char *password, const char *hash);

/* NULL if a person may choose it, or what is wrong with it. */
const char *password_objection(const char *password, const char *login);

#endif
