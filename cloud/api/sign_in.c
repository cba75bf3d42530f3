/* Signing in by an identity provider (oidc/provider.h): to it, back, and who that is here. */
#include <string.h>

#include "cloud/api/api.h"
#include "cloud/text.h"

#define AWAY_MS 10000 /* after which a provider that is away is asked for again */

/* What "Sign in with ..." says: the host of the issuer. */
static json_t *render_provider(const struct provider *provider)
{
    if (provider == NULL)
        return json_null();
    const char *host = strstr(provider_settings(provider)->issuer, "://") + 3;
    return json_pack("{s:s%, s:s}", "name", host, strcspn(host, "/"), "url", "/api/v1/session/oidc");
}

int api_sign_in_show(struct api_call *call, struct fleet *fleet)
{
    (void)fleet;
    call->answer = json_pack("{s:o}", "oidc", render_provider(call->provider));
    return STORE_OK;
}

/* --- There --- */

static int refuse_without(struct api_call *call)
{
    return api_refuse(call, 404, "not offered",
                      "this server knows no identity provider; sign in with a password");
}

static int refuse_trip(struct api_call *call)
{
    bool away = call->trip->status == 503;
    const char *title = away ? "identity provider not available" : "sign-in refused";
    if (away)
        call->retry_after_ms = AWAY_MS;
    return api_refuse(call, call->trip->status, title, "%s", call->trip->why);
}

static void ask_begin(struct api_call *call)
{
    provider_begin(call->provider, call->trip);
}

static int begun(struct api_call *call, struct fleet *fleet)
{
    (void)fleet;
    call->status = 302;
    return call->trip->status == 0 ? STORE_OK : refuse_trip(call);
}

static void ask_outside(struct api_call *call, void (*run)(struct api_call *call), api_fn *then)
{
    call->trip->deadline_ms = text_steady_ms() + PROVIDER_LIMIT_MS;
    call->work = (struct api_work){.run = run, .then = then, .outside = true};
}

int api_oidc_begin(struct api_call *call, struct fleet *fleet)
{
    (void)fleet;
    if (call->provider == NULL)
        return refuse_without(call);
    ask_outside(call, ask_begin, begun);
    return STORE_OK;
}

/* --- Who that is --- */

static int refuse_person(struct api_call *call, const char *why)
{
    const struct person *person = &call->trip->person;
    return api_refuse(call, 403, "sign-in refused", "%s%s%s",
                      person->email[0] != '\0' ? person->email : "somebody without a usable e-mail address",
                      why[0] == ',' ? "" : " ", why);
}

static int add_account(struct api_call *call, struct fleet *fleet, struct account *account)
{
    const struct provider_settings *settings = provider_settings(call->provider);
    struct organization organization;
    if (!settings->admits)
        return refuse_person(call,
                             "is not a user of this server; ask an admin to add a user with that login");
    int result = store_organization_get(fleet->store, settings->organization, &organization);
    if (result == STORE_NOT_FOUND)
        return refuse_person(call, "cannot be added: the organization of --oidc-organization is gone; ask "
                                   "whoever runs this server");
    *account = (struct account){
        .organization = settings->organization, .role = (int64_t)settings->role, .created = fleet->now};
    memcpy(account->login, call->trip->person.email, sizeof account->login);
    memcpy(account->name, call->trip->person.name, sizeof account->name);
    return result == STORE_OK ? store_account_add(fleet->store, account) : result;
}

/* Somebody whom the provider has not named before: a user whom an admin added under the address that the
 * provider vouches for, or a new one. how: what the audit log says of it. */
static int meet(struct api_call *call, struct fleet *fleet, struct account *account, const char **how)
{
    const struct person *person = &call->trip->person;
    if (person->email[0] == '\0')
        return api_refuse(
            call, 403, "sign-in refused",
            "the identity provider names no usable e-mail address of yours: ask whoever runs it "
            "to send the claims email and email_verified; a login has a-z, 0-9 and . _ - + @");
    if (!person->email_verified)
        return refuse_person(call, ", which the identity provider has not verified, is not taken; verify it "
                                   "there, then begin again");
    *how = "{\"linked\":true}";
    int result = store_account_find(fleet->store, person->email, account);
    if (result == STORE_NOT_FOUND) {
        *how = "{\"added\":true}";
        result = add_account(call, fleet, account);
    } else if (result == STORE_OK && account->subject[0] != '\0') {
        return refuse_person(call,
                             "is linked to another person at the identity provider; ask an admin to delete "
                             "that user and add a new one");
    }
    memcpy(account->subject, call->trip->subject, sizeof account->subject);
    return result;
}

static int find_account(struct api_call *call, struct fleet *fleet, struct account *account, const char **how)
{
    int result = store_account_find_subject(fleet->store, call->trip->subject, account);
    if (result == STORE_NOT_FOUND)
        result = meet(call, fleet, account, how);
    if (result == STORE_OK && account->disabled)
        return refuse_person(call, "is disabled here; ask an admin");
    return result;
}

/* --- Back --- */

/* The entry in the audit log is kept, so this is no failure. */
static int note_refusal(struct api_call *call, struct fleet *fleet)
{
    return call->status == 403 ? api_note(call, fleet, call->trip->person.email, false) : STORE_CONFLICT;
}

static int enter(struct api_call *call, struct fleet *fleet, struct account *account, const char *how)
{
    /* A password for one sign-in has no use any more, and may lie in somebody's mail. */
    if (account->once)
        account->password[0] = '\0';
    account->once = false;
    int result =
        people_begin_session(fleet->store, account, call->address, call->agent, fleet->now, call->secret);
    if (result == STORE_OK)
        result = people_by_session(fleet->store, call->secret, fleet->now, &call->caller);
    if (result != STORE_OK)
        return result;
    const struct people_try who = {.address = call->address};
    people_tried_well(call->people, &who);
    call->cookie = true;
    call->status = 303;
    call->trip->location[0] = '/';
    call->trip->location[1] = '\0';
    call->body = how;
    call->body_bytes = strlen(how);
    return api_note(call, fleet, account->login, true);
}

static int redeemed(struct api_call *call, struct fleet *fleet)
{
    struct account account = {0};
    const char *how = "";
    if (call->trip->status != 0) {
        (void)refuse_trip(call);
        return note_refusal(call, fleet);
    }
    int result = find_account(call, fleet, &account, &how);
    if (result == STORE_CONFLICT && call->status == 403) {
        call->caller.organization = account.organization;
        call->caller.account = account.id;
        return note_refusal(call, fleet);
    }
    return result == STORE_OK ? enter(call, fleet, &account, how) : result;
}

static void ask_redeem(struct api_call *call)
{
    provider_redeem(call->provider, call->trip);
}

int api_oidc_end(struct api_call *call, struct fleet *fleet)
{
    if (call->provider == NULL)
        return refuse_without(call);
    /* Another server wrote the same, and this is done again: a code is taken once. */
    if (call->trip->subject[0] != '\0')
        return redeemed(call, fleet);
    const struct people_try who = {.address = call->address};
    int64_t wait = people_may_try(call->people, &who);
    if (wait > 0) {
        call->retry_after_ms = wait;
        return api_refuse(call, 429, "too many tries",
                          "there were too many tries from this address; try again in %d s",
                          (int)((wait + 999) / 1000));
    }
    if (!provider_returned(call->provider, call->trip))
        return refuse_trip(call);
    ask_outside(call, ask_redeem, redeemed);
    return STORE_OK;
}
