#include "cloud/people/people.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/durations.h"
#include "cloud/people/password.h"
#include "cloud/text.h"

#define NOTE_MS MINUTE_MS /* a use is noted once in so long */

/* Ten tries at once, then one in half a minute: 3,000 a day for whoever guesses one account. */
#define ACCOUNT_BURST     10
#define ACCOUNT_REFILL_MS 30000
/* An office behind one address signs in within a minute; somebody who walks through names does not. */
#define ADDRESS_BURST     60
#define ADDRESS_REFILL_MS 5000

void people_init(struct people *people)
{
    throttle_init(&people->accounts, ACCOUNT_BURST, ACCOUNT_REFILL_MS);
    throttle_init(&people->addresses, ADDRESS_BURST, ADDRESS_REFILL_MS);
    throttle_init(&people->browsers, ACCOUNT_BURST, ACCOUNT_REFILL_MS);
}

static int add_first_token(struct store *store, const struct account *account, char secret[SECRET_TOKEN_MAX])
{
    struct api_token token = {
        .account = account->id, .name = "admin.token", .role = ROLE_ADMIN, .created = account->created};
    secret_token(secret);
    secret_hash(secret, token.hash);
    return store_token_add(store, &token);
}

int people_first(struct store *store, int64_t now, char token[SECRET_TOKEN_MAX],
                 char password[SECRET_TOKEN_MAX])
{
    struct account account = {.organization = RECORD_FIRST_ORGANIZATION,
                              .login = "admin",
                              .role = ROLE_ADMIN,
                              .once = true,
                              .created = now};
    struct account *there;
    size_t count;
    token[0] = '\0';
    password[0] = '\0';
    int result = store_accounts(store, 0, (struct page){.limit = 1}, &there, &count);
    if (result == STORE_OK)
        free(there);
    if (result != STORE_OK || count > 0)
        return result;
    secret_token(password);
    if (!password_hash(password, PASSWORD_GENERATED, account.password))
        return STORE_FAILED;
    result = store_account_add(store, &account);
    return result == STORE_OK ? add_first_token(store, &account, token) : result;
}

/* The caller as account, once that is known to be good. */
static int become(struct store *store, int64_t id, struct caller *caller)
{
    struct account account;
    int result = store_account_get(store, id, &account);
    if (result == STORE_OK && account.disabled)
        result = STORE_NOT_FOUND;
    if (result != STORE_OK)
        return result;
    caller->account = account.id;
    caller->organization = account.organization;
    caller->role = (enum role)account.role;
    memcpy(caller->login, account.login, sizeof caller->login);
    return STORE_OK;
}

int people_by_session(struct store *store, const char *secret, int64_t now, struct caller *caller)
{
    uint8_t hash[SECRET_HASH_BYTES];
    struct session session;
    *caller = (struct caller){.areas = AREAS_ALL};
    secret_hash(secret, hash);
    int result = store_session_find(store, hash, &session);
    if (result != STORE_OK)
        return result;
    if (now - session.used > PEOPLE_IDLE_MS || now - session.created > PEOPLE_SESSION_MS)
        return STORE_NOT_FOUND;
    caller->session = session.id;
    caller->once = session.once;
    result = become(store, session.account, caller);
    if (result == STORE_OK && now - session.used > NOTE_MS)
        result = store_session_used(store, session.id, now);
    return result;
}

int people_by_token(struct store *store, const char *secret, int64_t now, struct caller *caller)
{
    uint8_t hash[SECRET_HASH_BYTES];
    struct api_token token;
    *caller = (struct caller){0};
    secret_hash(secret, hash);
    int result = store_token_find(store, hash, &token);
    if (result != STORE_OK)
        return result;
    if (token.expires != 0 && token.expires <= now)
        return STORE_NOT_FOUND;
    caller->token = token.id;
    caller->ends = token.expires;
    caller->areas = token.areas != 0 ? (uint32_t)token.areas : AREAS_ALL;
    result = become(store, token.account, caller);
    if (caller->role > (enum role)token.role)
        caller->role = (enum role)token.role;
    if (result == STORE_OK && now - token.used > NOTE_MS)
        result = store_token_used(store, token.id, now);
    return result;
}

int people_begin_session(struct store *store, const struct account *account, const char *address,
                         const char *agent, int64_t now, char secret[SECRET_TOKEN_MAX])
{
    struct account signed_in = *account;
    struct session session = {.account = account->id, .created = now, .used = now, .once = account->once};
    snprintf(session.address, sizeof session.address, "%s", address);
    snprintf(session.agent, sizeof session.agent, "%s", agent);
    text_mend(session.agent);
    secret_token(secret);
    secret_hash(secret, session.hash);
    signed_in.last_login = now;
    int result = store_sessions_expire(store, now - PEOPLE_IDLE_MS, now - PEOPLE_SESSION_MS);
    if (result == STORE_OK)
        result = store_account_update(store, &signed_in);
    return result == STORE_OK ? store_session_add(store, &session) : result;
}

/* What one client has to itself: an IPv4 address, or the first half of an IPv6 address. */
static const char *network_of(const char *address, char to[RECORD_ADDRESS])
{
    struct in6_addr six;
    snprintf(to, RECORD_ADDRESS, "%s", address);
    if (inet_pton(AF_INET6, address, &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six))
        return to;
    memset(six.s6_addr + 8, 0, 8);
    (void)inet_ntop(AF_INET6, &six, to, RECORD_ADDRESS);
    return to;
}

bool people_know(const struct people *people, const struct people_try *who)
{
    return who->login != NULL && known_is(people->known_key, who->login, text_now_ms() / 1000, who->known);
}

int64_t people_may_try(struct people *people, const struct people_try *who)
{
    char network[RECORD_ADDRESS];
    int64_t now = text_steady_ms();
    if (people_know(people, who))
        return throttle_take(&people->browsers, who->known, now);
    int64_t wait = throttle_take(&people->addresses, network_of(who->address, network), now);
    if (wait > 0 || who->login == NULL)
        return wait;
    wait = throttle_take(&people->accounts, who->login, now);
    if (wait > 0)
        throttle_return(&people->addresses, network);
    return wait;
}

void people_tried_well(struct people *people, const struct people_try *who)
{
    char network[RECORD_ADDRESS];
    if (people_know(people, who)) {
        throttle_return(&people->browsers, who->known);
        return;
    }
    throttle_return(&people->addresses, network_of(who->address, network));
    if (who->login != NULL)
        throttle_return(&people->accounts, who->login);
}
