/* The ID token of OpenID Connect Core 1.0: who has signed in, signed by the provider (RFC 7515, RFC 7519).
 * Pure: a text, keys and a time in, a person or a reason out. */
#ifndef TANDEM_CLOUD_OIDC_ID_TOKEN_H
#define TANDEM_CLOUD_OIDC_ID_TOKEN_H

#include "cloud/oidc/keys.h"
#include "cloud/store/records.h"

#define ID_TOKEN_MAX         16384
#define ID_TOKEN_LEEWAY      60  /* seconds that clocks may differ */
#define ID_TOKEN_SUBJECT_MAX 256 /* 255 characters at most: Core, section 2 */

/* Why one is not taken. X(NAME, text) */
#define ID_TOKEN_RESULTS(X)                                                                                  \
    X(OK, "it is good")                                                                                      \
    X(MALFORMED, "it is no signed token")                                                                    \
    X(ALGORITHM, "it is not signed with RS256, PS256, ES256 or EdDSA, or not as its key is for")             \
    X(KEY, "the key that signed it is not among the provider's")                                             \
    X(SIGNATURE, "its signature is wrong")                                                                   \
    X(ISSUER, "another provider issued it")                                                                  \
    X(AUDIENCE, "it was issued for another client")                                                          \
    X(EXPIRED, "it has expired; compare the clocks of this server and the provider")                         \
    X(EARLY, "it is from the future; compare the clocks of this server and the provider")                    \
    X(NONCE, "it was issued for another sign-in")                                                            \
    X(SUBJECT, "it does not say whom it is about")

enum id_token_result {
#define ID_TOKEN_ENUM(name, text) ID_TOKEN_##name,
    ID_TOKEN_RESULTS(ID_TOKEN_ENUM)
#undef ID_TOKEN_ENUM
};

const char *id_token_text(enum id_token_result result);

struct id_token_expected {
    const char *issuer;
    const char *client;
    const char *nonce;
    int64_t now; /* seconds since 1970 */
};

/* Whom the provider names. */
struct person {
    char subject[ID_TOKEN_SUBJECT_MAX];
    char email[RECORD_LOGIN]; /* "" none, or one that is no login (lower case; a-z 0-9 . _ - + @) */
    bool email_verified;
    char name[RECORD_NAME]; /* "" none that fits */
};

/* Adds what the userinfo endpoint says of a person (Core, section 5.3.2). False if it is about somebody else.
 */
bool person_add(struct person *person, const json_t *claims);

/* Checks everything that Core, section 3.1.3.7 asks. person is filled in where the result is ID_TOKEN_OK. */
enum id_token_result id_token_verify(const char *token, const struct keys *keys,
                                     const struct id_token_expected *expected, struct person *person);

#endif
