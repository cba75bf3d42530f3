/* One request to an identity provider: JSON, of a bounded size, in a bounded time, over TLS with a verified
 * certificate. It waits, so it runs on a worker (workers.h). */
#ifndef TANDEM_CLOUD_OIDC_FETCH_H
#define TANDEM_CLOUD_OIDC_FETCH_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FETCH_BYTES_MAX (256 * 1024)
#define FETCH_WHY_MAX   300

/* Whether it is https, or http to this machine: nothing else is ever asked. No fragment, no spaces, and no
 * user. */
bool fetch_is_safe(const char *url);

struct fetch {
    const char *url;
    const char *ca;       /* a PEM file of authorities, NULL: the system's */
    const char *form;     /* a body to POST, NULL: GET */
    const char *user;     /* of HTTP Basic, already encoded; NULL: none */
    const char *password; /* the same */
    const char *bearer;   /* an access token in their place (RFC 6750); NULL: none */
    int64_t deadline_ms;  /* of text_steady_ms */
    const atomic_bool *stop;
    long status; /* what it answered, 0: not at all */
    char why[FETCH_WHY_MAX];
};

/* The object that was answered, whatever the status. NULL: there was none in time, and why says what
 * happened. Redirects are not followed. */
json_t *fetch_json(struct fetch *fetch);

/* Percent-encoded, for a query, a form, or Basic (RFC 6749, section 2.3.1). False if it does not fit. */
bool fetch_encode(const char *text, char *to, size_t capacity);

#endif
