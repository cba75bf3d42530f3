/* The audit log: an entry in the same transaction as the change, for every operation that changes something.
 */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/api.h"
#include "cloud/text.h"

/* What is asked, without what nobody may read later. */
static void describe(const struct api_call *call, char to[AUDIT_DETAIL])
{
    static const char *const secrets[] = {"password", "old", "new", "token", "secret", "code"};
    json_t *body = call->body_bytes > 0 ? json_loadb(call->body, call->body_bytes, 0, NULL) : NULL;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        json_object_del(body, secrets[i]);
    if (call->firmware.name[0] != '\0')
        body = json_pack("{s:s}", "name", call->firmware.name);
    size_t bytes = body == NULL ? 0 : json_dumpb(body, to, AUDIT_DETAIL - 1, JSON_COMPACT);
    if (bytes >= AUDIT_DETAIL)
        bytes = (size_t)snprintf(to, AUDIT_DETAIL, "{\"long\":%zu}", bytes);
    to[bytes] = '\0';
    json_decref(body);
}

/* What it was done to: the path says it or, of something new, the answer. */
static void name_subject(const struct api_call *call, char to[TEXT_ID_MAX])
{
    const char *colon = strchr(call->route->pattern, ':');
    const char *made = json_string_value(json_object_get(call->answer, "id"));
    to[0] = '\0';
    if (colon != NULL)
        text_id(colon[1], call->id, to);
    else if (made != NULL && strlen(made) < TEXT_ID_MAX)
        memcpy(to, made, strlen(made) + 1);
}

int api_note(const struct api_call *call, struct fleet *fleet, const char *login, bool done)
{
    const struct caller *caller = &call->caller;
    struct audit audit = {.organization =
                              caller->organization != 0 ? caller->organization : RECORD_FIRST_ORGANIZATION,
                          .time = fleet->now,
                          .account = caller->account,
                          .token = caller->token,
                          .done = done};
    snprintf(audit.login, sizeof audit.login, "%s", login);
    snprintf(audit.address, sizeof audit.address, "%s", call->address);
    snprintf(audit.action, sizeof audit.action, "%s", call->route->operation);
    name_subject(call, audit.subject);
    describe(call, audit.detail);
    return store_audit_add(fleet->store, &audit);
}

static json_t *render_audit(const struct audit *audit)
{
    json_t *detail = json_loads(audit->detail, 0, NULL);
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:b}", "id", render_id('a', audit->id),
                     "time", render_time(audit->time), "user",
                     audit->account != 0 ? render_id('u', audit->account) : json_null(), "token",
                     audit->token != 0 ? render_id('t', audit->token) : json_null(), "login", audit->login,
                     "address", audit->address, "action", audit->action, "subject",
                     audit->subject[0] != '\0' ? json_string(audit->subject) : json_null(), "detail",
                     detail != NULL ? detail : json_null(), "done", audit->done);
}

int api_audit_list(struct api_call *call, struct fleet *fleet)
{
    struct audit *audits;
    struct page page;
    size_t count;
    const char *user = api_parameter(call, "user");
    int64_t account = user == NULL ? 0 : text_id_parse('u', user);
    if (!api_page(call, 'a', &page))
        return STORE_CONFLICT;
    if (user != NULL && account == 0)
        return api_refuse(call, 400, "malformed request", "user must be the id of a user");
    int result = store_audits(fleet->store, call->caller.organization, account, page, &audits, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_audit(&audits[i]));
    api_answer_page(call, "entries", list, page, 'a', count > 0 ? audits[count - 1].id : 0);
    free(audits);
    return STORE_OK;
}
