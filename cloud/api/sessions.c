/* Signing in and out, one's own password, one's own sessions. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "cloud/api/api.h"
#include "cloud/text.h"

/* --- Rendering --- */

static int answer_self(struct api_call *call, struct fleet *fleet)
{
    struct account account;
    struct organization organization;
    const struct caller *caller = &call->caller;
    int result = store_account_get(fleet->store, caller->account, &account);
    if (result == STORE_OK)
        result = store_organization_get(fleet->store, account.organization, &organization);
    if (result != STORE_OK)
        return result;
    json_t *areas = json_array();
    for (int i = 0; i < AREA_COUNT; i++) {
        if ((caller->areas & 1U << i) != 0)
            json_array_append_new(areas, json_string(area_slug((enum area)i)));
    }
    call->answer =
        json_pack("{s:o, s:o, s:s, s:o, s:b, s:b, s:o}", "user", render_account(&account), "organization",
                  render_organization(&organization), "role", role_slug(caller->role), "areas", areas, "host",
                  caller->role == ROLE_ADMIN && account.organization == RECORD_FIRST_ORGANIZATION,
                  "must_change_password", caller->once, "session",
                  caller->session != 0 ? render_id('n', caller->session) : json_null());
    return STORE_OK;
}

/* --- Signing in --- */

static void verify(struct api_call *call)
{
    call->work.good = password_verify(call->work.password, call->work.hash);
    OPENSSL_cleanse(call->work.password, sizeof call->work.password);
}

/* The entry in the audit log is kept, so this is no failure. */
static int refuse_sign_in(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"login", "password", NULL};
    char login[RECORD_LOGIN] = "";
    struct account account;
    json_t *body = api_body(call, members);
    bool ok = body != NULL && api_text(call, body, "login", login, sizeof login, RECORD_LOGIN - 1);
    json_decref(body);
    if (ok && store_account_find(fleet->store, login, &account) == STORE_OK) {
        call->caller.organization = account.organization;
        call->caller.account = account.id;
    }
    (void)api_refuse(call, 401, "not signed in", "there is no such login with this password");
    return api_note(call, fleet, login, false);
}

static int signed_in(struct api_call *call, struct fleet *fleet)
{
    struct account account;
    if (!call->work.good || call->account == 0)
        return refuse_sign_in(call, fleet);
    int result = store_account_get(fleet->store, call->account, &account);
    /* Changed or deleted while its password was looked at. */
    if (result == STORE_NOT_FOUND ||
        (result == STORE_OK && (account.disabled || strcmp(account.password, call->work.hash) != 0)))
        return refuse_sign_in(call, fleet);
    if (result != STORE_OK)
        return result;
    const struct people_try who = {account.login, call->address, call->known};
    people_tried_well(call->people, &who);
    result =
        people_begin_session(fleet->store, &account, call->address, call->agent, fleet->now, call->secret);
    if (result == STORE_OK)
        result = people_by_session(fleet->store, call->secret, fleet->now, &call->caller);
    call->cookie = result == STORE_OK;
    known_make(call->people->known_key, account.login, text_now_ms() / 1000, call->known);
    return result == STORE_OK ? answer_self(call, fleet) : result;
}

static int ask_to_verify(struct api_call *call, struct fleet *fleet, const char *login)
{
    struct account account;
    const struct people_try who = {login, call->address, call->known};
    int64_t wait = people_may_try(call->people, &who);
    if (wait > 0) {
        call->retry_after_ms = wait;
        return api_refuse(call, 429, "too many tries",
                          "there were too many tries for this login or from this address; try again in %d s",
                          (int)((wait + 999) / 1000));
    }
    int result = store_account_find(fleet->store, login, &account);
    if (result != STORE_OK && result != STORE_NOT_FOUND)
        return result;
    call->account = result == STORE_OK && !account.disabled ? account.id : 0;
    /* Nobody's password takes as long to refuse as somebody's. */
    call->work = (struct api_work){.run = verify, .then = signed_in};
    call->work.known = call->caller.account != 0 || people_know(call->people, &who);
    if (call->account != 0)
        memcpy(call->work.hash, account.password, sizeof call->work.hash);
    return STORE_OK;
}

/* A password; it is no text like others, and never shown in a refusal. */
static bool take_password(struct api_call *call, const json_t *body, const char *key, char to[PASSWORD_MAX])
{
    const char *text = json_string_value(json_object_get(body, key));
    if (text != NULL && text_take(to, PASSWORD_MAX, text))
        return true;
    (void)api_refuse(call, 400, "malformed request",
                     "%s must be a text of at most 256 bytes without control characters", key);
    return false;
}

