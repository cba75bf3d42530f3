/* tandem user, token, organization, audit: the people of a server, and what they did. */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/rest.h"

/* One request whose answer is printed as fields; path is freed. */
static int ask(const struct invocation *call, const char *method, char *path, json_t *body)
{
    struct rest rest;
    json_t *answer = NULL;
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        rc = rest_request(&rest, method, path, body, &answer);
    }
    json_decref(body);
    free(path);
    rest_close(&rest);
    return rc == CLI_OK && answer ? output_fields(call, answer) : rc;
}

/* A path whose last part is the command's first argument. */
static char *path_to(const struct invocation *call, const char *prefix, const char *suffix)
{
    struct rest rest;
    char *path = NULL;

    if (rest_open(&rest, call) == CLI_OK) {
        path = rest_path(&rest, prefix, call->argument[0], suffix);
    }
    rest_close(&rest);
    return path;
}

static int ask_about(const struct invocation *call, const char *method, const char *prefix,
                     const char *suffix, json_t *body)
{
    char *path = path_to(call, prefix, suffix);

    if (!path) {
        json_decref(body);
        return CLI_USAGE;
    }
    return ask(call, method, path, body);
}

static int list(const struct invocation *call, const char *path, const char *member,
                const struct column *columns)
{
    struct rest rest;
    json_t *answer;
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        rc = rest_list(&rest, path, member, &answer);
    }
    rest_close(&rest);
    return rc == CLI_OK ? output_list(call, columns, member, answer) : rc;
}

static void set_text(json_t *body, const struct invocation *call, const char *name)
{
    if (option_given(call, name)) {
        json_object_set_new(body, name, json_string(option_text(call, name)));
    }
}

static char *copy(const char *path)
{
    size_t bytes = strlen(path) + 1;

    return memcpy(memory_take(bytes), path, bytes);
}

/* --- Users --- */

static const struct column user_columns[] = {
    {"id", "ID"},     {"login", "LOGIN"},       {"name", "NAME"},
    {"role", "ROLE"}, {"disabled", "DISABLED"}, {"last_login", "LAST SIGN-IN"},
    {NULL, NULL},
};

static int run_user_list(const struct invocation *call)
{
    return list(call, "/users", "users", user_columns);
}

static int run_user_add(const struct invocation *call)
{
    json_t *body = json_pack("{s:s}", "login", call->argument[0]);

    set_text(body, call, "name");
    set_text(body, call, "role");
    return ask(call, "POST", copy("/users"), body);
}

static int run_user_set(const struct invocation *call)
{
    json_t *body = json_object();

    set_text(body, call, "name");
    set_text(body, call, "role");
    if (option_given(call, "disable") || option_given(call, "enable")) {
        json_object_set_new(body, "disabled", json_boolean(option_given(call, "disable")));
    }
    return ask_about(call, "PATCH", "/users/", "", body);
}

static int run_user_password(const struct invocation *call)
{
    return ask_about(call, "POST", "/users/", "/password", NULL);
}

static int run_user_delete(const struct invocation *call)
{
    return ask_about(call, "DELETE", "/users/", "", NULL);
}

#define ROLE_OPTION                                                                                          \
    {                                                                                                        \
        "role", 'r', "ROLE", "viewer, operator or admin", 0                                                  \
    }
#define END_OF_LIST                                                                                          \
    {                                                                                                        \
        NULL, 0, NULL, NULL, 0                                                                               \
    }

static const struct option user_add_options[] = {
    {"name", 'n', "NAME", "what people call them", 0},
    ROLE_OPTION,
    END_OF_LIST,
};

static const struct option user_set_options[] = {
    {"name", 'n', "NAME", "what people call them", 0},
    ROLE_OPTION,
    {"disable", 0, NULL, "no sign-in any more; sessions and tokens end", 0},
    {"enable", 0, NULL, "sign-in again", 0},
    END_OF_LIST,
};

/* --- Tokens --- */

static const struct column token_columns[] = {
    {"id", "ID"},           {"user", "USER"},       {"name", "NAME"}, {"role", "ROLE"},
    {"created", "CREATED"}, {"expires", "EXPIRES"}, {"used", "USED"}, {NULL, NULL},
};

static int run_token_list(const struct invocation *call)
{
    return list(call, "/tokens", "tokens", token_columns);
}

