/* What provider.c, which knows the provider, and trip.c, which goes there and back, share. */
#ifndef TANDEM_CLOUD_OIDC_PROVIDER_INTERNAL_H
#define TANDEM_CLOUD_OIDC_PROVIDER_INTERNAL_H

#include <pthread.h>

#include <jansson.h>

#include "cloud/oidc/provider.h"

/* What the provider says about itself (OpenID Connect Discovery 1.0, section 3). */
struct endpoints {
    char authorization[PROVIDER_URL_MAX];
    char token[PROVIDER_URL_MAX];
    char keys[PROVIDER_URL_MAX];
    char userinfo[PROVIDER_URL_MAX]; /* "" none */
};

struct provider {
    struct provider_settings settings;
    char secret[PROVIDER_SECRET_MAX];
    char redirect[PROVIDER_URL_MAX];
    uint8_t key[SECRET_KEY_BYTES];
    atomic_bool stop;
    pthread_mutex_t lock; /* of what follows; never held while the provider is asked */
    struct endpoints endpoints;
    int64_t known_until; /* of text_steady_ms, 0: nothing is known */
    struct keys *keys;   /* NULL: not fetched yet */
};

/* Refuses the sign-in with this status and text. False, so that a caller can return it. */
bool provider__refuse(struct trip *trip, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a provider that fails. What exactly did is for whoever runs the server, not for everybody who
 * comes by: it is logged. */
bool provider__unavailable(struct trip *trip, const char *what);

/* What url answers, the caller's; bearer may be NULL. NULL: the sign-in is refused. */
json_t *provider__ask(const struct provider *provider, struct trip *trip, const char *url,
                      const char *bearer);

/* Its endpoints, from memory where they are known. False: the sign-in is refused. */
bool provider__discover(struct provider *provider, struct trip *trip, struct endpoints *endpoints);

/* Takes its keys anew from url. False: the sign-in is refused. */
bool provider__fetch_keys(struct provider *provider, struct trip *trip, const char *url);

#endif