int api_session_begin(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"login", "password", NULL};
    char login[RECORD_LOGIN];
    char password[PASSWORD_MAX] = "";
    json_t *body = api_body(call, members);
    bool ok = body != NULL && api_text(call, body, "login", login, sizeof login, RECORD_LOGIN - 1) &&
              take_password(call, body, "password", password);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    int result = ask_to_verify(call, fleet, login);
    if (result == STORE_OK)
        memcpy(call->work.password, password, sizeof password);
    OPENSSL_cleanse(password, sizeof password);
    return result;
}

int api_session_show(struct api_call *call, struct fleet *fleet)
{
    return answer_self(call, fleet);
}

static int refuse_token(struct api_call *call)
{
    return api_refuse(call, 409, "not a session", "this is about the session, and a token was used");
}

int api_session_end(struct api_call *call, struct fleet *fleet)
{
    if (call->caller.session == 0)
        return refuse_token(call);
    call->cookie = true;
    return store_session_delete(fleet->store, call->caller.session);
}

/* --- One's own password --- */

static void hash(struct api_call *call)
{
    call->work.good = password_hash(call->work.password, PASSWORD_CHOSEN, call->work.hash);
    OPENSSL_cleanse(call->work.password, sizeof call->work.password);
}

static int password_hashed(struct api_call *call, struct fleet *fleet)
{
    struct account account;
    int result = store_account_get(fleet->store, call->caller.account, &account);
    if (result == STORE_OK && !call->work.good)
        result = STORE_FAILED;
    if (result != STORE_OK)
        return result;
    memcpy(account.password, call->work.hash, sizeof account.password);
    account.once = false;
    result = store_account_update(fleet->store, &account);
    if (result == STORE_OK)
        result = store_sessions_end(fleet->store, account.id, call->caller.session);
    return result == STORE_OK ? store_session_trust(fleet->store, call->caller.session) : result;
}

static int old_verified(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"old", "new", NULL};
    struct account account;
    const char *objection = NULL;
    char password[PASSWORD_MAX] = "";
    if (!call->work.good)
        return api_refuse(call, 403, "wrong password", "the old password is not this one");
    const struct people_try who = {call->caller.login, call->address, call->known};
    people_tried_well(call->people, &who);
    int result = store_account_get(fleet->store, call->caller.account, &account);
    json_t *body = api_body(call, members);
    bool ok = result == STORE_OK && body != NULL && take_password(call, body, "new", password);
    json_decref(body);
    if (!ok)
        return result == STORE_OK ? STORE_CONFLICT : result;
    objection = password_objection(password, account.login);
    call->work = (struct api_work){.run = hash, .then = password_hashed, .known = true};
    memcpy(call->work.password, password, sizeof password);
    OPENSSL_cleanse(password, sizeof password);
    if (objection == NULL)
        return STORE_OK;
    call->work.run = NULL;
    return api_refuse(call, 422, "poor password", "%s", objection);
}

int api_session_password(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"old", "new", NULL};
    char password[PASSWORD_MAX] = "";
    if (call->caller.session == 0)
        return refuse_token(call);
    json_t *body = api_body(call, members);
    bool ok = body != NULL && take_password(call, body, "old", password);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    int result = ask_to_verify(call, fleet, call->caller.login);
    if (result != STORE_OK)
        return result;
    call->work.then = old_verified;
    memcpy(call->work.password, password, sizeof password);
    OPENSSL_cleanse(password, sizeof password);
    return STORE_OK;
}

/* --- One's own sessions --- */

static json_t *render_session(const struct session *session, const struct caller *caller)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:b}", "id", render_id('n', session->id), "created",
                     render_time(session->created), "used", render_time(session->used), "address",
                     session->address, "agent", session->agent, "current", session->id == caller->session);
}

int api_session_list(struct api_call *call, struct fleet *fleet)
{
    struct session *sessions;
    struct page page;
    size_t count;
    if (!api_page(call, 'n', &page))
        return STORE_CONFLICT;
    int result = store_sessions(fleet->store, call->caller.account, page, &sessions, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_session(&sessions[i], &call->caller));
    api_answer_page(call, "sessions", list, page, 'n', count > 0 ? sessions[count - 1].id : 0);
    free(sessions);
    return STORE_OK;
}

int api_session_delete(struct api_call *call, struct fleet *fleet)
{
    int64_t account = 0;
    int result = store_session_account(fleet->store, call->id, &account);
    if (result == STORE_OK && account != call->caller.account && call->caller.role != ROLE_ADMIN)
        result = STORE_NOT_FOUND;
    return result == STORE_OK ? store_session_delete(fleet->store, call->id) : result;
}
