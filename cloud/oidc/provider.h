/* Sign-in by an identity provider: OpenID Connect Core 1.0, authorization code flow, with PKCE (RFC 7636).
 *
 *     browser        this server                             provider
 *        | begin --------> |  discovery, unless it is known ----> |
 *        | <-- cookie, redirect                                   |
 *        | ----- signs in there ---------------------------------> |
 *        | <---------------------------- redirect: code, state -- |
 *        | end ----------> |  code, verifier -------------------> |
 *        |                 |  <------------------------ ID token  |
 *        |                 |  userinfo, unless it had an address > |
 *        | <-- session     |
 *
 * Nothing is kept between the two requests: state, nonce and PKCE's verifier are MACs of the cookie under the
 * server's own key. Whoever shows a state that fits a cookie has both from here, and no other cookie fits. */
#ifndef TANDEM_CLOUD_OIDC_PROVIDER_H
#define TANDEM_CLOUD_OIDC_PROVIDER_H

#include "cloud/durations.h"
#include "cloud/oidc/fetch.h"
#include "cloud/oidc/id_token.h"
#include "cloud/people/role.h"
#include "cloud/secret.h"

#define PROVIDER_TRIP_S     600     /* to sign in at the provider and come back */
#define PROVIDER_LIMIT_MS   10000   /* for all that is asked of it in one request */
#define PROVIDER_KNOWN_MS   HOUR_MS /* how long what it said about itself is used */
#define PROVIDER_URL_MAX    512     /* of its own addresses */
#define PROVIDER_SECRET_MAX 256

struct provider_settings {
    const char *issuer; /* NULL: there is no provider */
    const char *client_id;
    const char *secret_file;
    const char *ca; /* a file: the authorities that its certificate is checked against; NULL: the system's */
    const char *public_url; /* of this server: people come back to it */
    bool admits;            /* people that no admin has added, */
    enum role role;         /* with this role */
    int64_t organization;   /* in this organization */
};

/* One sign-in, in one request. */
struct trip {
    char cookie[64]; /* the browser's; "" none */
    char state[80];  /* what it came back with; "" none */
    char code[2048];
    char error[64];
    char issuer[PROVIDER_URL_MAX]; /* RFC 9207; "" none */
    bool page;                     /* whoever asks reads pages, not JSON */
    int64_t deadline_ms;           /* of text_steady_ms */
    /* What came of it: */
    int status; /* 0: it went well; else a refusal of HTTP, and why */
    char why[FETCH_WHY_MAX + 100];
    char location[2048]; /* where the browser goes next, "" nowhere */
    struct person person;
    char subject[RECORD_SUBJECT]; /* the person, as accounts are linked to it */
};

struct provider;

/* key: of this deployment, used for nothing else. False, and why: a setting is wrong. */
struct provider *provider_open(const struct provider_settings *settings, const uint8_t key[SECRET_KEY_BYTES],
                               char *why, size_t capacity);
/* What is under way ends soon, with a failure. */
void provider_stop(struct provider *provider);
void provider_free(struct provider *provider);
const struct provider_settings *provider_settings(const struct provider *provider);

/* On a worker: makes a cookie, and the location to go to with it. */
void provider_begin(struct provider *provider, struct trip *trip);
/* Whether the state is that of the cookie, the time is not over, and the provider sent a code. */
bool provider_returned(const struct provider *provider, struct trip *trip);
/* On a worker, after that: the code for an ID token, which is verified, for a person. */
void provider_redeem(struct provider *provider, struct trip *trip);

#endif