static int run_token_add(const struct invocation *call)
{
    uint32_t days = 0;
    json_t *body = json_object();
    json_t *areas = json_array();
    int rc = option_number(call, "days", 3650, &days);

    for (size_t i = 0; option_text_at(call, "area", i); i++) {
        json_array_append_new(areas, json_string(option_text_at(call, "area", i)));
    }
    set_text(body, call, "name");
    set_text(body, call, "role");
    if (json_array_size(areas) > 0) {
        json_object_set(body, "areas", areas);
    }
    json_decref(areas);
    if (days > 0) {
        json_object_set_new(body, "days", json_integer(days));
    }
    if (rc != CLI_OK) {
        json_decref(body);
        return rc;
    }
    return ask(call, "POST", copy("/tokens"), body);
}

static int run_token_delete(const struct invocation *call)
{
    return ask_about(call, "DELETE", "/tokens/", "", NULL);
}

static const struct option token_add_options[] = {
    {"name", 'n', "NAME", "what it is for", 0},
    ROLE_OPTION,
    {"area", 'a', "AREA", "only for this area: devices, firmware, shipments, ...", OPTION_REPEATED},
    {"days", 'd', "N", "it ends after so many days", 0},
    END_OF_LIST,
};

/* --- Organizations --- */

static const struct column organization_columns[] = {
    {"id", "ID"}, {"name", "NAME"}, {"created", "CREATED"}, {NULL, NULL}};

static int run_organization_list(const struct invocation *call)
{
    return list(call, "/organizations", "organizations", organization_columns);
}

static int run_organization_add(const struct invocation *call)
{
    json_t *body = json_pack("{s:s, s:s}", "name", call->argument[0], "login", option_text(call, "login"));

    return ask(call, "POST", copy("/organizations"), body);
}

static const struct option organization_add_options[] = {
    {"login", 'l', "LOGIN", "of its first admin, whose one-time password is shown", OPTION_REQUIRED},
    END_OF_LIST,
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
    return rc == CLI_OK ? output_list(call, audit_columns, "entries", answer) : rc;
}

static const struct option audit_options[] = {
    {"user", 'u', "ID", "only what this user did", 0},
    {"all", 0, NULL, "the whole log, not the newest 100 entries", 0},
    END_OF_LIST,
};

/* --- As data --- */

#define PEOPLE_COMMAND(id, text, args, count, help, option_list, function)                                   \
    const struct command command_##id = {                                                                    \
        .name = text,                                                                                        \
        .arguments = args,                                                                                   \
        .arguments_min = count,                                                                              \
        .arguments_max = count,                                                                              \
        .summary = help,                                                                                     \
        .options = option_list,                                                                              \
        .uses = USES_JSON | USES_SERVER,                                                                     \
        .run = function,                                                                                     \
    }

PEOPLE_COMMAND(user_list, "user list", "", 0, "list the users of the organization", NULL, run_user_list);
PEOPLE_COMMAND(user_add, "user add", "LOGIN", 1, "add a user; the password for the first sign-in is shown",
               user_add_options, run_user_add);
PEOPLE_COMMAND(user_set, "user set", "ID", 1, "change a user", user_set_options, run_user_set);
PEOPLE_COMMAND(user_password, "user password", "ID", 1, "give a user a new password for one sign-in", NULL,
               run_user_password);
PEOPLE_COMMAND(user_delete, "user delete", "ID", 1, "delete a user, with sessions and tokens", NULL,
               run_user_delete);
PEOPLE_COMMAND(token_list, "token list", "", 0, "list API tokens", NULL, run_token_list);
PEOPLE_COMMAND(token_add, "token add", "", 0, "make an API token; it is shown this once", token_add_options,
               run_token_add);
PEOPLE_COMMAND(token_delete, "token delete", "ID", 1, "delete an API token", NULL, run_token_delete);
PEOPLE_COMMAND(organization_list, "organization list", "", 0, "list the server's organizations", NULL,
               run_organization_list);
PEOPLE_COMMAND(organization_add, "organization add", "NAME", 1, "make an organization and its first admin",
               organization_add_options, run_organization_add);
PEOPLE_COMMAND(audit, "audit", "", 0, "show who did what, newest first", audit_options, run_audit);
