/* People and programs: who they are, by what they show. Runs on the store's thread; results are enum
 * store_result. */
#ifndef TANDEM_CLOUD_PEOPLE_H
#define TANDEM_CLOUD_PEOPLE_H

#include "cloud/durations.h"
#include "cloud/people/caller.h"
#include "cloud/people/known.h"
#include "cloud/people/throttle.h"
#include "cloud/secret.h"
#include "cloud/store/store.h"

#define PEOPLE_SESSION_MS (7 * DAY_MS)   /* how long a session lives at most, */
#define PEOPLE_IDLE_MS    (12 * HOUR_MS) /* and without being used */

struct people {
    struct throttle accounts;  /* of sign-ins, by login */
    struct throttle addresses; /* and by the client's network */
    struct throttle browsers;  /* in place of both: from where that login has signed in before */
    uint8_t known_key[SECRET_KEY_BYTES];
};

void people_init(struct people *people);

/* The first start: while there is no account, makes the admin of the first organization, an API token and a
 * one-time password for it. Otherwise both stay "". */
TDM_MUST_USE int people_first(struct store *store, int64_t now, char token[SECRET_TOKEN_MAX],
                              char password[SECRET_TOKEN_MAX]);

/* Who shows this session's secret, or this token. STORE_NOT_FOUND: nobody, or not any more. */
TDM_MUST_USE int people_by_session(struct store *store, const char *secret, int64_t now,
                                   struct caller *caller);
TDM_MUST_USE int people_by_token(struct store *store, const char *secret, int64_t now, struct caller *caller);

/* Begins a session of account, and makes its secret. */
TDM_MUST_USE int people_begin_session(struct store *store, const struct account *account, const char *address,
                                      const char *agent, int64_t now, char secret[SECRET_TOKEN_MAX]);

/* Who tries to sign in. */
struct people_try {
    const char *login; /* NULL where it is not known yet */
    const char *address;
    const char *known; /* the browser's cookie (known.h), "" none */
};
/* Whether that login signed in from this browser before. */
bool people_know(const struct people *people, const struct people_try *who);
/* Takes a try to sign in. 0, or how long to wait in milliseconds. */
int64_t people_may_try(struct people *people, const struct people_try *who);
/* It was a good one. */
void people_tried_well(struct people *people, const struct people_try *who);

#endif
