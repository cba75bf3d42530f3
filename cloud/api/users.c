/* The people of an organization, as its admins keep them. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/api.h"
#include "cloud/fleet/shipments/sweep.h"
#include "cloud/text.h"

/* A login: what people type, so without spaces and in one case. */
static bool take_login(struct api_call *call, const json_t *body, char to[RECORD_LOGIN])
{
    if (!api_text(call, body, "login", to, RECORD_LOGIN, RECORD_LOGIN - 1))
        return false;
    bool fine = to[0] != '\0' && strspn(to, "abcdefghijklmnopqrstuvwxyz0123456789._-+@") == strlen(to);
    if (!fine)
        (void)api_refuse(call, 400, "malformed request",
                         "login must be 1 to 100 of a-z 0-9 . _ - + @, such as an address for mail");
    return fine;
}

static bool take_role(struct api_call *call, const json_t *body, int64_t *role)
{
    char slug[16];
    enum role parsed;
    if (json_object_get(body, "role") == NULL)
        return true;
    if (!api_text(call, body, "role", slug, sizeof slug, sizeof slug - 1))
        return false;
    if (!role_parse(slug, &parsed)) {
        (void)api_refuse(call, 400, "malformed request", "role must be viewer, operator or admin");
        return false;
    }
    *role = parsed;
    return true;
}

static int give_password(struct account *account, char password[SECRET_TOKEN_MAX])
{
    secret_token(password);
    account->once = true;
    return password_hash(password, PASSWORD_GENERATED, account->password) ? STORE_OK : STORE_FAILED;
}

static int refuse_taken(struct api_call *call, const char *login)
{
    return api_refuse(call, 409, "login in use", "somebody signs in as %s already; choose another login",
                      login);
}

int api_user_create(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"login", "name", "role", NULL};
    char password[SECRET_TOKEN_MAX];
    struct account account = {
        .organization = call->caller.organization, .role = ROLE_VIEWER, .created = fleet->now};
    json_t *body = api_body(call, members);
    bool ok = body != NULL && take_login(call, body, account.login) &&
              api_text(call, body, "name", account.name, sizeof account.name, RECORD_NAME_LETTERS) &&
              take_role(call, body, &account.role);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    int result = give_password(&account, password);
    if (result == STORE_OK)
        result = store_account_add(fleet->store, &account);
    if (result == STORE_CONFLICT)
        return refuse_taken(call, account.login);
    if (result != STORE_OK)
        return result;
    call->answer = render_account(&account);
    json_object_set_new(call->answer, "password", json_string(password));
    return STORE_OK;
}

int api_user_list(struct api_call *call, struct fleet *fleet)
{
    struct account *accounts;
    struct page page;
    size_t count;
    if (!api_page(call, 'u', &page))
        return STORE_CONFLICT;
    int result = store_accounts(fleet->store, call->caller.organization, page, &accounts, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_account(&accounts[i]));
    api_answer_page(call, "users", list, page, 'u', count > 0 ? accounts[count - 1].id : 0);
    free(accounts);
    return STORE_OK;
}

int api_user_show(struct api_call *call, struct fleet *fleet)
{
    struct account account;
    int result = store_account_get(fleet->store, call->id, &account);
    if (result == STORE_OK)
        call->answer = render_account(&account);
    return result;
}

/* Whoever is left must be able to undo it. */
static int keep_an_admin(struct api_call *call, struct fleet *fleet)
{
    int64_t admins = 0;
    int result = store_account_admins(fleet->store, call->caller.organization, ROLE_ADMIN, &admins);
    if (result == STORE_OK && admins == 0)
        return api_refuse(call, 409, "last admin",
                          "this is the organization's last admin; make another one first");
    return result;
}

int api_user_change(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"name", "role", "disabled", NULL};
    struct account account;
    int result = store_account_get(fleet->store, call->id, &account);
    if (result != STORE_OK)
        return result;
    json_t *body = api_body(call, members);
    bool ok = body != NULL && take_role(call, body, &account.role) &&
              api_flag(call, body, "disabled", &account.disabled);
    if (ok && json_object_get(body, "name") != NULL)
        ok = api_text(call, body, "name", account.name, sizeof account.name, RECORD_NAME_LETTERS);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    result = store_account_update(fleet->store, &account);
    if (result == STORE_OK && account.disabled)
        result = store_sessions_end(fleet->store, account.id, 0);
    if (result == STORE_OK)
        result = keep_an_admin(call, fleet);
    if (result == STORE_OK)
        call->answer = render_account(&account);
    return result;
}

int api_user_delete(struct api_call *call, struct fleet *fleet)
{
    int result = store_account_delete(fleet->store, call->id);
    return result == STORE_OK ? keep_an_admin(call, fleet) : result;
}

