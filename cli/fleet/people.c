/* tandem user, token, organization, audit: the people of a server, and what they did. */
#include <stdlib.h>

#include "cli/base/commands.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/rest/ask.h"
#include "cli/rest/rest.h"

/* An answer with a secret in it, of which the server keeps no more than a hash. */
static int ask_secret(const struct invocation *call, const char *prefix, const char *suffix, json_t *body,
                      const char *warning)
{
    json_t *answer;
    int rc = ask_for(call, "POST", prefix, suffix, body, &answer);

    if (rc != CLI_OK)
        return rc;
    output_warn("%s", warning);
    return show_fields(call, answer);
}

#define WARN_PASSWORD                                                                                        \
    "the password is shown this once, and good for one sign-in, which asks for one of their own choice"

/* --- Users --- */

static const struct column user_columns[] = {
    {"id", "ID"},     {"login", "LOGIN"},       {"name", "NAME"},
    {"role", "ROLE"}, {"disabled", "DISABLED"}, {"last_login", "LAST SIGN-IN"},
    {NULL, NULL},
};

static int run_user_list(const struct invocation *call)
{
    return ask_list(call, "/users", NULL, "users", user_columns);
}

static int run_user_add(const struct invocation *call)
{
    json_t *body = json_pack("{s:s}", "login", call->argument[0]);

    ask_put_text(body, call, "name");
    ask_put_text(body, call, "role");
    return ask_secret(call, "/users", NULL, body, WARN_PASSWORD);
}

static int run_user_set(const struct invocation *call)
{
    json_t *body = json_object();

    ask_put_text(body, call, "name");
    ask_put_text(body, call, "role");
    return ask_change(call, "/users/", body, ask_put_disabled(body, call));
}

static int run_user_password(const struct invocation *call)
{
    return ask_secret(call, "/users/", "/password", NULL, WARN_PASSWORD);
}

static int run_user_delete(const struct invocation *call)
{
    return ask(call, "DELETE", "/users/", "", NULL);
}

#define ROLE_OPTION                                                                                          \
    {                                                                                                        \
        "role", 'r', "ROLE", "viewer, operator or admin", 0                                                  \
    }

static const struct option user_add_options[] = {
    {"name", 'n', "NAME", "what people call them", 0},
    ROLE_OPTION,
    {0},
};

static const struct option user_set_options[] = {
    {"name", 'n', "NAME", "what people call them", 0},
    ROLE_OPTION,
    {"disable", 0, NULL, "no sign-in any more; sessions and tokens end", 0},
    {"enable", 0, NULL, "sign-in again", 0},
    {0},
};

/* --- Tokens --- */

static const struct column token_columns[] = {
    {"id", "ID"},           {"user", "USER"},       {"name", "NAME"}, {"role", "ROLE"},
    {"created", "CREATED"}, {"expires", "EXPIRES"}, {"used", "USED"}, {NULL, NULL},
};

static int run_token_list(const struct invocation *call)
{
    return ask_list(call, "/tokens", NULL, "tokens", token_columns);
}

static int run_token_add(const struct invocation *call)
{
    json_t *body = json_object();
    int rc = ask_put_number(body, call, "days", 3650);

    ask_put_text(body, call, "name");
    ask_put_text(body, call, "role");
    ask_put_list(body, call, "area", "areas");
    if (rc != CLI_OK) {
        json_decref(body);
        return rc;
    }
    return ask_secret(call, "/tokens", NULL, body, "the token is shown this once");
}

static int run_token_delete(const struct invocation *call)
{
    return ask(call, "DELETE", "/tokens/", "", NULL);
}

static const struct option token_add_options[] = {
    {"name", 'n', "NAME", "what it is for", 0},
    ROLE_OPTION,
    {"area", 'a', "AREA", "only for this area: devices, firmware, shipments, ...", OPTION_REPEATED},
    {"days", 'd', "N", "it ends after so many days", 0},
    {0},
};

/* --- Organizations --- */

