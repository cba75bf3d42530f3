/* Who may do what, for all routes in one place: sign-in, role and area, then whose the record is. */
#include <stdio.h>
#include <string.h>

#include "cloud/api/api.h"
#include "cloud/text.h"

static int refuse_nobody(struct api_call *call)
{
    if (call->credential.session)
        return api_refuse(call, 401, "not signed in", "the session has ended; sign in again");
    return api_refuse(call, 401, "no access",
                      "send `Authorization: Bearer TOKEN` with a token of this server, or sign in");
}

static int identify(struct api_call *call, struct fleet *fleet)
{
    const struct api_credential *shown = &call->credential;
    int result = STORE_NOT_FOUND;
    if (shown->secret[0] != '\0' && shown->session)
        result = people_by_session(fleet->store, shown->secret, fleet->now, &call->caller);
    else if (shown->secret[0] != '\0')
        result = people_by_token(fleet->store, shown->secret, fleet->now, &call->caller);
    return result == STORE_NOT_FOUND ? refuse_nobody(call) : result;
}

static bool is_host(const struct caller *caller)
{
    return caller->organization == RECORD_FIRST_ORGANIZATION;
}

static int permit(struct api_call *call)
{
    const struct route *route = call->route;
    const struct caller *caller = &call->caller;
    if (caller->once && route->least != ROLE_PERSON)
        return api_refuse(
            call, 403, "password to be changed",
            "this password was for one sign-in; set your own with PUT /api/v1/session/password");
    if (route->area != AREA_SELF && (caller->areas & 1U << route->area) == 0)
        return api_refuse(call, 403, "not allowed", "this token is not for the area %s",
                          area_slug(route->area));
    if (role_reaches(caller->role, is_host(caller), route->least))
        return STORE_OK;
    if (route->least == ROLE_HOST)
        return api_refuse(call, 403, "not allowed",
                          "only admins of the server's own organization may do this");
    return api_refuse(call, 403, "not allowed", "this takes the role %s, and %s has %s",
                      role_slug(route->least), call->credential.session ? "yours" : "the token",
                      role_slug(caller->role));
}

int api_admit(struct api_call *call, struct fleet *fleet)
{
    if (call->route->least == ROLE_ANYBODY)
        return STORE_OK;
    int result = identify(call, fleet);
    if (result == STORE_OK)
        result = permit(call);
    if (result != STORE_OK && call->answer == NULL)
        api_refuse_result(call, result);
    return result;
}

/* Another organization's record is not there, to whom it does not belong. The host's own routes are about
 * other organizations. */
static int find_owned(const struct api_call *call, struct fleet *fleet)
{
    const char *colon = strchr(call->route->pattern, ':');
    int64_t organization = 0;
    if (colon == NULL || call->route->least == ROLE_ANYBODY)
        return STORE_OK;
    if (call->id == 0)
        return STORE_NOT_FOUND;
    int result = store_owner(fleet->store, colon[1], call->id, &organization);
    bool own = organization == call->caller.organization || call->route->least == ROLE_HOST;
    return result == STORE_OK && !own ? STORE_NOT_FOUND : result;
}

static void refuse_absent(struct api_call *call)
{
    static const char *const things[] = {
        ['d'] = "device",  ['f'] = "firmware",     ['s'] = "shipment", ['u'] = "user",    ['t'] = "token",
        ['n'] = "session", ['o'] = "organization", ['q'] = "filter",   ['w'] = "webhook", ['k'] = "key"};
    const char *colon = strchr(call->route->pattern, ':');
    const unsigned char letter = colon == NULL ? 0 : (unsigned char)colon[1];
    const char *thing = letter < sizeof things / sizeof things[0] ? things[letter] : NULL;
    char id[TEXT_ID_MAX];
    if (thing == NULL || call->id == 0)
        api_refuse_result(call, STORE_NOT_FOUND);
    else
        (void)api_refuse(call, 404, "no such thing", "there is no %s %s", thing,
                         text_id((char)letter, call->id, id));
}

static int run(struct api_call *call, struct fleet *fleet)
{
    api_fn *step = call->work.then;
    if (step != NULL) { /* the second half, after its work */
        call->work.run = NULL;
        call->work.then = NULL;
        return step(call, fleet);
    }
    int result = api_admit(call, fleet);
    if (result == STORE_OK)
        result = find_owned(call, fleet);
    if (result == STORE_OK)
        result = repeat_find(call, fleet);
    if (result == STORE_OK && !call->repeated)
        result = etag_check(call, fleet);
    if (result != STORE_OK || call->repeated)
        return result;
    result = call->route->answer(call, fleet);
    if (result == STORE_OK && call->answer != NULL)
        etag_set(call);
    return result;
}

/* A preview is a question, though it is asked with a body. */
static bool reads(const struct route *route)
{
    return strcmp(route->method, "GET") == 0 || strcmp(route->method, "HEAD") == 0 ||
           route->answer == api_shipment_preview;
}

int api_answer(struct api_call *call, struct fleet *fleet)
{
    int result = run(call, fleet);
    if (result == DESK_MORE)
        return result;
    bool changed = result == STORE_OK && call->work.run == NULL && !reads(call->route) &&
                   call->status < 400 && !call->repeated;
    if (changed)
        result = api_note(call, fleet, call->caller.login, true);
    if (changed && result == STORE_OK)
        result = repeat_keep(call, fleet);
    bool said = call->status >= 400 && call->answer != NULL;
    if (result == STORE_NOT_FOUND && !said)
        refuse_absent(call);
    else if (result != STORE_OK && !said)
        api_refuse_result(call, result);
    if (call->status == 0)
        call->status = call->route->success;
    return result;
}