/* For somebody who has forgotten theirs: a new one for one sign-in. */
int api_user_password(struct api_call *call, struct fleet *fleet)
{
    char password[SECRET_TOKEN_MAX];
    struct account account;
    int result = store_account_get(fleet->store, call->id, &account);
    if (result == STORE_OK)
        result = give_password(&account, password);
    if (result == STORE_OK)
        result = store_account_update(fleet->store, &account);
    if (result == STORE_OK)
        result = store_sessions_end(fleet->store, account.id, 0);
    if (result != STORE_OK)
        return result;
    call->answer = render_account(&account);
    json_object_set_new(call->answer, "password", json_string(password));
    return STORE_OK;
}

/* --- Organizations --- */

static int answer_organization(struct api_call *call, struct fleet *fleet, int64_t id)
{
    struct organization organization;
    int result = store_organization_get(fleet->store, id, &organization);
    if (result == STORE_OK)
        call->answer = render_organization(&organization);
    return result;
}

int api_organization_own(struct api_call *call, struct fleet *fleet)
{
    return answer_organization(call, fleet, call->caller.organization);
}

static bool take_name(struct api_call *call, const json_t *body, char to[RECORD_NAME])
{
    if (!api_text(call, body, "name", to, RECORD_NAME, RECORD_NAME_LETTERS))
        return false;
    if (to[0] == '\0')
        (void)api_refuse(call, 400, "malformed request",
                         "name is missing: what people call the organization");
    return to[0] != '\0';
}

static int refuse_name(struct api_call *call)
{
    return api_refuse(call, 409, "name in use", "another organization of this server has this name");
}

int api_organization_change(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"name", "timezone", NULL};
    struct organization organization;
    int result = store_organization_get(fleet->store, call->caller.organization, &organization);
    if (result != STORE_OK)
        return result;
    struct organization before = organization;
    json_t *body = api_body(call, members);
    bool ok = body != NULL &&
              (json_object_get(body, "name") == NULL || take_name(call, body, organization.name)) &&
              api_zone(call, fleet, body, "timezone", organization.zone);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    result = store_organization_update(fleet->store, &organization);
    if (result == STORE_CONFLICT)
        return refuse_name(call);
    if (result == STORE_OK && strcmp(before.zone, organization.zone) != 0)
        result = sweep_zone_changed(fleet, organization.id);
    if (result == STORE_OK)
        call->answer = render_organization(&organization);
    return result;
}

static int add_with_admin(struct api_call *call, struct fleet *fleet, struct organization *organization,
                          const char *login)
{
    char password[SECRET_TOKEN_MAX];
    struct account admin = {.role = ROLE_ADMIN, .created = fleet->now};
    memcpy(admin.login, login, sizeof admin.login);
    int result = store_organization_add(fleet->store, organization);
    if (result == STORE_CONFLICT)
        return refuse_name(call);
    admin.organization = organization->id;
    if (result == STORE_OK)
        result = give_password(&admin, password);
    if (result == STORE_OK)
        result = store_account_add(fleet->store, &admin);
    if (result == STORE_CONFLICT)
        return refuse_taken(call, login);
    if (result != STORE_OK)
        return result;
    call->answer = render_organization(organization);
    json_object_set_new(call->answer, "admin", render_account(&admin));
    json_object_set_new(call->answer, "password", json_string(password));
    return STORE_OK;
}

int api_organization_create(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"name", "login", "timezone", NULL};
    struct organization organization = {.created = fleet->now};
    char login[RECORD_LOGIN];
    json_t *body = api_body(call, members);
    bool ok = body != NULL && take_name(call, body, organization.name) && take_login(call, body, login) &&
              api_zone(call, fleet, body, "timezone", organization.zone);
    json_decref(body);
    return ok ? add_with_admin(call, fleet, &organization, login) : STORE_CONFLICT;
}

int api_organization_list(struct api_call *call, struct fleet *fleet)
{
    struct organization *organizations;
    struct page page;
    size_t count;
    if (!api_page(call, 'o', &page))
        return STORE_CONFLICT;
    int result = store_organizations(fleet->store, page, &organizations, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_organization(&organizations[i]));
    api_answer_page(call, "organizations", list, page, 'o', count > 0 ? organizations[count - 1].id : 0);
    free(organizations);
    return STORE_OK;
}

int api_organization_show(struct api_call *call, struct fleet *fleet)
{
    return answer_organization(call, fleet, call->id);
}

int api_organization_delete(struct api_call *call, struct fleet *fleet)
{
    if (call->id == RECORD_FIRST_ORGANIZATION)
        return api_refuse(call, 409, "the server's own",
                          "the first organization is the server's own and stays");
    int result = store_organization_delete(fleet->store, call->id);
    if (result == STORE_CONFLICT)
        return api_refuse(call, 409, "not empty",
                          "the organization still has devices, firmware or shipments; delete them first");
    return result;
}
