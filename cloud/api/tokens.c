/* API tokens: for programs, with a role, areas and an end. */
#include <stdlib.h>

#include "cloud/api/api.h"
#include "cloud/durations.h"
#include "cloud/text.h"

#define DAYS_MAX 3650

static json_t *render_token(const struct api_token *token)
{
    json_t *areas = json_array();
    for (int i = 0; i < AREA_COUNT; i++) {
        if (token->areas == 0 || (token->areas & 1 << i) != 0)
            json_array_append_new(areas, json_string(area_slug((enum area)i)));
    }
    return json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "id", render_id('t', token->id), "user",
                     render_id('u', token->account), "name", token->name, "role",
                     role_slug((enum role)token->role), "areas", areas, "created",
                     render_time(token->created), "expires", render_time(token->expires), "used",
                     render_time(token->used));
}

static bool take_role(struct api_call *call, const json_t *body, int64_t *role)
{
    char slug[16];
    enum role parsed = call->caller.role;
    if (!api_text(call, body, "role", slug, sizeof slug, sizeof slug - 1))
        return false;
    if (slug[0] != '\0' && !role_parse(slug, &parsed)) {
        (void)api_refuse(call, 400, "malformed request", "role must be viewer, operator or admin");
        return false;
    }
    if (parsed > call->caller.role)
        (void)api_refuse(call, 403, "not allowed", "a token has its maker's role at most: %s",
                         role_slug(call->caller.role));
    *role = parsed;
    return parsed <= call->caller.role;
}

static bool take_area(struct api_call *call, const json_t *value, uint32_t *areas)
{
    enum area area;
    if (!json_is_string(value) || !area_parse(json_string_value(value), &area)) {
        (void)api_refuse(
            call, 400, "malformed request",
            "areas must be a list of devices, firmware, shipments, people, audit, webhooks, metrics "
            "and events");
        return false;
    }
    *areas |= 1U << area;
    return true;
}

/* Without a list, all that the caller has. */
static bool take_areas(struct api_call *call, const json_t *body, int64_t *to)
{
    const json_t *list = json_object_get(body, "areas");
    uint32_t areas = 0;
    if (list != NULL && (!json_is_array(list) || json_array_size(list) == 0))
        return take_area(call, NULL, &areas);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!take_area(call, json_array_get(list, i), &areas))
            return false;
    }
    if ((areas & ~call->caller.areas) != 0) {
        (void)api_refuse(call, 403, "not allowed", "a token has its maker's areas at most");
        return false;
    }
    if (list == NULL)
        areas = call->caller.areas;
    *to = areas == AREAS_ALL ? 0 : areas;
    return true;
}

static bool take_days(struct api_call *call, const json_t *body, int64_t now, int64_t *expires)
{
    const json_t *days = json_object_get(body, "days");
    json_int_t count = json_is_integer(days) ? json_integer_value(days) : 0;
    const int64_t ends = call->caller.ends;
    *expires = ends;
    if (days == NULL)
        return true;
    if (count < 1 || count > DAYS_MAX) {
        (void)api_refuse(call, 400, "malformed request",
                         "days must be a number from 1 to %d; leave it out for a token without an end",
                         DAYS_MAX);
        return false;
    }
    *expires = now + count * DAY_MS;
    if (ends == 0 || *expires <= ends)
        return true;
    (void)api_refuse(call, 403, "not allowed", "a token that a token makes ends with it at the latest");
    return false;
}

int api_token_create(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"name", "role", "areas", "days", NULL};
    struct api_token token = {.account = call->caller.account, .created = fleet->now};
    char secret[SECRET_TOKEN_MAX];
    json_t *body = api_body(call, members);
    bool ok = body != NULL &&
              api_text(call, body, "name", token.name, sizeof token.name, RECORD_NAME_LETTERS) &&
              take_role(call, body, &token.role) && take_areas(call, body, &token.areas) &&
              take_days(call, body, fleet->now, &token.expires);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    secret_token(secret);
    secret_hash(secret, token.hash);
    int result = store_token_add(fleet->store, &token);
    if (result != STORE_OK)
        return result;
    call->answer = render_token(&token);
    json_object_set_new(call->answer, "token", json_string(secret));
    return STORE_OK;
}

/* Admins see everybody's, others their own. */
int api_token_list(struct api_call *call, struct fleet *fleet)
{
    const struct caller *caller = &call->caller;
    struct api_token *tokens;
    struct page page;
    size_t count;
    if (!api_page(call, 't', &page))
        return STORE_CONFLICT;
    int result = store_tokens(fleet->store, caller->organization,
                              caller->role == ROLE_ADMIN ? 0 : caller->account, page, &tokens, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_token(&tokens[i]));
    api_answer_page(call, "tokens", list, page, 't', count > 0 ? tokens[count - 1].id : 0);
    free(tokens);
    return STORE_OK;
}

int api_token_delete(struct api_call *call, struct fleet *fleet)
{
    struct api_token token;
    int result = store_token_get(fleet->store, call->id, &token);
    if (result == STORE_OK && token.account != call->caller.account && call->caller.role != ROLE_ADMIN)
        result = STORE_NOT_FOUND;
    return result == STORE_OK ? store_token_delete(fleet->store, call->id) : result;
}