static const struct column organization_columns[] = {
    {"id", "ID"}, {"name", "NAME"}, {"timezone", "TIME ZONE"}, {"created", "CREATED"}, {NULL, NULL}};

static int run_organization_list(const struct invocation *call)
{
    return ask_list(call, "/organizations", NULL, "organizations", organization_columns);
}

static int run_organization_add(const struct invocation *call)
{
    json_t *body = json_pack("{s:s, s:s}", "name", call->argument[0], "login", option_text(call, "login"));

    ask_put_text(body, call, "timezone");
    return ask_secret(call, "/organizations", NULL, body, WARN_PASSWORD);
}

static int run_organization_show(const struct invocation *call)
{
    return ask(call, "GET", "/organization", NULL, NULL);
}

static int run_organization_set(const struct invocation *call)
{
    json_t *body = json_object();

    ask_put_text(body, call, "name");
    ask_put_text(body, call, "timezone");
    return ask_change(call, "/organization", body, CLI_OK);
}

#define ZONE_OPTION                                                                                          \
    {                                                                                                        \
        "timezone", 'z', "ZONE", "of devices that have none of their own, such as Europe/Berlin", 0          \
    }

static const struct option organization_add_options[] = {
    {"login", 'l', "LOGIN", "of its first admin, whose one-time password is shown", OPTION_REQUIRED},
    ZONE_OPTION,
    {0},
};

static const struct option organization_set_options[] = {
    {"name", 'n', "NAME", "what people call it", 0},
    ZONE_OPTION,
    {0},
};

/* --- The audit log --- */

static const struct column audit_columns[] = {
    {"time", "TIME"},       {"login", "WHO"}, {"address", "FROM"}, {"action", "ACTION"},
    {"subject", "SUBJECT"}, {"done", "DONE"}, {NULL, NULL},
};

static int run_audit(const struct invocation *call)
{
    struct rest rest;
    json_t *answer;
    const char *user = option_text(call, "user");
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        char *path = rest_path(&rest, user ? "/audit?user=" : "/audit", user ? user : "", "");
        rc = option_given(call, "all") ? rest_list(&rest, path, "entries", &answer)
                                       : rest_request(&rest, "GET", path, NULL, &answer);
        free(path);
    }
    rest_close(&rest);
    return rc == CLI_OK ? show_list(call, audit_columns, "entries", answer) : rc;
}

static const struct option audit_options[] = {
    {"user", 'u', "ID", "only what this user did", 0},
    {"all", 0, NULL, "the whole log, not the newest 100 entries", 0},
    {0},
};

/* --- As data --- */

ASK_COMMAND(user_list, "user list", "", "list the users of the organization", NULL, run_user_list);
ASK_COMMAND(user_add, "user add", "LOGIN", "add a user; the password for the first sign-in is shown",
            user_add_options, run_user_add);
ASK_COMMAND(user_set, "user set", "ID", "change a user", user_set_options, run_user_set);
ASK_COMMAND(user_password, "user password", "ID", "give a user a new password for one sign-in", NULL,
            run_user_password);
ASK_COMMAND(user_delete, "user delete", "ID", "delete a user, with sessions and tokens", NULL,
            run_user_delete);
ASK_COMMAND(token_list, "token list", "", "list API tokens", NULL, run_token_list);
ASK_COMMAND(token_add, "token add", "", "make an API token; it is shown this once", token_add_options,
            run_token_add);
ASK_COMMAND(token_delete, "token delete", "ID", "delete an API token", NULL, run_token_delete);
ASK_COMMAND(organization_list, "organization list", "", "list the server's organizations", NULL,
            run_organization_list);
ASK_COMMAND(organization_add, "organization add", "NAME", "make an organization and its first admin",
            organization_add_options, run_organization_add);
ASK_COMMAND(organization_show, "organization show", "", "show one's own organization", NULL,
            run_organization_show);
ASK_COMMAND(organization_set, "organization set", "", "change one's own organization",
            organization_set_options, run_organization_set);
ASK_COMMAND(audit, "audit", "", "show who did what, newest first", audit_options, run_audit);
